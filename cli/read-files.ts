import { resolve } from 'node:path';
import type { History } from '../repo/history/index.ts';
import { readCommit, readStaged, readWorktree } from '../repo/index.ts';
import type { ParsedFile, ResourceId } from '../schema/index.ts';
import type { CliContext } from './context.ts';

/** Whoever means the working tree needs nothing of the past. */
const past = () => import('../repo/history/index.ts');

/** Which state of a repository is meant; the working tree when neither is given. */
export interface At {
  /** What names a commit: `HEAD~1`, `main`, a version, a release, a date. */
  at?: string | undefined;
  /** The resource whose versions `at` may name. */
  about?: ResourceId | undefined;
  /** What the next commit will have. */
  staged?: boolean | undefined;
}

/**
 * Every file of the repository format below a folder: as the disk has it, or as the index or a commit of the git
 * repository around it has that folder.
 * @throws ProblemError REF_INVALID, REVISION_NOT_FOUND, REVISION_AMBIGUOUS, REVISION_TOO_EARLY, REMOTE_NOT_FOUND,
 * READ_FAILED
 */
export async function readFiles(
  { cwd, env }: Pick<CliContext, 'cwd' | 'env'>,
  folder: string,
  { at, about, staged }: At = {},
): Promise<ParsedFile[]> {
  const root = resolve(cwd, folder);
  if (staged === true) return readStaged(root, env, cwd);
  if (at === undefined) return readWorktree(root, env);
  const { resolveRevision } = await past();
  return readCommit(root, await atHistory({ env }, root, history => resolveRevision(history, at, about)), env);
}

/**
 * The files of some resources and of what they depend on, as a commit has them; undefined when only all files would do.
 * @throws ProblemError as `readFiles`
 */
export async function readSome(
  context: Pick<CliContext, 'env'>,
  root: string,
  { at, about }: At & { at: string },
  ids: readonly ResourceId[],
): Promise<ParsedFile[] | undefined> {
  const { readPart, resolveRevision } = await past();
  return atHistory(context, root, async history => readPart(history, await resolveRevision(history, at, about), ids));
}

/** Do something with the history of the repository around a folder. */
export async function atHistory<T>(
  { env }: Pick<CliContext, 'env'>,
  root: string,
  work: (history: History) => Promise<T>,
): Promise<T> {
  const history = await (await past()).openHistory(root, env);
  try {
    return await work(history);
  } finally {
    history.close();
  }
}
