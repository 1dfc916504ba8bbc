import { randomBytes } from 'node:crypto';
import { readlinkSync, realpathSync } from 'node:fs';
import { mkdir, rename, rm, symlink, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { statsOf } from './look.ts';
import { isOurs, type Places } from './places.ts';

/** What stands at the place of a skill’s entry. */
export type Entry =
  | { kind: 'absent' }
  /** A link into our own working copies. */
  | { kind: 'ours'; live: string }
  /** Anything else; it is left alone. */
  | { kind: 'foreign'; what: string };

/** Look at a skill’s entry in a client’s folder. */
export function lookAtEntry(places: Places, path: string): Entry {
  const stats = statsOf(path);
  if (!stats) return { kind: 'absent' };
  if (!stats.isSymbolicLink()) return { kind: 'foreign', what: stats.isDirectory() ? 'a folder' : 'a file' };
  const target = readlinkSync(path);
  const live = resolve(dirname(path), target);
  return isOurs(places, live) ? { kind: 'ours', live } : { kind: 'foreign', what: `a link to ${target}` };
}

/**
 * Let a skill’s entry lead to a working copy. A new entry is made by one call that fails when anything is there; an
 * entry of ours is replaced by one rename, so that a reader finds the old skill or the new one. The link is made beside
 * the client’s folder, never in it: what lies in there, whatever its name, loads as a skill.
 */
export async function pointEntry(path: string, live: string, before: Entry): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  if (before.kind !== 'ours') return symlink(live, path, 'junction');
  if (process.platform === 'win32') {
    // A junction cannot be replaced in one step.
    await unlink(path);
    return symlink(live, path, 'junction');
  }
  const staged = join(dirname(realpathSync(folder)), `.mcpctl-${randomBytes(6).toString('hex')}.tmp`);
  await symlink(live, staged);
  try {
    await rename(staged, path);
  } catch (error) {
    await rm(staged, { force: true });
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    // The client’s folder is a file system of its own.
    await unlink(path);
    await symlink(live, path);
  }
}

/** Take an entry of ours away; anything else that stands there by now is left. */
export async function removeEntry(places: Places, path: string): Promise<void> {
  if (lookAtEntry(places, path).kind === 'ours') await unlink(path);
}
