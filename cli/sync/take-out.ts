import { existsSync } from 'node:fs';
import { cp, rename, rm, unlink } from 'node:fs/promises';
import { type Problem, problem } from '../../schema/index.ts';
import { applyStep } from './apply.ts';
import { lookAtEntry } from './entry.ts';
import { observe } from './observe.ts';
import type { Places } from './places.ts';
import { planSync } from './plan.ts';
import { runScript } from './scripts/run-script.ts';
import { failed } from './scripts/scripts.ts';
import { type InstalledSkill, recordFile, type SkillsState } from './state.ts';

export interface TakingOut {
  env: Readonly<Record<string, string | undefined>>;
  places: Places;
  /** What goes is taken out of it; whoever calls writes it. */
  state: SkillsState;
  signal: AbortSignal;
  project?: string;
  /** A skill that was edited becomes the user’s own folder, instead of staying a link to a working copy. */
  letGo?: boolean;
}

/** Take skills out of clients’ folders, each after its own `preUninstall`. What was edited stays, and is told. */
export async function takeOut(taking: TakingOut, known: readonly InstalledSkill[]): Promise<Problem[]> {
  const { env, places, state, signal, letGo = false } = taking;
  const observed = observe(places, [], known);
  const request = { places, env, sandbox: false, signal };
  const problems: Problem[] = [];
  for (const step of planSync([], observed, { force: false, keepOrphans: false })) {
    const applied = await applyStep(
      {
        ...{ places, state, observed, offered: new Map(), commit: '', now: Date.now() },
        async beforeRemoval(skill) {
          if (skill.preUninstall === undefined) return [];
          const project = taking.project ?? /^project\/(.+)$/.exec(skill.scope)?.[1];
          const result = await runScript({ ...request, project, skill, kind: 'preUninstall' });
          return result.trouble === undefined ? [] : [failed(skill, 'preUninstall', result)];
        },
      },
      step,
    );
    problems.push(...applied.warnings, ...(applied.error ? [applied.error] : []));
    if (step.op !== 'preserve') continue;
    problems.push(problem('SKILL_EDITED', `\`${step.id}\` stays: ${step.because}`, { resource: step.id }));
    if (!letGo) continue;
    await giveAway(places, step.path);
    state.skills = state.skills.filter(({ path }) => path !== step.path);
  }
  return problems;
}

/** Put the working copy itself where the link to it stands. Killed in between, it is still among the working copies. */
export async function giveAway(places: Places, path: string): Promise<void> {
  const entry = lookAtEntry(places, path);
  if (entry.kind !== 'ours') return;
  await unlink(path);
  if (!existsSync(entry.live)) return;
  try {
    await rename(entry.live, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await cp(entry.live, path, { recursive: true, errorOnExist: true, force: false, verbatimSymlinks: true });
    await rm(entry.live, { recursive: true });
  }
  await rm(recordFile(entry.live), { force: true });
}
