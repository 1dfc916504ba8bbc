import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ProblemError, problem } from '../../schema/index.ts';
import { openAccess } from '../access.ts';
import { git, lastWords } from '../git.ts';
import type { Remote } from '../types.ts';
import type { Workspace } from './workspace.ts';

export interface DaemonWorkspaceOptions {
  /** The bare repository's folder; made when absent. */
  dir: string;
  remote: Remote;
  /** The branch that is followed. */
  branch: string;
  path: string;
  /** The daemon's environment: PATH, proxies, certificate authorities, MCPCTL_GIT_* */
  env: NodeJS.ProcessEnv;
  /** Where `git-credentials` and the pinned ssh host keys may be. */
  home: string;
  hostKeys?: readonly string[];
}

const TIMEOUT_MS = 60_000;

/** Whoever has the gateway's token proposes through it; the message says who that is, where it is known. */
const IDENTITY = {
  GIT_AUTHOR_NAME: 'mcpctl gateway',
  GIT_AUTHOR_EMAIL: 'gateway@mcpctl.invalid',
  GIT_COMMITTER_NAME: 'mcpctl gateway',
  GIT_COMMITTER_EMAIL: 'gateway@mcpctl.invalid',
};

/**
 * A bare repository of the daemon's own, through the fixed git environment and the credentials it fetches with.
 * @throws ProblemError STATE_UNUSABLE, and those of `openAccess`
 */
export async function daemonWorkspace(options: DaemonWorkspaceOptions): Promise<Workspace> {
  const { dir, remote, branch, path, env, home, hostKeys = [] } = options;
  const access = await openAccess({ remote, env, home, dir: join(dirname(dir), 'remote'), hostKeys });
  if (!existsSync(join(dir, 'HEAD'))) {
    const made = await git(['init', '--quiet', '--bare', dir], { env });
    if (made.code !== 0) throw new ProblemError(problem('STATE_UNUSABLE', `${dir}: ${lastWords(made, [])}`));
  }
  return {
    gitDir: dir,
    path,
    folder: dir,
    env,
    remote: remote.url,
    branch,
    address: async () => remote.url,
    // Nobody's configuration is read.
    setting: async () => undefined,
    async git(args, { input, env: more, timeoutMs = TIMEOUT_MS, maxOutputBytes } = {}) {
      const found = await access.find(undefined);
      if ('problem' in found) throw new ProblemError(found.problem);
      const result = await git(args, {
        env,
        gitDir: dir,
        config: found.config,
        extra: { ...found.extra, ...IDENTITY, ...more },
        timeoutMs,
        ...(input !== undefined && { input }),
        ...(maxOutputBytes !== undefined && { maxOutputBytes }),
      });
      // What the remote is told may come back in what it says.
      return found.secrets.length === 0 ? result : { ...result, stderr: hidden(result.stderr, found.secrets) };
    },
  };
}

function hidden(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}
