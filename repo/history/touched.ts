import { classify, type ResourceId } from '../../schema/index.ts';
import type { History } from './history.ts';
import { mainFileOf } from './locate.ts';
import type { Commit } from './log.ts';

/** What a commit did to a resource. */
export interface Touch {
  id: ResourceId;
  op: 'created' | 'changed' | 'deleted';
  /** Its main file, before or after. */
  main: string;
}

/** The resources that a commit changed, in the order of their files; locks too. */
export async function touchedBy(history: History, { commit, parents, files }: Commit): Promise<Touch[]> {
  const found = new Map<ResourceId, Touch>();
  for (const { path, before, after } of files) {
    // What was deleted with its skill belongs to the skill as it was.
    const at = after ? commit : (parents[0] ?? commit);
    const main = (await mainFileOf(history, at, path)) ?? (after ? undefined : await mainFileOf(history, commit, path));
    const declared = main === undefined ? undefined : classify(main);
    if (main === undefined || declared?.kind !== 'resource') continue;
    const op = path !== main || (before && after) ? 'changed' : after ? 'created' : 'deleted';
    const known = found.get(declared.id);
    if (!known || known.op === 'changed') found.set(declared.id, { id: declared.id, op, main });
  }
  return [...found.values()];
}
