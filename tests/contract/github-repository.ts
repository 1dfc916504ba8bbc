import { randomBytes } from 'node:crypto';
import { openGithubForge } from '../../repo/forges/index.ts';
import type { TempRepository } from '../temp-repository.ts';
import type { ForgeHost } from './forge.ts';

export interface GithubRepository {
  /** `https://github.com/OWNER/NAME.git`; a repository that may be written to. */
  address: string;
  /** Where its API is, when that is not GitHub's own. */
  api?: string;
  /** Of whoever proposes, and of others, who may approve. */
  tokens: readonly string[];
}

/** Why the contract cannot be tried at GitHub itself. */
export function missingGithub(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const missing = ['TEST_GITHUB_TOKEN', 'TEST_GITHUB_REPOSITORY'].filter(name => !env[name]);
  if (missing.length > 0) return `${missing.join(' and ')} not set`;
  return /^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/.test(env.TEST_GITHUB_REPOSITORY ?? '')
    ? undefined
    : 'TEST_GITHUB_REPOSITORY is not OWNER/NAME';
}

/** The branches that the contract makes besides the one that is proposed for. */
const OURS = /^refs\/heads\/(?:proposals\/(?:server-(?:new|a|b)-[0-9a-f]{6}|x|server-a-0a1b2|a\/server-a-0a1b2c))$/;

/**
 * A repository that was there before and stays: what is proposed for is a branch of its own for each test, and all that a
 * test made is deleted after it, which closes its pull requests, too.
 */
export function githubRepository({ address, api, tokens }: GithubRepository): ForgeHost {
  const people = ['ann', 'bob', 'cid'];
  const tokenOf = (who: string) => tokens[Math.min(people.indexOf(who), tokens.length - 1)] ?? '';
  const header = (who: string) =>
    `Authorization: Basic ${Buffer.from(`x-access-token:${tokenOf(who)}`).toString('base64')}`;
  const scope = `http.${new URL(address).origin}/.extraHeader`;
  let branch = '';
  return {
    branch() {
      branch = `mcpctl-contract-${randomBytes(6).toString('hex')}`;
      return branch;
    },
    serve({ git }) {
      git('remote', 'set-url', 'origin', address);
      // Not in the address, which git shows.
      git('config', scope, header('ann'));
      git('push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
      return address;
    },
    env: who => ({
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: scope,
      GIT_CONFIG_VALUE_0: header(who),
      GIT_TERMINAL_PROMPT: '0',
    }),
    async open(workspace, remote, who) {
      const env = { MCPCTL_GITHUB_TOKEN: tokenOf(who), ...(api !== undefined && { MCPCTL_GITHUB_API: api }) };
      const forge = await openGithubForge(workspace, { remote, env, wanted: true });
      if (!forge) throw new Error('no forge');
      return forge;
    },
    clean({ git }: TempRepository) {
      const refs = git('ls-remote', '--heads', 'origin')
        .split('\n')
        .map(line => line.split('\t')[1] ?? '');
      const ours = refs.filter(ref => ref === `refs/heads/${branch}` || OURS.test(ref));
      if (ours.length > 0) git('push', '--quiet', 'origin', ...ours.map(ref => `:${ref}`));
    },
    hooks: false,
    alone:
      tokens.length > 1 ? undefined : 'TEST_GITHUB_REVIEWER_TOKEN is not set: nobody may approve what is their own',
    close: async () => undefined,
  };
}
