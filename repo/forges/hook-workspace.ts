import { ProblemError, problem } from '../../schema/index.ts';
import { git } from '../git.ts';
import { parseRepoPath } from '../ref.ts';
import type { Workspace } from './workspace.ts';

/**
 * The repository whose hook runs, through the fixed git environment: nobody's configuration but the repository's own
 * `mcpctl.path` and `mcpctl.branch` is believed. What is pushed is visible while it is in quarantine.
 * @throws ProblemError REMOTE_NOT_FOUND when no hook of a repository runs here
 */
export async function hookWorkspace({
  cwd,
  env,
}: {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
}): Promise<Workspace> {
  // git tells its hooks where the repository is; in a clone's hooks it is found from the working tree.
  const found = await git(['rev-parse', '--absolute-git-dir'], {
    env,
    cwd,
    ...(env.GIT_DIR !== undefined && { gitDir: env.GIT_DIR }),
  });
  const gitDir = found.stdout.toString().trim();
  if (found.code !== 0 || gitDir === '') {
    throw new ProblemError(problem('REMOTE_NOT_FOUND', `${cwd} is not inside a git repository`));
  }
  const workspace: Workspace = {
    gitDir,
    path: '',
    folder: gitDir,
    env,
    remote: '.',
    branch: 'main',
    address: async () => '.',
    // A hook commits nothing.
    setting: async () => undefined,
    git: (args, { input, env: more, timeoutMs = 60_000, maxOutputBytes } = {}) =>
      git(args, {
        env,
        gitDir,
        timeoutMs,
        ...(more && { extra: more }),
        ...(input !== undefined && { input }),
        ...(maxOutputBytes !== undefined && { maxOutputBytes }),
      }),
  };
  const configured = async (key: string) => (await workspace.git(['config', '--get', key])).stdout.toString().trim();
  const path = parseRepoPath(await configured('mcpctl.path'));
  if ('problem' in path) throw new ProblemError(path.problem);
  const branch = (await configured('mcpctl.branch')) || 'main';
  return { ...workspace, path: path.path, branch };
}
