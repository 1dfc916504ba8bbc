import type { ChangedFile, FileContent, ResourceId } from '../../schema/index.ts';
import { rootTree } from '../commit-files.ts';
import { type TreeFile, treeChanges } from '../tree-changes.ts';
import type { Oid } from '../types.ts';
import type { AskedPatch } from './ask-patch.ts';
import { Comparing, type Comparison, compareFiles, type FilePair, isOfBundle } from './compare.ts';
import type { CommitState } from './compare-states.ts';
import { filesAt } from './files.ts';
import { type History, ownPath, pathspecs } from './history.ts';
import { MAX_TOTAL_BYTES } from './limits.ts';
import { mainFileAt, mainFileOf, pathsOf } from './locate.ts';
import { type FileChange, parseLog } from './log.ts';
import { readPatch } from './patch.ts';

/** A larger file of any kind is none of the format's. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** The files that are not the same in two commits, moves recognised. @param paths only these files and folders */
async function changedFiles(
  history: History,
  from: Oid,
  to: Oid,
  paths: readonly string[] = [],
): Promise<FileChange[]> {
  const args = [
    'diff-tree',
    '-r',
    '-z',
    '--raw',
    '--no-abbrev',
    '-M',
    '--ignore-submodules=none',
    from,
    to,
    '--',
    ...pathspecs(history, paths),
  ];
  const output = await history.git(args);
  const marked = Buffer.concat([Buffer.from('\u0001\u0003\0'), output]);
  return parseLog(marked, path => ownPath(history, path)).flatMap(({ files }) => files);
}

/**
 * The same for states, of which some resources may be held back.
 * @param id only of this resource; undefined is returned when neither has it
 */
async function stateChanges(
  history: History,
  from: CommitState,
  to: CommitState,
  id?: ResourceId,
): Promise<FileChange[] | undefined> {
  const held = new Set([...(from.held?.keys() ?? []), ...(to.held?.keys() ?? [])].filter(one => !id || one === id));
  const [old = [], now = []] =
    id === undefined ? [] : await Promise.all([from, to].map(({ commit }) => pathsIn(history, [commit], id)));
  const paths = [...new Set([...old, ...now])];
  if (id !== undefined && paths.length === 0 && held.size === 0) return undefined;
  // A single resource that stayed where it is needs no git of its own.
  const isMoved = old.length > 0 && now.length > 0 && old.join() !== now.join();
  if (id !== undefined && held.size === 0 && !isMoved) return changesIn(history, from.commit, to.commit, paths);
  const changes = await changedFiles(history, from.commit, to.commit, paths);
  if (held.size === 0) return changes;
  const own: string[] = [];
  const instead: FileChange[] = [];
  for (const one of held) {
    const [before, after] = [from.held?.get(one) ?? from.commit, to.held?.get(one) ?? to.commit];
    const places = await pathsIn(history, [before, after, from.commit, to.commit], one);
    own.push(...places);
    if (places.length > 0) instead.push(...(await changedFiles(history, before, after, places)));
  }
  return [...changes.filter(({ path }) => !own.some(place => isWithin(path, place))), ...instead];
}

async function changesIn(history: History, from: Oid, to: Oid, paths: readonly string[]): Promise<FileChange[]> {
  const [before, after] = await Promise.all(
    [from, to].map(async commit => {
      const files = await Promise.all(paths.map(path => filesAt(history, commit, path)));
      return new Map(files.flat().map(file => [file.path, file]));
    }),
  );
  const all = [...new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])].sort();
  return all.flatMap(path => {
    const [old, now] = [before?.get(path), after?.get(path)];
    return old?.oid === now?.oid && old?.mode === now?.mode ? [] : [{ path, before: old, after: now }];
  });
}

async function pathsIn(history: History, commits: readonly Oid[], id: ResourceId): Promise<string[]> {
  const mains = await Promise.all([...new Set(commits)].map(commit => mainFileAt(history, commit, id)));
  return [...new Set(mains.flatMap(main => (main === undefined ? [] : pathsOf(id, main))))];
}

/** Read both sides of files, as many as fit; of the others only the sizes. @param read how many bytes there are already */
export async function readPairs(history: History, changes: readonly FileChange[], read = 0): Promise<FilePair[]> {
  const { objects } = history;
  let total = read;
  const sized = await Promise.all(
    changes.map(async change => {
      const [before, after] = await Promise.all(
        [change.before, change.after].map(side => (side && isFile(side) ? objects.info(side.oid) : undefined)),
      );
      return { change, before: before?.size ?? 0, after: after?.size ?? 0 };
    }),
  );
  return Promise.all(
    sized.map(async ({ change, before, after }): Promise<FilePair> => {
      const { path, from } = change;
      const named = { path, ...(from !== undefined && { from }) };
      total += before + after;
      if (before > MAX_FILE_BYTES || after > MAX_FILE_BYTES || total > MAX_TOTAL_BYTES) {
        const sizes = { before: change.before && before, after: change.after && after };
        return { ...named, unread: sizes };
      }
      const [old, now] = await Promise.all([content(history, change.before), content(history, change.after)]);
      return { ...named, before: old, after: now, ...(change.after && { blob: change.after.oid }) };
    }),
  );
}

function isFile({ mode }: { mode: string }): boolean {
  return mode.startsWith('100') || mode === '120000';
}

/** A file's own bytes; of a submodule, what stands for it. */
export async function content(
  { objects }: History,
  side: { mode: string; oid: Oid } | undefined,
): Promise<FileContent | undefined> {
  if (!side) return undefined;
  const mode = side.mode === '100755' ? '100755' : '100644';
  if (!isFile(side)) return { bytes: Buffer.from(`submodule ${side.oid}\n`), mode };
  const bytes = (await objects.contents(side.oid, MAX_FILE_BYTES))?.bytes;
  return bytes && { bytes, mode };
}

/** The `skill.yaml` of every skill of which something else changes: it says what its files are for. */
export async function skillContext(
  history: History,
  from: Oid,
  to: Oid,
  changes: readonly FileChange[],
): Promise<ChangedFile[]> {
  const changed = new Set(changes.map(({ path }) => path));
  const wanted = new Set<string>();
  for (const { path, after } of changes) {
    if (!isOfBundle(path)) continue;
    const main = await mainFileOf(history, after ? to : from, path);
    const extras = main?.endsWith('/SKILL.md') ? main.replace(/SKILL\.md$/, 'skill.yaml') : undefined;
    if (extras !== undefined && !changed.has(extras)) wanted.add(extras);
  }
  const found = await Promise.all(
    [...wanted].map(async path => {
      const [file] = await filesAt(history, to, path);
      const same = await content(history, file);
      return { path, before: same, after: same };
    }),
  );
  return found.filter(({ after }) => after !== undefined);
}

/** Every file of the format in a state. */
export async function treeFiles(
  history: History,
  commit: Oid,
  held: ReadonlyMap<ResourceId, Oid> = new Map(),
): Promise<TreeFile[]> {
  const root = await rootTree(history.objects, commit, history.path);
  const { changed } = await treeChanges(history.objects, undefined, root);
  if (held.size === 0) return changed;
  const own: string[] = [];
  const instead: TreeFile[] = [];
  for (const [id, at] of held) {
    own.push(...(await pathsIn(history, [commit, at], id)));
    const places = await pathsIn(history, [at], id);
    for (const place of places) instead.push(...(await filesAt(history, at, place)));
  }
  return [...changed.filter(({ path }) => !own.some(place => isWithin(path, place))), ...instead];
}

function isWithin(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

/** As `compareStates`. @param asked what git was asked for already */
export async function compareWith(
  history: History,
  from: CommitState,
  to: CommitState,
  id: ResourceId | undefined,
  asked: AskedPatch | undefined,
): Promise<Comparison | undefined> {
  const found = asked && (await comparePatch(history, from.commit, to.commit, asked));
  if (found) return found;
  const changes = await stateChanges(history, from, to, id);
  if (!changes) return undefined;
  const context = await skillContext(history, from.commit, to.commit, changes);
  return compareFiles(await readPairs(history, changes), context, history.past);
}

/** Everything that is not the same in two commits; undefined when that has to be read file by file. */
async function comparePatch(history: History, from: Oid, to: Oid, asked: AskedPatch): Promise<Comparison | undefined> {
  const comparing = new Comparing();
  const bundles: FileChange[] = [];
  const unread: FileChange[] = [];
  const bytes = await readPatch(history, asked, ({ change, pair }) => {
    if (isOfBundle(change.path)) bundles.push(change);
    if (pair) comparing.add(pair);
    else unread.push(change);
  });
  if (bytes === undefined) return undefined;
  for (const pair of await readPairs(history, unread, bytes)) comparing.add(pair);
  return comparing.finish(await skillContext(history, from, to, bundles), history.past);
}
