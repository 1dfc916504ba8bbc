import { ProblemError, problem } from '../schema/index.ts';
import { rootTree } from './commit-files.ts';
import type { Objects } from './objects.ts';
import { parseTree } from './tree.ts';
import { type TreeFile, treeChanges } from './tree-changes.ts';
import type { Oid } from './types.ts';

/** A file of a commit with its content. */
export interface ThinFile extends TreeFile {
  bytes: Buffer;
}

const MAX_TREE_BYTES = 16 * 1024 * 1024;

/** The files of a commit or tag that belong to the repository format, without their contents. */
export async function listFiles(objects: Objects, commit: Oid, path: string): Promise<TreeFile[]> {
  const { changed } = await treeChanges(objects, undefined, await rootTree(objects, commit, path));
  return changed;
}

/** One file of a commit, whether or not it belongs to the format; undefined when there is none. */
export async function findFile(objects: Objects, commit: Oid, path: string): Promise<TreeFile | undefined> {
  const end = path.lastIndexOf('/');
  const tree = await objects.info(`${commit}^{tree}`);
  const folder = tree && (end === -1 ? tree : await objects.info(`${tree.oid}:${path.slice(0, end)}`));
  const listing = folder?.type === 'tree' ? await objects.contents(folder.oid, MAX_TREE_BYTES) : undefined;
  const entries = listing?.bytes ? parseTree(listing.bytes, listing.oid.length / 2) : [];
  const found = entries.find(({ name }) => name === path.slice(end + 1));
  return found && { path, mode: found.mode, oid: found.oid };
}

/** Contents that are all here. @throws ProblemError READ_FAILED for one that is not, or for more than allowed */
export async function readFiles(
  objects: Objects,
  files: readonly TreeFile[],
  sizes: ReadonlyMap<Oid, number>,
  maxBytes: number,
): Promise<ThinFile[]> {
  const oids = [...new Set(files.map(({ oid }) => oid))];
  const total = oids.reduce((sum, oid) => sum + (sizes.get(oid) ?? 0), 0);
  if (total > maxBytes) {
    throw new ProblemError(problem('READ_FAILED', `the files have ${total} bytes together; ${maxBytes} are allowed`));
  }
  const contents = await Promise.all(oids.map(oid => objects.contents(oid, maxBytes)));
  const bytes = new Map(oids.map((oid, index) => [oid, contents[index]]));
  return files.map(file => {
    const found = bytes.get(file.oid);
    if (found?.type === 'blob' && found.bytes) return { ...file, bytes: found.bytes };
    const message = `the blob ${file.oid} of \`${file.path}\` is missing or damaged`;
    throw new ProblemError(problem('READ_FAILED', message, { at: { file: file.path } }));
  });
}

/** Of those that are here. */
export async function sizesOf(objects: Objects, oids: readonly Oid[]): Promise<Map<Oid, number>> {
  const infos = await Promise.all(oids.map(oid => objects.info(oid)));
  return new Map(infos.flatMap((info, index) => (info ? [[oids[index] ?? '', info.size] as const] : [])));
}
