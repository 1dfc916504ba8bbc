import { ProblemError, problem } from '../schema/index.ts';
import type { Objects } from './objects.ts';
import { parseTree, type TreeEntry } from './tree.ts';
import type { Oid } from './types.ts';

const TREE = '040000';
const MAX_TREE_BYTES = 16 * 1024 * 1024;
/** Nobody reads more. */
const MAX_PATHS = 100_000;

interface Folder {
  prefix: string;
  before: Oid | undefined;
  after: Oid | undefined;
}

/**
 * Every file that two commits or trees do not have alike, whatever it is; a renamed one counts twice. Sorted.
 * @throws ProblemError READ_FAILED
 */
export async function changedPaths(objects: Objects, from: Oid, to: Oid): Promise<string[]> {
  const roots = await Promise.all([from, to].map(async name => (await objects.info(`${name}^{tree}`))?.oid));
  const [before, after] = roots;
  if (before === undefined || after === undefined) throw failed(`${from} or ${to} is missing`);
  const paths: string[] = [];
  let level: Folder[] = [{ prefix: '', before, after }];
  while (level.length > 0) {
    const next: Folder[] = [];
    await Promise.all(level.map(folder => compare(objects, folder, paths, next)));
    if (paths.length > MAX_PATHS) throw failed(`there are more than ${MAX_PATHS} files`);
    level = next;
  }
  return paths.sort();
}

async function compare(objects: Objects, folder: Folder, paths: string[], next: Folder[]): Promise<void> {
  const [before, after] = await Promise.all([readTree(objects, folder.before), readTree(objects, folder.after)]);
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(name), after.get(name)];
    if (old?.oid === now?.oid && old?.mode === now?.mode) continue;
    const path = `${folder.prefix}${name}`;
    if ([old, now].some(entry => entry && entry.mode !== TREE)) paths.push(path);
    const [tree, other] = [old, now].map(entry => (entry?.mode === TREE ? entry.oid : undefined));
    if (tree !== undefined || other !== undefined) next.push({ prefix: `${path}/`, before: tree, after: other });
  }
}

async function readTree(objects: Objects, oid: Oid | undefined): Promise<Map<string, TreeEntry>> {
  if (oid === undefined) return new Map();
  const tree = await objects.contents(oid, MAX_TREE_BYTES);
  if (tree?.type !== 'tree' || !tree.bytes) throw failed(`the tree ${oid} is missing or too large`);
  return new Map(parseTree(tree.bytes, oid.length / 2).map(entry => [entry.name, entry]));
}

function failed(why: string): ProblemError {
  return new ProblemError(problem('READ_FAILED', `what differs could not be read: ${why}`));
}
