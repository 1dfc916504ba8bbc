import type { FileContent, ResourceId } from '../../schema/index.ts';
import type { Oid } from '../types.ts';
import { content } from './changes.ts';
import { filesAt } from './files.ts';
import type { History } from './history.ts';
import { mainFileAt, pathsOf } from './locate.ts';

/**
 * A resource's files at a commit, its main file first, with their contents; not its lock, which is made anew.
 * @returns undefined when it is not there
 */
export async function restorable(
  history: History,
  commit: Oid,
  id: ResourceId,
): Promise<Map<string, FileContent> | undefined> {
  const main = await mainFileAt(history, commit, id);
  if (main === undefined) return undefined;
  const [own = main] = pathsOf(id, main);
  const files = await filesAt(history, commit, own);
  const sorted = files.sort((a, b) => Number(b.path === main) - Number(a.path === main));
  const found = new Map<string, FileContent>();
  for (const file of sorted) {
    const read = file.mode.startsWith('100') && file.fault === undefined ? await content(history, file) : undefined;
    if (read) found.set(file.path, read);
  }
  return found;
}

/**
 * Files of a resource where it is now; where they were, when it is gone.
 * @param files its main file first
 * @param main its main file as it is now
 */
export function inPlace(files: ReadonlyMap<string, FileContent>, main: string | undefined): Map<string, FileContent> {
  const [old = ''] = files.keys();
  if (main === undefined || main === old) return new Map(files);
  const [from, to] = [old, main].map(path => (path.endsWith('/SKILL.md') ? path.slice(0, -'SKILL.md'.length) : path));
  return new Map([...files].map(([path, one]) => [`${to}${path.slice(from?.length)}`, one]));
}
