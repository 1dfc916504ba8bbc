import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { mcpctl } from '../command-line.ts';
import { startUp, type UpProcess } from '../e2e/daemon.ts';
import { type GithubServer, startGithubServer } from '../github-server.ts';
import { type TempRepository, tempRepository } from '../temp-repository.ts';

/** A daemon whose repository is reviewed at GitHub; it has its token from a Secret that the repository declares. */
let server: GithubServer;
let repository: TempRepository;
let daemon: UpProcess | undefined;
let client: Client | undefined;
beforeAll(async () => {
  server = await startGithubServer();
});
afterAll(() => server.close());
beforeEach(() => {
  repository = tempRepository({ 'README.md': 'x' });
  server.reset(repository);
});
afterEach(async () => {
  await client?.close().catch(() => undefined);
  await daemon?.stop();
  [client, daemon] = [undefined, undefined];
  repository.remove();
});

const yaml = (kind: string, spec: string) => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\nspec: ${spec}\n`;

function declare(github: string, data: string): void {
  repository.commit({
    'mcpctl.yaml': yaml('Repository', `{ id: test.example, review: { forge: github, github: ${github} } }`),
    'projects/demo/project.yaml': yaml('Project', '{ proposals: true }'),
    'secrets/github.yaml': yaml('Secret', `{ data: ${data} }`),
  });
}

async function start(env: Record<string, string>): Promise<UpProcess> {
  const home = join(repository.folder, 'home');
  mkdirSync(join(home, 'secrets'), { recursive: true, mode: 0o700 });
  daemon = await startUp({
    repository: server.url,
    stateDir: join(repository.folder, 'state'),
    env: { MCPCTL_HOME: home, ...env },
  });
  await daemon.until('the project is served', ({ projects }) => projects.length === 1);
  return daemon;
}

async function proposePrompt({ url, token }: UpProcess, content: string) {
  client = new Client({ name: 'test', version: '1' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp/demo`), { requestInit }));
  return client.callTool({
    name: 'propose_prompt',
    arguments: { name: 'greet', description: 'A greeting', content, reason: 'people like it' },
  });
}

async function api({ url, token }: UpProcess, method: string, path: string, body?: unknown) {
  const response = await fetch(`${url}/api/v1/proposals${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

it('a session proposes: a pull request with status and comment, approved at GitHub, served', async () => {
  declare('{ secretRef: { name: github, key: token } }', '{ token: { env: MCPCTL_SECRET_GITHUB } }');
  const up = await start({ MCPCTL_SECRET_GITHUB: 'token-gateway' });
  const result = await proposePrompt(up, 'Hello.');
  const { id } = result.structuredContent as { id: string };
  const [pull] = server.pulls;
  expect(pull).toMatchObject({ branch: `proposals/${id}`, author: 'gateway', state: 'OPEN' });
  expect(server.statuses).toMatchObject([{ sha: pull?.head, context: 'mcpctl/plan', state: 'success' }]);
  expect(pull?.comments).toMatchObject([
    { author: 'gateway', body: expect.stringContaining('What merging this would') },
  ]);

  const listed = await api(up, 'GET', '');
  expect(listed.body.proposals).toMatchObject([{ id, status: 'pending', url: expect.stringContaining('/pull/1') }]);
  // The gateway's own login would be the reviewer: nobody reviews through it.
  const reviewed = await api(up, 'POST', `/${id}/reviews`, { text: '{}', signature: 'eA==' });
  expect(reviewed).toMatchObject({ status: 403, body: { code: 'REVIEW_NOT_ENTITLED' } });

  // Bob has a clone, and a token of his own.
  repository.git('remote', 'set-url', 'origin', server.url);
  const env = {
    PATH: process.env.PATH,
    HOME: repository.folder,
    MCPCTL_HOME: join(repository.folder, 'bob'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    MCPCTL_GITHUB_TOKEN: 'token-bob',
  };
  const bob = (...argv: string[]) => mcpctl(argv, { cwd: repository.work, env });
  expect((await bob('review', 'diff', id)).stdout).toContain('+Hello.');
  const approved = await bob('review', 'approve', id);
  expect(approved.stdout, approved.stderr).toContain(`${id} merged`);
  await fetch(`${up.url}/api/v1/reconcile`, { method: 'POST', headers: { authorization: `Bearer ${up.token}` } });
  await up.until('the prompt is served', ({ projects }) => projects.some(({ prompts }) => prompts.includes('greet')));
});

it('REST proposes, and amends: one pull request, one comment, kept up to date', async () => {
  declare('{ secretRef: { name: github, key: token } }', '{ token: { file: github } }');
  const file = join(repository.folder, 'home', 'secrets', 'github');
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
  writeFileSync(file, 'token-gateway\n', { mode: 0o600 });
  const up = await start({});
  const wish = (content: string) => ({
    title: 'Greet',
    documents: [
      { apiVersion: 'mcpctl.dev/v1', kind: 'Prompt', metadata: { name: 'greet' }, spec: { content, arguments: [] } },
    ],
  });
  const made = await api(up, 'POST', '', wish('Hello.'));
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const before = server.pulls[0]?.comments[0]?.body;
  // A secret that changes is read anew.
  writeFileSync(file, 'token-other\n', { mode: 0o600 });
  const amended = await api(up, 'PUT', `/${made.body.id}`, wish('Hello again.'));
  expect(amended.status, JSON.stringify(amended.body)).toBe(200);
  expect(server.pulls).toHaveLength(1);
  expect(server.statuses.map(({ sha }) => sha)).toEqual([made.body.head, amended.body.head]);
  const authors = server.pulls[0]?.comments.map(({ author }) => author);
  expect(authors).toEqual(['gateway', 'other']);
  expect(server.pulls[0]?.comments[0]?.body).toBe(before);
});

it('an App’s private key comes from a Secret, too, and a secret that is missing is told', async () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  declare(
    '{ secretRef: { name: github, key: app }, app: { id: Iv1.app, installation: "7" } }',
    '{ app: { file: app-key } }',
  );
  const up = await start({});
  const wish = {
    title: 'Greet',
    documents: [
      {
        apiVersion: 'mcpctl.dev/v1',
        kind: 'Prompt',
        metadata: { name: 'greet' },
        spec: { content: 'Hello.', arguments: [] },
      },
    ],
  };
  const without = await api(up, 'POST', '', wish);
  expect(without).toMatchObject({ status: 503, body: { code: 'SECRET_UNRESOLVED' } });
  writeFileSync(join(repository.folder, 'home', 'secrets', 'app-key'), privateKey, { mode: 0o600 });
  const asked = await api(up, 'POST', '', wish);
  // Ours knows no Apps; that it was asked with what the key signed is what matters.
  expect(asked.status).not.toBe(201);
  const request = server.requests.find(({ url }) => url === '/api/v3/app/installations/7/access_tokens');
  expect(request?.authorization).toMatch(/^Bearer eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
});
