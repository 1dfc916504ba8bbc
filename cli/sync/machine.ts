import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomic } from '../../host/index.ts';
import { type Problem, ProblemError, problem } from '../../schema/index.ts';
import { applyStep } from './apply.ts';
import { clientFolders, readSkillsConfig } from './config.ts';
import { sessionStartEntry } from './hook/entry.ts';
import { applyHookFiles, setOwnEntries } from './hooks/apply-hooks.ts';
import { settingsFile } from './hooks/settings-file.ts';
import { observe } from './observe.ts';
import { placesIn } from './places.ts';
import { planSync } from './plan.ts';
import { PROJECT_FILE } from './project-file.ts';
import { runScript } from './scripts/run-script.ts';
import { failed } from './scripts/scripts.ts';
import { readState, writeState } from './state.ts';
import { underLock } from './sync.ts';

/** A machine and one folder of a project on it. */
export interface MachineSetup {
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  /** The project’s folder; absolute. */
  folder: string;
  project: string;
  signal: AbortSignal;
}

/** Whether this machine was told where skills come from. */
export function hasSkillsSource(home: string): boolean {
  return readSkillsConfig(placesIn(home)).from !== undefined;
}

/** Say which project a folder is of. @throws ProblemError FILE_EXISTS when it is another’s */
export async function writeProjectFile({ folder, project }: MachineSetup): Promise<void> {
  const file = join(folder, PROJECT_FILE);
  const before = existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
  if (before === project) return;
  if (before !== undefined) {
    const hint = `Remove it first: mcpctl config claude -p ${before.slice(0, 24)} --remove`;
    throw new ProblemError(problem('FILE_EXISTS', `${file} names another project`, { hint }));
  }
  await writeAtomic(file, `${project}\n`, { mode: 0o644 });
}

/** Let skills be synced before each session of Claude Code. Doing it twice changes nothing. */
export function installSessionHook({ env, home, signal }: MachineSetup): Promise<Problem[]> {
  const places = placesIn(home);
  const { hookMarkers } = readSkillsConfig(places);
  return underLock(places, signal, () => setOwnEntries(places, userSettings(env), [sessionStartEntry(hookMarkers)]));
}

/**
 * Take a project’s skills, its hooks and its file out of a folder again; with the last project, what is global and the
 * session hook too. What was edited stays. Nothing is asked of any remote.
 */
export async function removeProject(setup: MachineSetup): Promise<Problem[]> {
  const { env, home, folder, signal } = setup;
  const places = placesIn(home);
  return underLock(places, signal, async () => {
    const state = readState(places);
    const projects = clientFolders(env, ['claude', 'agents'], folder).map(one => one.folder);
    const others = state.skills.some(({ scope, folder: at }) => scope !== 'global' && !projects.includes(at));
    const known = state.skills.filter(one => projects.includes(one.folder) || (!others && one.scope === 'global'));
    const observed = observe(places, [], known);
    const problems: Problem[] = [];
    const request = { places, env, project: setup.project, sandbox: false, signal };
    for (const step of planSync([], observed, { force: false, keepOrphans: false })) {
      const applied = await applyStep(
        {
          ...{ places, state, observed, offered: new Map(), commit: '', now: Date.now() },
          async beforeRemoval(skill) {
            if (skill.preUninstall === undefined) return [];
            const result = await runScript({ ...request, skill, kind: 'preUninstall' });
            return result.trouble === undefined ? [] : [failed(skill, 'preUninstall', result)];
          },
        },
        step,
      );
      problems.push(...applied.warnings, ...(applied.error ? [applied.error] : []));
      if (step.op === 'preserve') {
        problems.push(problem('SKILL_EDITED', `\`${step.id}\` stays: ${step.because}`, { resource: step.id }));
      }
    }
    const settings = settingsFile(join(folder, '.claude', 'skills'), true);
    problems.push(...(await applyHookFiles(places, new Map([[settings, []]]))).warnings);
    if (!others) {
      problems.push(...(await applyHookFiles(places, new Map([[userSettings(env), []]]))).warnings);
      problems.push(...(await setOwnEntries(places, userSettings(env), [])));
    }
    state.settled = state.settled.filter(one => one.folder !== folder && (others || one.folder !== ''));
    await writeState(places, state);
    await removeProjectFile(setup);
    return problems;
  });
}

async function removeProjectFile({ folder, project }: MachineSetup): Promise<void> {
  const file = join(folder, PROJECT_FILE);
  if (existsSync(file) && readFileSync(file, 'utf8').trim() === project) await rm(file);
}

function userSettings(env: MachineSetup['env']): string {
  const [{ folder } = { folder: '' }] = clientFolders(env, ['claude'], undefined);
  return settingsFile(folder, false);
}
