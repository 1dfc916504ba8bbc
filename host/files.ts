import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Why a file or folder is not private enough, or not what was expected. */
export type UnsafeFileCode = 'NOT_REGULAR' | 'NOT_DIRECTORY' | 'WRONG_OWNER' | 'WRONG_MODE' | 'TOO_LARGE';

/** A path that exists but must not be trusted. What the system itself refuses keeps Node's own error (`ENOENT`, …). */
export class UnsafeFileError extends Error {
  readonly code: UnsafeFileCode;
  readonly path: string;

  constructor(code: UnsafeFileCode, path: string, message: string) {
    super(message);
    this.name = 'UnsafeFileError';
    this.code = code;
    this.path = path;
  }
}

/**
 * Replace a file so that a reader, or a crash, sees the old content or the new, never a part of it.
 * @param options.mode of the new file, 0600 unless given; the umask does not apply
 */
export async function writeAtomic(
  path: string,
  data: string | Uint8Array,
  options: { mode?: number } = {},
): Promise<void> {
  const { mode = 0o600 } = options;
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const file = await open(temporary, 'wx', mode);
  try {
    try {
      await file.chmod(mode);
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/**
 * Create a folder that only its owner may enter (0700), with its parents, or check that an existing one is such.
 * A folder of ours with wider bits is narrowed. Throws an UnsafeFileError for anything else at that path.
 */
export async function ensurePrivateDir(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const stats = await lstat(path);
  if (!stats.isDirectory()) {
    const what = stats.isSymbolicLink() ? 'a symbolic link, not a folder' : 'not a folder';
    throw new UnsafeFileError('NOT_DIRECTORY', path, `${path} is ${what}`);
  }
  requireOwner(stats, path);
  if ((stats.mode & 0o077) === 0) return;
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await folder.chmod(0o700);
  } finally {
    await folder.close();
  }
}

/**
 * Read a file that nobody but its owner may read or write: regular, not a symbolic link, ours, no group or other bits.
 * Throws an UnsafeFileError when it is something else or larger than `maxBytes`, and Node's own error (`ENOENT`) otherwise.
 */
export async function readPrivateFile(path: string, maxBytes: number): Promise<Buffer> {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | UNFOLLOWED);
  } catch (error) {
    throw whyNotOpened(error as NodeJS.ErrnoException, path);
  }
  // In one go: waiting for each of these takes longer than all of them.
  try {
    const stats = fstatSync(file);
    requirePrivate(stats, path);
    if (stats.size > maxBytes) throw tooLarge(path, maxBytes);
    const bytes = readFully(file, stats.size, maxBytes);
    if (bytes.length > maxBytes) throw tooLarge(path, maxBytes);
    return bytes;
  } finally {
    closeSync(file);
  }
}

/**
 * Open such a file, which the caller closes. Throws as `readPrivateFile` does.
 * @param flags `O_RDONLY`, unless given, or `O_RDWR` and others
 */
export async function openPrivateFile(path: string, flags: number = constants.O_RDONLY): Promise<FileHandle> {
  const file = await open(path, flags | UNFOLLOWED).catch(error => {
    throw whyNotOpened(error, path);
  });
  try {
    requirePrivate(await file.stat(), path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Neither through a symbolic link, nor waiting for the other end of a pipe. */
const UNFOLLOWED = constants.O_NOFOLLOW | constants.O_NONBLOCK;

function whyNotOpened(error: NodeJS.ErrnoException, path: string): Error {
  if (error.code !== 'ELOOP') return error;
  return new UnsafeFileError('NOT_REGULAR', path, `${path} is a symbolic link`);
}

function requirePrivate(stats: Stats, path: string): void {
  if (!stats.isFile()) throw new UnsafeFileError('NOT_REGULAR', path, `${path} is not a regular file`);
  requireOwner(stats, path);
  if ((stats.mode & 0o077) === 0) return;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  throw new UnsafeFileError('WRONG_MODE', path, `${path} has mode ${mode}; others may read or write it`);
}

function requireOwner(stats: Stats, path: string): void {
  const uid = process.getuid?.();
  if (uid === undefined || stats.uid === uid) return;
  throw new UnsafeFileError('WRONG_OWNER', path, `${path} belongs to another user (uid ${stats.uid}, not ${uid})`);
}

function tooLarge(path: string, maxBytes: number): UnsafeFileError {
  return new UnsafeFileError('TOO_LARGE', path, `${path} is larger than ${maxBytes} bytes`);
}

/** As much as there is, up to one byte more than allowed. @param size what it says to have; it may grow meanwhile */
function readFully(file: number, size: number, maxBytes: number): Buffer {
  let buffer = Buffer.allocUnsafe(size + 1);
  for (let length = 0; ; ) {
    const bytesRead = readSync(file, buffer, length, buffer.length - length, null);
    length += bytesRead;
    if (bytesRead === 0 || length > maxBytes) return buffer.subarray(0, length);
    if (length === buffer.length) {
      buffer = Buffer.concat([buffer], Math.min(2 * buffer.length, maxBytes) + 1);
    }
  }
}

/** Makes a rename last through a power cut; file systems that cannot do this say EINVAL or the like. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync().catch(() => undefined);
  } finally {
    await folder.close();
  }
}
