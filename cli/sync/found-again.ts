import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ProblemError, problem } from '../../schema/index.ts';
import { lookAtEntry } from './entry.ts';
import { statsOf } from './look.ts';
import type { Places } from './places.ts';
import { type InstalledSkill, isDamaged, readRecord, readState, type SkillsState } from './state.ts';

/** Every working copy on this disk, by its path, whatever is known of it. */
export function workingCopies({ live }: Places): string[] {
  return namesIn(live).flatMap(scope =>
    namesIn(join(live, scope))
      .filter(name => !name.startsWith('.') && !name.endsWith('.json'))
      .map(name => join(live, scope, name)),
  );
}

/**
 * Skills that a state does not know although their entries lead to working copies: it was lost, or a sync was killed.
 * What is written beside each copy says what it is.
 */
export function foundAgain(places: Places, { skills }: SkillsState): InstalledSkill[] {
  const known = new Set(skills.map(({ path }) => path));
  return workingCopies(places).flatMap(live => {
    const record = readRecord(live);
    if (!record || known.has(record.path)) return [];
    const entry = lookAtEntry(places, record.path);
    return entry.kind === 'ours' && entry.live === live ? [record] : [];
  });
}

/** What is installed, with what the state does not know of any more: for whoever takes it out again. */
export function readEvery(places: Places): SkillsState {
  const state = readState(places);
  return { ...state, skills: [...state.skills, ...foundAgain(places, state)] };
}

/**
 * What is installed, for whoever only tells it: that nothing is would be untrue where what is remembered was lost.
 * @throws ProblemError SKILLS_STATE_UNUSABLE
 */
export function readWhole(places: Places): SkillsState {
  const state = readState(places);
  const lost = isDamaged(places) ? 'is damaged' : state.skills.length === 0 ? 'knows of none of them' : undefined;
  if (lost === undefined || (lost !== 'is damaged' && foundAgain(places, state).length === 0)) return state;
  const hint = '`mcpctl skills sync` finds the skills again.';
  throw new ProblemError(problem('SKILLS_STATE_UNUSABLE', `${places.state} ${lost}`, { hint }));
}

/** Entries of ours in clients’ folders. */
export function entriesIn(places: Places, folders: readonly string[]): string[] {
  const paths = folders.flatMap(folder => namesIn(folder).map(name => join(folder, name)));
  return paths.filter(path => lookAtEntry(places, path).kind === 'ours');
}

function namesIn(folder: string): string[] {
  return statsOf(folder)?.isDirectory() ? readdirSync(folder) : [];
}
