import { randomBytes } from 'node:crypto';
import { mkdirSync, readlinkSync, realpathSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
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
export function pointEntry(path: string, live: string, before: Entry): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  // A junction cannot be replaced in one step.
  if (before.kind === 'ours' && process.platform === 'win32') unlinkSync(path);
  if (before.kind !== 'ours' || process.platform === 'win32') {
    symlinkSync(live, path, 'junction');
    return;
  }
  const staged = join(dirname(realpathSync(folder)), `.mcpctl-${randomBytes(6).toString('hex')}.tmp`);
  symlinkSync(live, staged);
  try {
    renameSync(staged, path);
  } catch (error) {
    rmSync(staged, { force: true });
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    // The client’s folder is a file system of its own.
    unlinkSync(path);
    symlinkSync(live, path);
  }
}

/** Take an entry of ours away; anything else that stands there by now is left. */
export function removeEntry(places: Places, path: string): void {
  if (lookAtEntry(places, path).kind === 'ours') unlinkSync(path);
}
