import { createHash } from 'node:crypto';
import { closeSync, constants, type Dirent, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ProblemError, problem } from '../schema/index.ts';
import type { Look } from './parsed-cache.ts';

const MAX_ENTRIES = 100_000;
const MAX_DEPTH = 16;
const NOT_A_FILE = '000000';

/** A file, symbolic link or something odder, found on disk. */
export interface FolderFile {
  /** Below the folder, `/`-separated. */
  path: string;
  /** As git would record it: `100644`, `100755`, `120000`; `000000` for what git does not record. */
  mode: string;
}

/**
 * Every file below a folder in code-unit order of their paths; symbolic links are listed, not followed, and `.git` is
 * left out wherever it is. Throws a ProblemError: REMOTE_NOT_FOUND when there is no such folder, READ_FAILED beyond
 * 100,000 files or 16 levels.
 * @param enter asked for each folder, by its path
 */
export async function listFolder(root: string, enter: (path: string) => boolean): Promise<FolderFile[]> {
  const files: FolderFile[] = [];
  const folders = [{ path: '', depth: 0 }];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    for (const entry of await entriesOf(root, folder.path)) {
      if (entry.name.toLowerCase() === '.git') continue;
      const path = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`;
      if (!entry.isDirectory()) files.push({ path, mode: modeOf(entry) });
      else if (enter(path)) folders.push({ path, depth: folder.depth + 1 });
      if (files.length > MAX_ENTRIES) throw beyond(root, `it has more than ${MAX_ENTRIES} files`);
      if (folder.depth > MAX_DEPTH) throw beyond(root, `\`${path}\` is nested more than ${MAX_DEPTH} folders deep`);
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function entriesOf(root: string, path: string): Promise<Dirent[]> {
  try {
    return await readdir(join(root, path), { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (path !== '') throw beyond(root, `\`${path}\`: ${code}`);
    const hint = 'Check the path.';
    throw new ProblemError(
      problem('REMOTE_NOT_FOUND', `There is no folder ${root} that can be read: ${code}`, { hint }),
    );
  }
}

function modeOf(entry: Dirent): string {
  if (entry.isSymbolicLink()) return '120000';
  return entry.isFile() ? '100644' : NOT_A_FILE;
}

/** A regular file while it is open. */
export interface OpenedFile {
  size: number;
  executable: boolean;
  /** The whole content; fails with READ_FAILED when the file grows meanwhile. */
  read(): Buffer;
}

/**
 * Open a regular file, without following a symbolic link in its place, and hand it over; it is closed afterwards. Of many
 * small files each takes a few system calls: waiting for a thread each time takes several times as long.
 */
export function withFile<T>(root: string, path: string, use: (file: OpenedFile) => T): T {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = attempt(root, path, () => openSync(`${root}/${path}`, flags));
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw beyond(root, `\`${path}\` is not a regular file any more`);
    return use({
      size: stats.size,
      executable: (stats.mode & 0o100) !== 0,
      read() {
        const buffer = Buffer.allocUnsafe(stats.size + 1);
        let length = 0;
        for (let more = 1; more > 0 && length < buffer.length; length += more) {
          more = attempt(root, path, () => readSync(file, buffer, length, buffer.length - length, null));
        }
        if (length > stats.size) throw beyond(root, `\`${path}\` was written to while it was read`);
        return buffer.subarray(0, length);
      },
    });
  } finally {
    closeSync(file);
  }
}

function attempt<T>(root: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw beyond(root, `\`${path}\`: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** How a file looks without being opened; nothing when that cannot be told, or it is no regular file. */
export function lookAt(root: string, path: string): Look | undefined {
  try {
    const stats = lstatSync(`${root}/${path}`);
    if (!stats.isFile()) return undefined;
    const { size, mtimeMs, ctimeMs, ino, mode } = stats;
    return { signature: `${size} ${mtimeMs} ${ctimeMs} ${ino} ${mode}`, touchedAt: Math.max(mtimeMs, ctimeMs) };
  } catch {
    return undefined;
  }
}

/** A symbolic link's target, as git stores it. */
export function readLink(root: string, path: string): Promise<Buffer> {
  return readlink(join(root, path), { encoding: 'buffer' });
}

/** The id git gives a blob in a SHA-1 repository. */
export function blobOid(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

function beyond(root: string, why: string): ProblemError {
  return new ProblemError(problem('READ_FAILED', `The folder ${root} could not be read: ${why}`));
}
