import { run } from '../host/index.ts';
import { gitMissing } from '../repo/index.ts';
import { ProblemError, problem } from '../schema/index.ts';
import type { CliContext } from './context.ts';

/** Milliseconds; signing a commit may ask somebody for a passphrase. */
const TIMEOUT_MS = 120_000;

/**
 * Commit exactly these files, with the user's own git: identity, signing and hooks are theirs. What else is staged
 * stays staged.
 * @param root the folder that has `mcpctl.yaml`
 * @param paths below it
 * @returns the commit's id, short
 * @throws ProblemError COMMIT_FAILED
 */
export async function commitFiles(
  context: Pick<CliContext, 'env' | 'signal'>,
  root: string,
  paths: readonly string[],
  message: string,
): Promise<string> {
  const git = gitIn(context, root);
  const tracked = (await git('ls-files', '-z', '--', ...paths)).split('\0');
  const there = (await git('ls-files', '-z', '--others', '--', ...paths)).split('\0');
  const known = paths.filter(path => tracked.includes(path) || there.includes(path));
  const added = known.filter(path => !tracked.includes(path));
  if (known.length === 0) return git('rev-parse', '--short', 'HEAD');
  if (added.length > 0) await git('add', '--', ...added);
  await git('commit', '--quiet', `--message=${message}`, '--only', '--', ...known);
  return git('rev-parse', '--short', 'HEAD');
}

/**
 * Those of some files that have changes that are not committed.
 * @throws ProblemError COMMIT_FAILED when the folder is in no git repository
 */
export async function uncommitted(
  context: Pick<CliContext, 'env' | 'signal'>,
  root: string,
  paths: readonly string[],
): Promise<string[]> {
  const status = await gitIn(context, root)('status', '--porcelain', '-z', '--untracked-files=all', '--', ...paths);
  return status === '' ? [] : paths.filter(path => status.split('\0').some(entry => entry.endsWith(path)));
}

function gitIn(
  { env, signal }: Pick<CliContext, 'env' | 'signal'>,
  root: string,
): (...args: string[]) => Promise<string> {
  // A git that started us (a hook, an alias) names its own repository in these.
  const own = Object.entries(env).filter(([name]) => !/^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX)$/.test(name));
  return async (...args) => {
    const argv = ['git', '--literal-pathspecs', ...args];
    const result = await run(argv, { cwd: root, env: Object.fromEntries(own), timeoutMs: TIMEOUT_MS, signal });
    if (result.code === 0) return result.stdout.toString().trimEnd();
    if (result.spawnError) throw new ProblemError(gitMissing(result.spawnError));
    const words = result.stderr.trim().split('\n').at(-1) ?? '';
    throw new ProblemError(problem('COMMIT_FAILED', `git ${args[0]}: ${words}`));
  };
}
