import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateDir, UnsafeFileError, writeAtomic } from '../host/index.ts';
import { ProblemError, problem } from '../schema/index.ts';
import { git, lastWords } from './git.ts';
import type { Oid, Remote } from './types.ts';

/** Tells a folder of ours, which may be deleted and made anew, from anything else. */
const MARKER = 'mcpctl-mirror';
/** Says that somebody asked for the whole history, so that no fetch cuts it again. */
const WHOLE = 'mcpctl-whole';
const REMOTE_CONFIG = 'mcpctl-remote.gitconfig';

/** A bare repository of ours on disk and how to work on it. */
export interface MirrorFolder {
  dir: string;
  env: NodeJS.ProcessEnv;
  remote: Remote;
  /** The local name of the ref followed. */
  held: string;
}

/**
 * Make a bare repository that nothing but this program works on. Throws a ProblemError when it cannot.
 * @param format the hash the remote uses
 */
export async function createMirror(folder: MirrorFolder, format: 'sha1' | 'sha256' = 'sha1'): Promise<void> {
  const { dir, env, remote } = folder;
  await emptyOurs(dir);
  await writeFile(join(dir, MARKER), 'A mirror kept by mcpctl; it may be deleted when mcpctl is not running.\n');
  if (remote.kind === 'path') await writeFile(join(dir, REMOTE_CONFIG), trustedPath(remote.url));
  const args = ['init', '--quiet', '--bare', '--template=', '--initial-branch=none', `--object-format=${format}`];
  const result = await git([...args, '--', dir], { env });
  if (result.code === 0) return;
  throw new ProblemError(problem('STATE_UNUSABLE', `The mirror ${dir} could not be made: ${lastWords(result, [])}`));
}

/** Whether the whole history is here because somebody asked for it, and is to stay. */
export function isKeptWhole({ dir }: Pick<MirrorFolder, 'dir'>): boolean {
  return existsSync(join(dir, WHOLE));
}

/** Keep the whole history from now on, now that it is here. */
export async function keepWhole({ dir }: Pick<MirrorFolder, 'dir'>): Promise<void> {
  await writeFile(join(dir, WHOLE), 'The whole history was asked for.\n');
}

/** Whether git can read the mirror and the files of the commit it holds; a new mirror holds none and is sound. */
export async function isSound(folder: MirrorFolder): Promise<boolean> {
  const { dir, env, held } = folder;
  if (!(await names(dir)).includes(MARKER)) return false;
  const refs = await git(['for-each-ref', '--format=%(objectname)', '--', held], { env, gitDir: dir });
  if (refs.code !== 0 || refs.stderr !== '') return false;
  if (refs.stdout.length === 0) return (await heldOid(folder)) === undefined;
  return (await git(['rev-parse', '--quiet', '--verify', `${held}^{tree}`], { env, gitDir: dir })).code === 0;
}

/** Read every object: slow, for when something has gone wrong. A check that ran out of time finds no damage. */
export async function isDamaged(folder: MirrorFolder, signal?: AbortSignal): Promise<boolean> {
  const { dir, env } = folder;
  const args = ['fsck', '--full', '--no-dangling', '--no-reflogs', '--no-progress'];
  const result = await git(args, { env, gitDir: dir, timeoutMs: 120_000, ...(signal && { signal }) });
  return result.code !== 0 && !result.timedOut && !result.aborted;
}

/** The object id at the held ref, read without a process; undefined when there is none. */
export async function heldOid({ dir, held, env }: Omit<MirrorFolder, 'remote'>): Promise<Oid | undefined> {
  const text = await readFile(join(dir, held), 'utf8').catch(() => undefined);
  if (text !== undefined) return text.trim();
  if (!(await names(dir)).includes('packed-refs')) return undefined;
  const result = await git(['rev-parse', '--quiet', '--verify', held], { env, gitDir: dir });
  return result.code === 0 ? result.stdout.toString().trim() : undefined;
}

/**
 * Remove what a killed git left: lock files, which would stop every later fetch, and half-received objects.
 * Only for a mirror on which no git is at work.
 */
export async function removeLeftovers(dir: string): Promise<void> {
  if (!(await names(dir)).includes(MARKER)) return;
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const inObjects = entry.parentPath.startsWith(join(dir, 'objects'));
    const leftover = inObjects
      ? /^tmp_|^incoming-|^tmp_objdir-|\.lock$/.test(entry.name)
      : entry.isFile() && entry.name.endsWith('.lock');
    if (leftover) await rm(join(entry.parentPath, entry.name), { recursive: true, force: true });
  }
}

/** Put a newly made mirror in the place of another. */
export async function replaceMirror(dir: string, by: string): Promise<void> {
  const old = `${dir}.old`;
  await rm(old, { recursive: true, force: true });
  await rename(dir, old);
  await rename(by, dir);
  await rm(old, { recursive: true, force: true });
}

/** The configuration file for a path remote; the other side of the connection reads no other configuration of ours. */
export function remoteConfig({ dir, remote }: MirrorFolder): { globalConfig?: string } {
  return remote.kind === 'path' ? { globalConfig: join(dir, REMOTE_CONFIG) } : {};
}

async function names(dir: string): Promise<string[]> {
  return readdir(dir).catch(() => []);
}

async function emptyOurs(dir: string): Promise<void> {
  try {
    await ensurePrivateDir(dir);
  } catch (error) {
    const why = error instanceof UnsafeFileError ? error.message : `${dir}: ${(error as NodeJS.ErrnoException).code}`;
    throw new ProblemError(problem('STATE_UNUSABLE', `The mirror’s folder cannot be used: ${why}`));
  }
  const found = await names(dir);
  if (found.length > 0 && !found.includes(MARKER)) {
    throw new ProblemError(
      problem('STATE_UNUSABLE', `${dir} is not a mirror of mcpctl’s`, {
        hint: 'Move the folder away, or give another `--state-dir`; nothing in it was changed.',
      }),
    );
  }
  for (const name of found) {
    if (name !== MARKER) await rm(join(dir, name), { recursive: true, force: true });
  }
}

/** Write the configuration for a path remote into a file of its own, whoever else does the same. @returns its path */
export async function shareTrustedPath(folder: string, { url }: Remote): Promise<string> {
  const file = join(folder, REMOTE_CONFIG);
  await ensurePrivateDir(folder);
  await writeAtomic(file, trustedPath(url));
  return file;
}

/**
 * git refuses to serve a repository of another user unless configuration names it. The address was given by hand, so
 * it is named; `.` is what some versions of git compare with.
 */
function trustedPath(path: string): string {
  const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  const paths = [path, `${path.replace(/\/$/, '')}/.git`, '.'];
  return `[safe]\n${paths.map(each => `\tdirectory = ${quoted(each)}\n`).join('')}`;
}
