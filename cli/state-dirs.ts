import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { acquireLock } from '../host/index.ts';
import { daemonFiles } from './announced-daemons.ts';
import { DaemonFile } from './daemon.ts';

/** One daemon's state directory below mcpctl's home. */
export interface StateDir {
  name: string;
  path: string;
  /** Whether a daemon uses it now; whoever holds its lock does. */
  inUse: boolean;
  /** What the daemon left there about itself; it stays behind when it is killed outright. */
  daemon: DaemonFile | undefined;
}

/** Every state directory below mcpctl's home; those named with `--state-dir` are elsewhere and not known. */
export function stateDirs(home: string): StateDir[] {
  const root = join(home, 'state');
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => ({ name, path: join(root, name) }))
    .map(({ name, path }) => ({ name, path, inUse: isInUse(path), daemon: daemonOf(path) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isInUse(path: string): boolean {
  const lock = join(path, 'lock');
  // The lock is a file that asking for it would make.
  if (!existsSync(lock)) return false;
  try {
    const release = acquireLock(lock);
    release?.();
    return release === undefined;
  } catch {
    return false;
  }
}

function daemonOf(path: string): DaemonFile | undefined {
  try {
    return DaemonFile.parse(JSON.parse(readFileSync(join(path, daemonFiles.daemon), 'utf8')));
  } catch {
    return undefined;
  }
}
