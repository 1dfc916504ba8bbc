import {
  classify,
  isRead,
  type ParsedFile,
  type Problem,
  ProblemError,
  problem,
  refuseUnread,
} from '../schema/index.ts';
import type { ObjectInfo, Objects } from './objects.ts';
import type { TreeFile } from './tree-changes.ts';
import type { Oid } from './types.ts';

/** Blobs are read in batches of about this size, so that many large ones are never in memory at once. */
const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_FILES = 512;
/** All the files of one commit that are read together. */
const MAX_TOTAL_BYTES = 256 * 1024 * 1024;

/**
 * The tree of the repository's root folder at a commit.
 * Throws a ProblemError: READ_FAILED when there is no such commit, REPOSITORY_MISSING when it has no such folder.
 * @param path below the git repository's root; empty for the root itself
 */
export async function rootTree(objects: Objects, commit: Oid, path: string): Promise<Oid> {
  const root = await objects.info(`${commit}^{tree}`);
  if (!root) throw new ProblemError(problem('READ_FAILED', `The commit ${commit} is not in the mirror, or damaged`));
  if (path === '') return root.oid;
  const folder = await objects.info(`${root.oid}:${path}`);
  if (folder?.type === 'tree') return folder.oid;
  throw new ProblemError(problem('REPOSITORY_MISSING', `The commit has no folder \`${path}\``));
}

/** What a file gives without being read, if its place, mode or name decide: its problems, or nothing of ours. */
export function parseUnread(file: TreeFile): ParsedFile | undefined {
  if (file.fault !== undefined) {
    const more = { at: { file: file.path }, hint: 'Rename it, or move it up or out of the folder.' };
    return withoutContent(file, [problem('NAME_INVALID', `\`${file.path}\` is not read: ${file.fault}`, more)]);
  }
  const problems = refuseUnread(file, 0);
  return problems.length > 0 || !isRead(file.path) ? withoutContent(file, problems) : undefined;
}

/** A parsed file that has nothing but problems. */
export function withoutContent({ path, oid }: TreeFile, problems: Problem[]): ParsedFile {
  const declared = classify(path);
  return { path, oid, ...(declared.kind === 'resource' && { id: declared.id }), problems };
}

/**
 * Read files' blobs; those that are too large for their kind are refused by their size, unread.
 * Throws a ProblemError (READ_FAILED) when a blob is missing or all together are too much.
 */
export async function* readBlobs(
  objects: Objects,
  files: readonly TreeFile[],
): AsyncGenerator<{ file: TreeFile; bytes: Buffer } | { file: TreeFile; refused: Problem[] }> {
  const infos = await Promise.all(files.map(file => objects.info(file.oid)));
  let total = 0;
  let batch: { file: TreeFile; info: ObjectInfo }[] = [];
  let batchBytes = 0;
  for (const [index, file] of files.entries()) {
    const info = infos[index];
    if (info?.type !== 'blob') throw damaged(file);
    const refused = refuseUnread(file, info.size);
    if (refused.length > 0) {
      yield { file, refused };
      continue;
    }
    total += info.size;
    if (total > MAX_TOTAL_BYTES) {
      const message = `The commit could not be read: its files have more than ${MAX_TOTAL_BYTES} bytes together`;
      throw new ProblemError(problem('READ_FAILED', message));
    }
    batch.push({ file, info });
    batchBytes += info.size;
    if (batch.length < BATCH_FILES && batchBytes < BATCH_BYTES) continue;
    yield* readBatch(objects, batch);
    batch = [];
    batchBytes = 0;
  }
  yield* readBatch(objects, batch);
}

async function* readBatch(objects: Objects, batch: readonly { file: TreeFile; info: ObjectInfo }[]) {
  const contents = await Promise.all(batch.map(({ info }) => objects.contents(info.oid, info.size)));
  for (const [index, { file }] of batch.entries()) {
    const bytes = contents[index]?.bytes;
    if (!bytes) throw damaged(file);
    yield { file, bytes };
  }
}

function damaged({ path, oid }: TreeFile): ProblemError {
  const hint = 'A mirror is mended by itself; in a repository of your own run `git fsck`.';
  return new ProblemError(problem('READ_FAILED', `The blob ${oid} of \`${path}\` is missing or damaged`, { hint }));
}
