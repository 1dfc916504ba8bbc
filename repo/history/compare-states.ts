import type { ResourceId } from '../../schema/index.ts';
import type { Oid } from '../types.ts';
import { askPatch } from './ask-patch.ts';
import type { Comparison } from './compare.ts';
import type { History } from './history.ts';

/** A commit, but for some resources that are as another one has them: what a daemon has in service. */
export interface CommitState {
  commit: Oid;
  held?: ReadonlyMap<ResourceId, Oid>;
}

/**
 * Compare two states: what it may bring about, and what is different. Where all of it is asked for, git works while what
 * judges is still being loaded.
 * @param id only of this resource; undefined is returned when neither state has it
 */
export async function compareStates(history: History, from: CommitState, to: CommitState): Promise<Comparison>;
export async function compareStates(
  history: History,
  from: CommitState,
  to: CommitState,
  id: ResourceId | undefined,
): Promise<Comparison | undefined>;
export async function compareStates(
  history: History,
  from: CommitState,
  to: CommitState,
  id?: ResourceId,
): Promise<Comparison | undefined> {
  const isAll = id === undefined && !from.held?.size && !to.held?.size;
  const asked = isAll ? askPatch(history, from.commit, to.commit) : undefined;
  const { compareWith } = await import('./changes.ts');
  return compareWith(history, from, to, id, asked);
}

/** What stands for nothing at all, in a repository with ids like this one. */
export function nothingLike(oid: Oid): Oid {
  return oid.length === 64
    ? '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321'
    : '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
}
