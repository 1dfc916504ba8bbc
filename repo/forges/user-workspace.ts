import { run } from '../../host/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import { findRepository } from '../find-repository.ts';
import type { Workspace } from './workspace.ts';

export interface UserWorkspaceOptions {
  /** A folder inside the user's clone. */
  folder: string;
  env: Readonly<Record<string, string | undefined>>;
  /** The remote's name in the clone's configuration; `origin` unless given. */
  remote?: string;
  branch?: string;
  signal?: AbortSignal;
}

const TIMEOUT_MS = 60_000;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}$/;

/**
 * A person's own clone, through their own git: identity, signing, credentials and ssh are theirs.
 * @throws ProblemError REMOTE_NOT_FOUND when the folder is in no repository; REF_INVALID
 */
export async function userWorkspace(options: UserWorkspaceOptions): Promise<Workspace> {
  const { folder, env, remote = 'origin', branch = 'main', signal } = options;
  for (const name of [remote, branch]) {
    if (!NAME.test(name) || name.includes('..'))
      throw new ProblemError(problem('REF_INVALID', `\`${name}\` is no name`));
  }
  const { gitDir, path } = await findRepository(folder, env);
  // A git that started us (a hook, an alias) names its own repository in these.
  const own = Object.entries(env).filter(([name]) => !/^GIT_(?:DIR|WORK_TREE|INDEX_FILE|PREFIX)$/.test(name));
  let known: Promise<ReadonlyMap<string, string>> | undefined;
  const settings = () => {
    known ??= readSettings(workspace);
    return known;
  };
  const workspace: Workspace = {
    gitDir,
    path,
    folder,
    env,
    remote,
    branch,
    async address() {
      const address = (await settings()).get(`remote.${remote}.url`);
      if (address !== undefined) return address;
      const hint = 'Add it with `git remote add origin URL`, or name another with `--remote`.';
      throw new ProblemError(problem('REMOTE_NOT_FOUND', `the repository has no remote \`${remote}\``, { hint }));
    },
    setting: async name => (await settings()).get(name),
    git: (args, { input, env: more, timeoutMs = TIMEOUT_MS, maxOutputBytes } = {}) =>
      run(['git', `--git-dir=${gitDir}`, ...args], {
        cwd: folder,
        env: { ...Object.fromEntries(own), LC_ALL: 'C', ...more },
        timeoutMs,
        ...(input !== undefined && { input }),
        ...(maxOutputBytes !== undefined && { maxOutputBytes }),
        ...(signal && { signal }),
      }),
  };
  return workspace;
}

/** All that is ever asked for, in one process. What is set several times counts as it was set last. */
async function readSettings(workspace: Workspace): Promise<ReadonlyMap<string, string>> {
  const wanted = '^(remote\\..*\\.url|commit\\.gpgsign|gpg\\.format)$';
  const { stdout } = await workspace.git(['config', '--null', '--get-regexp', wanted]);
  const lines = stdout.toString().split('\0');
  // A key alone is a switch that is on.
  const pairs = lines.map(line => {
    const end = line.indexOf('\n');
    return end === -1 ? ([line, 'true'] as const) : ([line.slice(0, end), line.slice(end + 1)] as const);
  });
  return new Map(pairs);
}
