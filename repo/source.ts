import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProblemError, problem } from '../schema/index.ts';
import { type MirrorOptions, openMirror } from './mirror.ts';
import { isRepository, snapshotFolder } from './snapshot.ts';
import type { Mirror } from './types.ts';

export interface SourceOptions extends Omit<MirrorOptions, 'dir' | 'refresh'> {
  /** Where the mirror, and for a plain folder its snapshots, are kept. */
  stateDir: string;
  /** The folder inside the repository that has `mcpctl.yaml`. */
  path: string;
}

/**
 * Open what is to be followed: a git repository, or a plain folder, which is snapshotted into a repository of ours
 * before each fetch. Throws a ProblemError: REMOTE_NOT_FOUND for a folder that is neither, and those of `openMirror`.
 */
export async function openSource({ stateDir, path, ...options }: SourceOptions): Promise<Mirror> {
  const dir = join(stateDir, 'mirror.git');
  const { remote, env } = options;
  if (remote.kind !== 'path' || !(await isFolder(remote.url)) || (await isRepository(remote.url))) {
    return openMirror({ ...options, dir });
  }
  // Not every folder that somebody happens to stand in is meant to be copied.
  if (!(await isFile(join(remote.url, path, 'mcpctl.yaml')))) {
    const message = `${remote.display} is neither a git repository nor a folder with mcpctl.yaml in it`;
    throw new ProblemError(problem('REMOTE_NOT_FOUND', message));
  }
  const snapshots = join(stateDir, 'snapshots.git');
  return openMirror({
    ...options,
    dir,
    remote: { ...remote, url: snapshots },
    ref: 'refs/heads/main',
    refresh: () => snapshotFolder({ folder: remote.url, path, bareDir: snapshots, env }),
  });
}

async function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    stats => stats.isDirectory() || stats.isSymbolicLink(),
    () => false,
  );
}

async function isFile(path: string): Promise<boolean> {
  return lstat(path).then(
    stats => stats.isFile(),
    () => false,
  );
}
