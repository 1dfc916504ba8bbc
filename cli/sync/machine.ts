import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeAtomic } from '../../host/index.ts';
import { type Problem, ProblemError, problem } from '../../schema/index.ts';
import { kept } from './apply.ts';
import { clientFolders, readSkillsConfig, targets } from './config.ts';
import { entriesIn, readEvery, workingCopies } from './found-again.ts';
import { sessionStartEntry } from './hook/entry.ts';
import { applyHookFiles, type FileOutcome, setOwnEntries } from './hooks/apply-hooks.ts';
import { readLedger } from './hooks/ledger.ts';
import { settingsFile } from './hooks/settings-file.ts';
import { underLock } from './lock.ts';
import { observe } from './observe.ts';
import { type Places, placesIn } from './places.ts';
import { projectIn } from './project.ts';
import { PROJECT_FILE } from './project-file.ts';
import { forgetProjectFile, forgetSetup, rememberProjectFile, type SetupEntry, setupsIn } from './setups.ts';
import { readRecord, type SkillsState, writeState } from './state.ts';
import { giveAway, takeOut } from './take-out.ts';
import { discard, tidyLive } from './working-copy.ts';

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
  const { from, gateway } = readSkillsConfig(placesIn(home));
  return (from ?? gateway) !== undefined;
}

/** @throws ProblemError FILE_EXISTS when a folder is another project’s */
export function refuseOtherProject({ folder, project }: MachineSetup): void {
  const before = projectIn(folder);
  if (before === undefined || before === project) return;
  const hint = `Remove it first: mcpctl config claude -p ${before.slice(0, 24)} --remove`;
  const message = `${join(folder, PROJECT_FILE)} names another project`;
  throw new ProblemError(problem('FILE_EXISTS', message, { hint }));
}

/**
 * Say which project a folder is of. @returns whether the file was not there before
 * @throws ProblemError FILE_EXISTS when it is another’s
 */
export async function writeProjectFile(setup: MachineSetup): Promise<boolean> {
  const { folder, project } = setup;
  refuseOtherProject(setup);
  if (projectIn(folder) === project) return false;
  await rememberProjectFile(setup);
  await writeAtomic(join(folder, PROJECT_FILE), `${project}\n`, { mode: 0o644 });
  return true;
}

/** Take back what `writeProjectFile` just wrote. */
export async function withdrawProjectFile(setup: MachineSetup): Promise<void> {
  await removeProjectFile(setup);
  await forgetProjectFile(setup);
}

/** Let skills be synced before each session of Claude Code. Doing it twice changes nothing. */
export function installSessionHook({ env, home, signal }: MachineSetup): Promise<FileOutcome> {
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
    const state = readEvery(places);
    const projects = clientFolders(env, ['claude', 'agents'], folder).map(one => one.folder);
    const others = state.skills.some(({ scope, folder: at }) => scope !== 'global' && !projects.includes(at));
    const known = state.skills.filter(one => projects.includes(one.folder) || (!others && one.scope === 'global'));
    const problems = await takeOut({ ...setup, places, state }, known);
    const settings = settingsFile(join(folder, '.claude', 'skills'), true);
    problems.push(...(await applyHookFiles(places, new Map([[settings, []]]))).warnings);
    if (!others) {
      problems.push(...(await applyHookFiles(places, new Map([[userSettings(env), []]]))).warnings);
      problems.push(...(await setOwnEntries(places, userSettings(env), [])).warnings);
    }
    state.settled = state.settled.filter(one => one.folder !== folder && (others || one.folder !== ''));
    await writeState(places, state);
    await removeProjectFile(setup);
    await forgetSetup(places, setup, 'claude-code');
    return problems;
  });
}

/** What `removeAll` would take out of clients’ folders and of projects’ folders. */
export interface Placed {
  path: string;
  what: string;
}

/** What skills and their set-up put outside of mcpctl’s own folder, as far as it is remembered. Changes nothing. */
export function placedByUs(home: string): Placed[] {
  const places = placesIn(home);
  if (!isSetUp(places)) return [];
  const state = readEvery(places);
  const skills = [...observe(places, [], state.skills)]
    .filter(([, { entry }]) => entry.kind === 'ours')
    .map(([path, { edited }]) => ({
      path,
      what: edited ? 'a skill that you edited: it becomes a folder of your own' : 'a synced skill',
    }));
  const settings = Object.keys(readLedger(places).files);
  const clients = new Set(setupsIn(places).flatMap(({ entries }) => entries.map(({ file }) => file)));
  return [
    ...skills,
    ...settings.map(path => ({ path, what: 'hooks of skills in settings, the rest stays' })),
    ...[...clients].map(path => ({ path, what: 'a gateway’s entry, the rest stays' })),
    ...projectFolders(places, state).map(({ folder }) => ({
      path: join(folder, PROJECT_FILE),
      what: 'names a project',
    })),
  ];
}

type ProjectFolder = Pick<MachineSetup, 'folder' | 'project'>;

/** What of a machine is left for whoever can change clients’ files. */
export interface Removed {
  /** Folders of projects that were set up before that was remembered. */
  former: ProjectFolder[];
  /** What is remembered to stand in clients’ files. */
  entries: SetupEntry[];
  problems: Problem[];
}

/**
 * Take every skill, every hook and every project’s file out of this machine’s folders again. A skill that was edited
 * becomes a plain folder at its entry’s place; what is the user’s in other working copies is kept. Nothing is asked of
 * any remote.
 * @throws ProblemError SKILL_WRITE_FAILED when a skill could not be taken out, SKILL_HOOKS_LEFT when a settings file could not be changed: what is remembered of it is kept
 */
export async function removeAll({
  env,
  home,
  signal,
}: Pick<MachineSetup, 'env' | 'home' | 'signal'>): Promise<Removed> {
  const places = placesIn(home);
  if (!isSetUp(places)) return { former: [], entries: [], problems: [] };
  return underLock(places, signal, async () => {
    const state = readEvery(places);
    const problems = await takeOut({ env, signal, places, state, letGo: true }, state.skills);
    const failure = problems.find(({ severity }) => severity === 'error');
    if (failure) {
      await writeState(places, state);
      throw new ProblemError(failure);
    }
    const projectsHere = [undefined, ...setupsIn(places).map(one => one.folder)];
    const folders = projectsHere.flatMap(at => clientFolders(env, targets, at)).map(one => one.folder);
    for (const path of entriesIn(places, folders)) {
      await giveAway(places, path);
      problems.push(problem('SKILL_EDITED', `${path} stays: nothing is known of what was installed there`));
    }
    problems.push(...(await keepTheUsers(places, state)));
    for (const file of Object.keys(readLedger(places).files)) {
      problems.push(...(await applyHookFiles(places, new Map([[file, []]]))).warnings);
      problems.push(...(await setOwnEntries(places, file, [])).warnings);
    }
    const projects = projectFolders(places, state);
    const setups = setupsIn(places);
    const entries = setups.flatMap(setup => setup.entries);
    const former = projects.filter(({ folder }) => !setups.some(one => one.folder === folder));
    await writeState(places, { ...state, settled: [] });
    const [stuck] = Object.keys(readLedger(places).files);
    if (stuck !== undefined) {
      const hint = 'Correct the file, then run `mcpctl uninstall --yes` again.';
      const why = problems.find(({ at }) => at?.file === stuck)?.message ?? `${stuck} was left alone`;
      throw new ProblemError(problem('SKILL_HOOKS_LEFT', why, { at: { file: stuck }, hint }));
    }
    for (const one of projects) await removeProjectFile(one);
    return { former, entries, problems };
  });
}

function isSetUp(places: Places): boolean {
  return [places.state, places.ledger, places.live].some(path => existsSync(path));
}

/** The working copies that no skill is in any more are about to go: what people wrote into them is not. */
async function keepTheUsers(places: Places, state: SkillsState): Promise<Problem[]> {
  const now = Date.now();
  const replaced = await tidyLive(places, new Set(workingCopies(places)), now);
  const problems = replaced.kept.flatMap(where => kept('a skill that was being replaced', where));
  for (const live of workingCopies(places)) {
    // Of one that nothing is known of, all that is in it counts as the user’s.
    const unknown = { live, name: basename(live), files: {} };
    const copy = state.superseded.find(one => one.live === live) ?? readRecord(live) ?? unknown;
    problems.push(...kept(copy.name, await discard(places, copy, now)));
  }
  state.superseded = [];
  return problems;
}

/** Folders whose project file is ours: those that were set up, and those whose skills were synced. */
function projectFolders(places: Places, { settled }: SkillsState): ProjectFolder[] {
  const synced = settled.flatMap(({ folder, project }) => (project === undefined ? [] : [{ folder, project }]));
  const setUp = setupsIn(places).filter(({ projectFile }) => projectFile === true);
  const isSynced = (folder: string) => synced.some(one => one.folder === folder);
  return [
    ...synced,
    ...setUp.filter(({ folder }) => !isSynced(folder)).map(({ folder, project }) => ({ folder, project })),
  ];
}

async function removeProjectFile({ folder, project }: ProjectFolder): Promise<void> {
  if (projectIn(folder) === project) await rm(join(folder, PROJECT_FILE));
}

function userSettings(env: MachineSetup['env']): string {
  const [{ folder } = { folder: '' }] = clientFolders(env, ['claude'], undefined);
  return settingsFile(folder, false);
}
