import { resolve } from 'node:path';
import { readCommit, readStaged, readWorktree } from '../repo/index.ts';
import type { ParsedFile } from '../schema/index.ts';
import type { CliContext } from './context.ts';

/** Which state of a repository is meant; the working tree when neither is given. */
export interface At {
  /** What names a commit: `HEAD~1`, `main`. */
  at?: string | undefined;
  /** What the next commit will have. */
  staged?: boolean | undefined;
}

/**
 * Every file of the repository format below a folder: as the disk has it, or as the index or a commit of the git
 * repository around it has that folder.
 * @throws ProblemError REF_INVALID, REF_NOT_FOUND, REMOTE_NOT_FOUND, READ_FAILED
 */
export function readFiles(
  { cwd, env }: Pick<CliContext, 'cwd' | 'env'>,
  folder: string,
  { at, staged }: At = {},
): Promise<ParsedFile[]> {
  const root = resolve(cwd, folder);
  if (staged === true) return readStaged(root, env, cwd);
  return at === undefined ? readWorktree(root, env) : readCommit(root, at, env);
}
