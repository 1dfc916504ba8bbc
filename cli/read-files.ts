import { resolve } from 'node:path';
import { readCommit, readWorktree } from '../repo/index.ts';
import type { ParsedFile } from '../schema/index.ts';
import type { CliContext } from './context.ts';

/**
 * Every file of the repository format below a folder: as the disk has it, or as a commit of the git repository around
 * it has that folder.
 * @throws ProblemError REF_INVALID, REF_NOT_FOUND, REMOTE_NOT_FOUND, READ_FAILED
 */
export function readFiles(
  { cwd, env }: Pick<CliContext, 'cwd' | 'env'>,
  folder: string,
  revision: string | undefined,
): Promise<ParsedFile[]> {
  const root = resolve(cwd, folder);
  return revision === undefined ? readWorktree(root) : readCommit(root, revision, env);
}
