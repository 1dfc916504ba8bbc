import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type FileContent, ProblemError, problem } from '../schema/index.ts';

/** What is to become of one file. */
export interface FileChange {
  /** Below the root, `/`-separated, checked by the repository format's own grammar. */
  path: string;
  /** What was read; undefined when there was no file. */
  before: FileContent | undefined;
  /** null removes it. */
  after: FileContent | null;
}

/**
 * Read a regular file below a folder, through no symbolic link.
 * @returns undefined when there is none
 * @throws ProblemError FILE_NOT_REGULAR
 */
export async function readContent(root: string, path: string): Promise<FileContent | undefined> {
  if (!(await hasFolders(root, dirname(path)))) return undefined;
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(root, path), flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw notRegular(path);
  });
  if (!file) return undefined;
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw notRegular(path);
    return { bytes: await file.readFile(), mode: (stats.mode & 0o100) === 0 ? '100644' : '100755' };
  } finally {
    await file.close();
  }
}

/**
 * Carry out changes of files below a folder: all of them or, when one fails, none. Nothing outside of the folder is
 * touched, and nothing behind a symbolic link. Folders are made as needed, and removed when nothing is left in them.
 * @param root absolute, without symbolic links
 * @throws ProblemError FILE_NOT_REGULAR, FILE_CHANGED, SYSTEM_REFUSED
 */
export async function writeFiles(root: string, changes: readonly FileChange[]): Promise<void> {
  const staged: { change: FileChange; temporary: string }[] = [];
  const undo: (() => Promise<void>)[] = [];
  let current = '';
  try {
    for (const change of changes) {
      current = change.path;
      undo.push(...(await makeFolders(root, dirname(change.path))));
      const temporary = join(root, dirname(change.path), `.mcpctl-${randomBytes(6).toString('hex')}.tmp`);
      staged.push({ change, temporary });
      if (change.after) await writeNew(temporary, change.after);
      if (!same(await readContent(root, change.path), change.before)) throw changed(change.path);
    }
    for (const { change, temporary } of staged) {
      const { path, before, after } = change;
      current = path;
      if (after) await rename(temporary, join(root, path));
      else await rm(join(root, path), { force: true });
      undo.push(() => restore(join(root, path), before));
    }
  } catch (error) {
    for (const { temporary } of staged) await rm(temporary, { force: true });
    for (const step of undo.reverse()) await step().catch(() => undefined);
    throw error instanceof ProblemError ? error : refused(current, error);
  }
  for (const { path, after } of changes) if (!after) await removeEmpty(root, dirname(path));
}

async function writeNew(path: string, { bytes, mode }: FileContent): Promise<void> {
  const file = await open(path, 'wx', mode === '100755' ? 0o755 : 0o644);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function restore(path: string, before: FileContent | undefined): Promise<void> {
  await rm(path, { force: true });
  if (before) await writeNew(path, before);
}

/** @returns how to take back what was made */
async function makeFolders(root: string, path: string): Promise<(() => Promise<void>)[]> {
  const made: (() => Promise<void>)[] = [];
  let folder = root;
  for (const part of path.split('/').filter(one => one !== '.')) {
    folder = join(folder, part);
    const here = folder;
    const isNew = await mkdir(here).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
        return false;
      },
    );
    if (isNew) made.push(() => rmdir(here));
    else if (!(await lstat(here)).isDirectory()) throw notRegular(path);
  }
  return made;
}

async function hasFolders(root: string, path: string): Promise<boolean> {
  let folder = root;
  for (const part of path.split('/').filter(one => one !== '.')) {
    folder = join(folder, part);
    const stats = await lstat(folder).catch(() => undefined);
    if (!stats) return false;
    if (!stats.isDirectory()) throw notRegular(path);
  }
  return true;
}

/** Remove a folder and those around it, as far as nothing is in them. */
async function removeEmpty(root: string, path: string): Promise<void> {
  for (let folder = path; folder !== '.'; folder = dirname(folder)) {
    const removed = await rmdir(join(root, folder)).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

function same(a: FileContent | undefined, b: FileContent | undefined): boolean {
  if (!a || !b) return a === b;
  return a.mode === b.mode && Buffer.from(a.bytes).equals(b.bytes);
}

function notRegular(path: string): ProblemError {
  const message = `\`${path}\` is not a regular file, or is reached through a symbolic link`;
  return new ProblemError(problem('FILE_NOT_REGULAR', message, { at: { file: path } }));
}

function changed(path: string): ProblemError {
  return new ProblemError(problem('FILE_CHANGED', `\`${path}\` changed meanwhile`, { at: { file: path } }));
}

/** What the system refuses is the user's to mend, by rights or space. */
function refused(path: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === undefined) return cause;
  const hint =
    'Nothing was changed. Check the rights of its folder and the space on the disk, and run the command again.';
  const found = problem('SYSTEM_REFUSED', `\`${path}\` cannot be written: ${code}`, { hint, at: { file: path } });
  return new ProblemError(found, { cause });
}
