import { ProblemError, problem } from '../../schema/index.ts';
import { type Branches, openBranches } from './branches.ts';
import type { Forge } from './forge.ts';
import { githubAddress } from './github/address.ts';
import { type DeclaredLogin, findGithubLogin } from './github/token.ts';
import type { Workspace } from './workspace.ts';

export interface GithubOptions {
  /** The remote's address. */
  remote: string;
  env: Readonly<Record<string, string | undefined>>;
  /** What the repository declares, for a machine whose environment names nothing. */
  declared?: DeclaredLogin | undefined;
  /** It must be GitHub; else it is one when its host is and a token for it is there. */
  wanted: boolean;
  signal?: AbortSignal;
  /** The remote's branches, where they are asked for already. */
  branches?: Branches;
  patienceMs?: number;
}

/**
 * GitHub as forge of a workspace, when its remote is there and a token is; what it needs is loaded only then.
 * @throws ProblemError FORGE_UNUSABLE when it is wanted, and cannot be
 */
export async function openGithubForge(workspace: Workspace, options: GithubOptions): Promise<Forge | undefined> {
  const { remote, env, declared, wanted, signal, patienceMs, branches = openBranches(workspace) } = options;
  const address = githubAddress(remote, env.MCPCTL_GITHUB_API);
  if (address && 'problem' in address) throw new ProblemError(address.problem);
  if (!address) {
    if (!wanted) return undefined;
    throw new ProblemError(
      problem('FORGE_UNUSABLE', 'the remote’s address is none of GitHub: `https://HOST/OWNER/NAME`'),
    );
  }
  if (!wanted && address.host !== 'github.com' && !address.host.endsWith('.ghe.com')) return undefined;
  // Asked for anew with each request: what a secret is changes, and a daemon lives long.
  const login = () => findGithubLogin(env, address.host, declared);
  if (!(await login())) {
    if (!wanted) return undefined;
    const hint =
      'Set MCPCTL_GITHUB_TOKEN, or MCPCTL_GITHUB_TOKEN_FILE to a file of mode 0600, or declare `review.github` in mcpctl.yaml.';
    throw new ProblemError(problem('FORGE_UNUSABLE', `there is no token for ${address.host}`, { hint }));
  }
  const [{ openGithubApi }, { githubForge }] = await Promise.all([
    import('./github/api.ts'),
    import('./github/github-forge.ts'),
  ]);
  const api = openGithubApi({ address, login, signal, ...(patienceMs !== undefined && { patienceMs }) });
  return githubForge(workspace, branches, api);
}
