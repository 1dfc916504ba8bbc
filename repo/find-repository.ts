import { lstatSync, readFileSync, realpathSync, type Stats } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ProblemError, problem } from '../schema/index.ts';
import { git, lastWords } from './git.ts';

export interface FoundRepository {
  /** Absolute. */
  gitDir: string;
  /** The folder's path in it; empty for the top. */
  path: string;
  /** Nothing of where it lies, and whose it is, is out of the ordinary. */
  ordinary: boolean;
}

/** The git repository around a folder, and the folder's path in it. @throws ProblemError REMOTE_NOT_FOUND */
export async function findRepository(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<FoundRepository> {
  const plain = findPlain(folder);
  if (plain) return plain;
  const args = ['rev-parse', '--absolute-git-dir', '--show-prefix'];
  const result = await git(args, { env, cwd: folder });
  const [gitDir = '', prefix = ''] = result.stdout.toString().split('\n');
  if (result.code === 0) return { gitDir, path: prefix.replace(/\/$/, ''), ordinary: false };
  const why = result.spawnError ? 'no such folder, or no git' : lastWords(result, []);
  const hint = 'Name a folder inside a git repository, or leave the revision out.';
  throw new ProblemError(problem('REMOTE_NOT_FOUND', `${folder} is not inside a git repository: ${why}`, { hint }));
}

/**
 * The most ordinary case, without asking git: the nearest folder above that has a `.git` of its own. Whatever is out of
 * the ordinary (linked working trees, submodules, bare repositories, other owners and file systems) is git's to find.
 * @see gitrepository-layout(5)
 */
function findPlain(folder: string): FoundRepository | undefined {
  try {
    const start = realpathSync.native(folder);
    const { dev } = lstatSync(start);
    for (let top = start; ; top = dirname(top)) {
      if (!isOwn(lstatSync(top), dev) || isGitFolder(top)) return undefined;
      const gitDir = join(top, '.git');
      const stats = lstatSync(gitDir, { throwIfNoEntry: false });
      if (stats)
        return isOwn(stats, dev) && isOrdinary(gitDir)
          ? { gitDir, path: relative(top, start), ordinary: true }
          : undefined;
      if (top === dirname(top)) return undefined;
    }
  } catch {
    return undefined;
  }
}

function isOwn(stats: Stats, dev: number): boolean {
  return stats.isDirectory() && stats.uid === process.getuid?.() && stats.dev === dev;
}

function isGitFolder(folder: string): boolean {
  const names = ['HEAD', 'objects', 'refs'];
  return names.every(name => lstatSync(join(folder, name), { throwIfNoEntry: false }) !== undefined);
}

function isOrdinary(gitDir: string): boolean {
  if (!isGitFolder(gitDir) || lstatSync(join(gitDir, 'commondir'), { throwIfNoEntry: false })) return false;
  const config = readFileSync(join(gitDir, 'config'), 'utf8');
  return !/worktree|\[include|bare\s*=\s*(?:true|yes|on|1)/i.test(config);
}
