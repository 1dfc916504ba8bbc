import { ProblemError, problem } from '../../schema/index.ts';
import type { Forge } from './forge.ts';
import { githubAddress } from './github/address.ts';
import { findGithubLogin } from './github/token.ts';
import type { Workspace } from './workspace.ts';

export interface GithubOptions {
  /** The remote's address. */
  remote: string;
  env: Readonly<Record<string, string | undefined>>;
  /** It must be GitHub; else it is one when its host is and a token for it is there. */
  wanted: boolean;
  signal?: AbortSignal;
  patienceMs?: number;
}

/**
 * GitHub as forge of a workspace, when its remote is there and a token is; what it needs is loaded only then.
 * @throws ProblemError FORGE_UNUSABLE when it is wanted, and cannot be
 */
export async function openGithubForge(workspace: Workspace, options: GithubOptions): Promise<Forge | undefined> {
  const { remote, env, wanted, signal, patienceMs } = options;
  const address = githubAddress(remote, env.MCPCTL_GITHUB_API);
  if (address && 'problem' in address) throw new ProblemError(address.problem);
  if (!address) {
    if (!wanted) return undefined;
    throw new ProblemError(
      problem('FORGE_UNUSABLE', 'the remote’s address is none of GitHub: `https://HOST/OWNER/NAME`'),
    );
  }
  if (!wanted && address.host !== 'github.com' && !address.host.endsWith('.ghe.com')) return undefined;
  const login = await findGithubLogin(env, address.host);
  if (!login) {
    if (!wanted) return undefined;
    const hint = 'Set MCPCTL_GITHUB_TOKEN, or MCPCTL_GITHUB_TOKEN_FILE to a file of mode 0600.';
    throw new ProblemError(problem('FORGE_UNUSABLE', `there is no token for ${address.host}`, { hint }));
  }
  const [{ openGithubApi }, { githubForge }] = await Promise.all([
    import('./github/api.ts'),
    import('./github/github-forge.ts'),
  ]);
  const api = openGithubApi({ address, login, signal, ...(patienceMs !== undefined && { patienceMs }) });
  return githubForge(workspace, api);
}
