import { type FilePair, type History, readPairs, skillContext, stateChanges } from '../../../repo/history/index.ts';
import type { ChangedFile, ResourceId } from '../../../schema/index.ts';
import type { Side } from './sides.ts';

/** What is compared. */
export interface Compared {
  pairs: FilePair[];
  /** Files that are the same on both sides, for what others mean. */
  context: ChangedFile[];
  /** Whether either side has the resource that is meant. */
  known: boolean;
}

/** The files that are not the same in two commits. @param id only of this resource */
export async function betweenCommits(
  history: History,
  from: Side,
  to: Side,
  id: ResourceId | undefined,
): Promise<Compared> {
  const changes = await stateChanges(history, from, to, id);
  const context = await skillContext(history, from.commit, to.commit, changes ?? []);
  return { pairs: await readPairs(history, changes ?? []), context, known: changes !== undefined };
}
