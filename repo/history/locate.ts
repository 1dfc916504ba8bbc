import { classify, lockFolder, partsOfId, type ResourceId, usualPlace } from '../../schema/index.ts';
import type { Oid } from '../types.ts';
import { gitPath, type History, oidAt, ownPath } from './history.ts';
import { readLog } from './log.ts';

/**
 * The main file of a resource at a commit. Its usual path is tried first, so that the tree need not be read for most.
 * @returns undefined when the commit has none
 */
export async function mainFileAt(history: History, commit: Oid, id: ResourceId): Promise<string | undefined> {
  const place = usualPlace(id);
  if (!place) return undefined;
  if ((await oidAt(history, commit, place.path)) !== undefined) return place.path;
  if (place.folder === '') return undefined;
  const names = await filesBelow(history, commit, place.folder);
  return names.find(path => path.endsWith(place.ending) && declares(path, id));
}

/** The main file that a resource had last, whether or not it is still there; undefined when it never was. */
export async function lastMainFile(history: History, from: Oid, id: ResourceId): Promise<string | undefined> {
  const place = usualPlace(id);
  if (!place) return undefined;
  const there = await mainFileAt(history, from, id);
  if (there !== undefined) return there;
  const usual = `:(top,literal)${gitPath(history, place.path)}`;
  const anywhere = `:(top,glob)${globbed(gitPath(history, place.folder))}/**${globbed(place.ending)}`;
  for (const paths of place.folder === '' ? [[usual]] : [[usual], [anywhere]]) {
    const args = ['--max-count=1', '--full-history', '--no-renames', '--diff-filter=D'];
    const [newest] = await readLog(history, { from, paths, args });
    const found = newest?.files.find(({ path }) => declares(path, id));
    if (found) return found.path;
  }
  return undefined;
}

/** What of the repository is a resource, given its main file: of a bundle its folder, of a server its lock too. */
export function pathsOf(id: ResourceId, main: string): string[] {
  const { row, name = '' } = partsOfId(id) ?? {};
  if (row?.form === 'bundle') return [main.slice(0, -'/SKILL.md'.length)];
  return row?.kind === 'Server' ? [main, lockFolder(name)] : [main];
}

/** Every path of a commit. */
export function repositoryFiles(history: History, commit: Oid): Promise<string[]> {
  return filesBelow(history, commit, '');
}

/**
 * The main file of the resource that a file belongs to at a commit; undefined when it belongs to none. A file of a
 * skill belongs to the nearest folder around it that has a `SKILL.md`; a lock to no resource of its own.
 */
export async function mainFileOf(history: History, commit: Oid, path: string): Promise<string | undefined> {
  if (!isReadable(path)) return undefined;
  const declared = classify(path);
  if (declared.kind === 'resource') return path;
  if (declared.kind !== 'part') return undefined;
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const main = `${path.slice(0, end)}/SKILL.md`;
    if (classify(main).kind !== 'resource') return undefined;
    if ((await oidAt(history, commit, main)) !== undefined) return main;
  }
  return undefined;
}

async function filesBelow(history: History, commit: Oid, folder: string): Promise<string[]> {
  const below = gitPath(history, folder);
  const args = ['ls-tree', '-r', '-z', '--name-only', '--full-tree', commit];
  const output = await history.git(below === '' ? args : [...args, '--', below]);
  return output
    .toString('utf8')
    .split('\0')
    .flatMap(path => (path === '' ? [] : (ownPath(history, path) ?? [])));
}

/** git is asked for no name with such characters; nothing of that name is ever read. */
function isReadable(path: string): boolean {
  return !/[\u0000-\u001f\u007f-\u009f]/.test(path);
}

function declares(path: string, id: ResourceId): boolean {
  if (!isReadable(path)) return false;
  const declared = classify(path);
  return declared.kind === 'resource' && declared.id === id;
}

/** Names have none of git's wildcards, but folders in between may. */
function globbed(path: string): string {
  return path.replace(/[\\*?[\]]/g, '\\$&');
}
