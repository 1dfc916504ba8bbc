import { classify, ProblemError, problem } from '../schema/index.ts';
import type { Objects } from './objects.ts';
import { parseTree, type TreeEntry } from './tree.ts';
import type { Oid } from './types.ts';

const MAX_ENTRIES = 100_000;
const MAX_DEPTH = 16;
const MAX_PATH_BYTES = 1024;
const MAX_TREE_BYTES = 16 * 1024 * 1024;
const TREE = '040000';

/** A file, symbolic link or submodule of a commit, by its path below the repository's root folder. */
export interface TreeFile {
  path: string;
  mode: string;
  oid: Oid;
  /** Why it cannot be read, whatever is in it; `path` is then for people only. */
  fault?: string;
}

export interface TreeChanges {
  changed: TreeFile[];
  /** Paths that are no more. */
  removed: string[];
}

interface Folder {
  path: string;
  depth: number;
  before: Oid | undefined;
  after: Oid | undefined;
}

/**
 * Compare two trees and list the files that differ; equal subtrees and folders outside of the repository format are
 * not read. Level by level, so that each level costs one exchange with git.
 * Throws a ProblemError (READ_FAILED) when a tree is missing, damaged or beyond the limits.
 * @param before undefined lists everything
 * @param isWanted folders, by their paths, that are looked into
 */
export async function treeChanges(
  objects: Objects,
  before: Oid | undefined,
  after: Oid,
  isWanted: (folder: string) => boolean = () => true,
): Promise<TreeChanges> {
  const changes: TreeChanges = { changed: [], removed: [] };
  let entries = 0;
  let level: Folder[] = before === after ? [] : [{ path: '', depth: 0, before, after }];
  while (level.length > 0) {
    const next: Folder[] = [];
    level = level.filter(({ path }) => path === '' || isWanted(path));
    const read = level.map(async folder => {
      const [old, now] = await Promise.all([readTree(objects, folder.before), readTree(objects, folder.after)]);
      entries += old.length + now.length;
      if (entries > MAX_ENTRIES) throw tooMuch(`it has more than ${MAX_ENTRIES} files and folders`);
      compareFolder(folder, old, now, changes, next);
    });
    await Promise.all(read);
    level = next;
  }
  return changes;
}

async function readTree(objects: Objects, oid: Oid | undefined): Promise<TreeEntry[]> {
  if (oid === undefined) return [];
  const tree = await objects.contents(oid, MAX_TREE_BYTES);
  if (tree?.type !== 'tree') throw tooMuch(`the tree ${oid} is missing or damaged`);
  if (!tree.bytes) throw tooMuch(`the tree ${oid} has ${tree.size} bytes`);
  try {
    return parseTree(tree.bytes, oid.length / 2);
  } catch {
    throw tooMuch(`the tree ${oid} is damaged`);
  }
}

function compareFolder(
  folder: Folder,
  old: readonly TreeEntry[],
  now: readonly TreeEntry[],
  changes: TreeChanges,
  next: Folder[],
): void {
  const former = new Map(old.map(entry => [entry.name, entry]));
  for (const entry of now) {
    const was = former.get(entry.name);
    former.delete(entry.name);
    if (was?.oid !== entry.oid || was.mode !== entry.mode) visit(folder, entry.name, was, entry, changes, next);
  }
  for (const [name, entry] of former) visit(folder, name, entry, undefined, changes, next);
}

/** One name that is new, gone or different: a file on either side, a folder on either side. */
function visit(
  folder: Folder,
  name: string,
  was: TreeEntry | undefined,
  entry: TreeEntry | undefined,
  changes: TreeChanges,
  next: Folder[],
): void {
  const path = folder.path === '' ? name : `${folder.path}/${name}`;
  const before = was?.mode === TREE ? was.oid : undefined;
  const after = entry?.mode === TREE ? entry.oid : undefined;
  const isFolder = before !== undefined || after !== undefined;
  const fault = pathFault(path, folder.depth, isFolder, entry ?? was);
  if (fault !== undefined) {
    reportFault(folder, path, fault, entry, changes);
    return;
  }
  if (isFolder && classify(`${path}/x`).kind !== 'ignored') {
    next.push({ path, depth: folder.depth + 1, before, after });
  }
  if (classify(path).kind === 'ignored') return;
  if (entry !== undefined && after === undefined) changes.changed.push({ path, mode: entry.mode, oid: entry.oid });
  else if (was !== undefined && before === undefined) changes.removed.push(path);
}

function pathFault(path: string, depth: number, isFolder: boolean, entry: TreeEntry | undefined): string | undefined {
  if (entry?.readable === false) return 'its name is not UTF-8 text without control characters';
  // No git makes such a tree; whoever reads on without it must not find less than there is.
  if (entry?.name.toLowerCase() === '.git') return 'git has its own folder by that name';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `its path is longer than ${MAX_PATH_BYTES} bytes`;
  return isFolder && depth >= MAX_DEPTH ? `it is nested more than ${MAX_DEPTH} folders deep` : undefined;
}

/** What cannot be read matters only where a resource could be. */
function reportFault(
  folder: Folder,
  path: string,
  fault: string,
  entry: TreeEntry | undefined,
  changes: TreeChanges,
): void {
  const { kind } = classify(`${folder.path}/x`);
  if (folder.path === '' || kind === 'ignored' || kind === 'later') return;
  const shown = path.length > MAX_PATH_BYTES ? `${path.slice(0, 200)}…` : path;
  if (entry) changes.changed.push({ path: shown, mode: entry.mode, oid: entry.oid, fault });
  else changes.removed.push(shown);
}

function tooMuch(why: string): ProblemError {
  return new ProblemError(problem('READ_FAILED', `The commit could not be read: ${why}`));
}
