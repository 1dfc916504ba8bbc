import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createGitForge, openGithubForge } from '../../repo/forges/index.ts';
import { missingProgram } from '../apt.ts';
import { startGitServer } from '../git-server.ts';
import { startGithubServer } from '../github-server.ts';
import { SSHD, startSshServer } from '../ssh-server.ts';
import { tempRepository } from '../temp-repository.ts';
import { type ForgeHost, forgeContract } from './forge.ts';
import { githubRepository, missingGithub } from './github-repository.ts';
import { startGithubApart } from './github-server-apart.ts';

forgeContract('a git remote by path', async () => ({
  serve: ({ bare }) => bare,
  env: () => ({}),
  open: async workspace => createGitForge(workspace),
  close: async () => undefined,
}));

forgeContract('a git remote over HTTP', async () => {
  const server = await startGitServer({ root: tmpdir() });
  return {
    serve: ({ bare, git }) => {
      git('-C', bare, 'config', 'http.receivepack', 'true');
      return `${server.url}/${relative(tmpdir(), bare)}`;
    },
    env: () => ({}),
    open: async workspace => createGitForge(workspace),
    close: server.close,
  };
});

async function overSsh(): Promise<ForgeHost> {
  const server = await startSshServer();
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-ssh-'));
  const key = join(folder, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  server.authorize(readFileSync(`${key}.pub`, 'utf8').trim());
  const options = ['StrictHostKeyChecking=no', `UserKnownHostsFile=${join(folder, 'hosts')}`, 'IdentitiesOnly=yes'];
  return {
    serve: ({ bare }) => `ssh://${server.user}@127.0.0.1:${server.port}${bare}`,
    env: () => ({
      GIT_SSH_COMMAND: ['ssh', '-F', 'none', '-i', key, ...options.flatMap(one => ['-o', one])].join(' '),
    }),
    open: async workspace => createGitForge(workspace),
    async close() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

forgeContract('a git remote over ssh', overSsh, missingProgram(SSHD, 'openssh-server'));

forgeContract('GitHub', async () => {
  const server = await startGithubServer();
  return {
    serve(repository) {
      server.reset(repository);
      return server.url;
    },
    env: () => ({}),
    async open(workspace, remote, who) {
      const env = { MCPCTL_GITHUB_API: server.api, MCPCTL_GITHUB_TOKEN: `token-${who}` };
      const forge = await openGithubForge(workspace, { remote, env, wanted: true });
      if (!forge) throw new Error('no forge');
      return forge;
    },
    close: server.close,
  };
});

/** What is done with a repository at GitHub itself, done with ours: so that it has run before somebody needs it. */
forgeContract('a repository at GitHub, as it is used there', async () => {
  const theirs = tempRepository({ 'README.md': 'Not ours.\n' });
  const server = await startGithubApart(theirs);
  const host = githubRepository({
    address: server.url,
    api: server.api,
    tokens: ['token-ann', 'token-bob', 'token-cid'],
  });
  return {
    ...host,
    async close() {
      // Nothing is left but what was there.
      const left = theirs.git('ls-remote', '--heads', theirs.bare);
      await server.close();
      theirs.remove();
      if (left.split('\n').length !== 1) throw new Error(`left behind:\n${left}`);
    },
  };
});

forgeContract(
  'a repository at GitHub itself',
  async () => {
    const { TEST_GITHUB_TOKEN = '', TEST_GITHUB_REPOSITORY, TEST_GITHUB_REVIEWER_TOKEN } = process.env;
    const tokens = [TEST_GITHUB_TOKEN, ...(TEST_GITHUB_REVIEWER_TOKEN ? [TEST_GITHUB_REVIEWER_TOKEN] : [])];
    return githubRepository({ address: `https://github.com/${TEST_GITHUB_REPOSITORY}.git`, tokens });
  },
  missingGithub(process.env),
);
