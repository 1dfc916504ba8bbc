import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openGithubForge, userWorkspace } from '../../repo/forges/index.ts';
import { mcpctl, type Outcome } from '../command-line.ts';
import { startServer } from '../git-server.ts';
import { type GithubServer, type GithubSettings, startGithubServer } from '../github-server.ts';
import { serverFile, serverFiles, type TempRepository, tempRepository, writeFiles } from '../temp-repository.ts';

/** Ann proposes, bob reviews; `reader` may not. The server keeps GitHub's rules over a real repository. */
let server: GithubServer;
let repository: TempRepository;
beforeAll(async () => {
  server = await startGithubServer();
});
afterAll(() => server.close());
beforeEach(() => {
  repository = tempRepository(serverFiles(1));
  server.reset(repository);
  repository.git('remote', 'set-url', 'origin', server.url);
});
afterEach(() => repository.remove());

function env(who: string, more: Record<string, string> = {}) {
  const email = `${who}@x.example`;
  return {
    PATH: process.env.PATH,
    HOME: repository.folder,
    MCPCTL_HOME: join(repository.folder, '.mcpctl'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: who,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: who,
    GIT_COMMITTER_EMAIL: email,
    MCPCTL_GITHUB_API: server.api,
    MCPCTL_GITHUB_TOKEN: `token-${who}`,
    ...more,
  };
}

function as(who: string, ...argv: string[]): Promise<Outcome> {
  return mcpctl([...argv, '--forge', 'github'], { cwd: repository.work, env: env(who) });
}

async function proposed(): Promise<string> {
  writeFiles(repository.work, { 'servers/new.yaml': serverFile('new') });
  const { code, stdout, stderr } = await as('ann', 'propose', '-m', 'Serve more', '--reason', 'asked for');
  expect(code, stderr).toBe(0);
  return stdout.trim();
}

async function approve(who: string, id: string): Promise<Outcome> {
  const shown = await as(who, 'review', 'diff', id);
  expect(shown.code, shown.stderr).toBe(0);
  return as(who, 'review', 'approve', id, '--note', 'looks right');
}

const main = () => repository.git('--git-dir', repository.bare, 'rev-parse', 'main');
const parents = () =>
  repository.git('--git-dir', repository.bare, 'log', '-1', '--format=%P', 'main').split(' ').length;

describe('the command line at GitHub', () => {
  it('proposes a pull request with plan and risks, and merges it once it is approved', async () => {
    const id = await proposed();
    const [pull] = server.pulls;
    expect(pull).toMatchObject({ title: 'Serve more', body: 'asked for', author: 'ann', branch: `proposals/${id}` });
    expect(server.statuses).toMatchObject([{ sha: pull?.head, state: 'success', context: 'mcpctl/plan' }]);
    expect(pull?.comments[0]?.body).toContain('create    instance/new-0');
    expect(pull?.comments[0]?.body).toContain('what is run: server/new');
    const pending = await as('bob', 'review', 'pending', '-o', 'json');
    expect(JSON.parse(pending.stdout)).toMatchObject([{ id, status: 'pending', needed: null }]);
    const { code, stdout, stderr } = await approve('bob', id);
    expect(code, stderr).toBe(0);
    expect(stdout).toBe(`${id} merged ${main()}\n`);
    expect(pull?.reviews).toMatchObject([
      { author: 'bob', state: 'APPROVED', commit: pull?.head, body: 'looks right' },
    ]);
    expect((await as('bob', 'review', 'pending', '-o', 'json')).stdout).toBe('[]\n');
  });

  it('keeps one comment up to date', async () => {
    const id = await proposed();
    writeFiles(repository.work, { 'servers/new.yaml': serverFile('new', 'two') });
    expect((await as('ann', 'propose', '--amend', id, '-m', 'Other')).code).toBe(0);
    expect((await as('ann', 'review', 'report', id)).code).toBe(0);
    expect(server.pulls[0]?.comments).toHaveLength(1);
    expect(server.pulls[0]?.comments[0]?.body).toContain(server.pulls[0]?.head.slice(0, 12));
    server.pulls[0]?.comments.unshift({ id: 1, author: 'eve', body: '<!-- mcpctl/plan -->\nall is well' });
    await as('ann', 'review', 'report', id);
    expect(server.pulls[0]?.comments[0]?.body).toContain('all is well');
    expect(server.pulls[0]?.comments).toHaveLength(2);
  });

  it('asks for changes, and shows who said what', async () => {
    const id = await proposed();
    await as('bob', 'review', 'show', id);
    expect((await as('bob', 'review', 'reject', id, '--reason', 'too loud')).stdout).toBe(`${id} rejected\n`);
    const { stdout } = await as('ann', 'review', 'show', id);
    expect(stdout).toMatch(/bob +asked for changes +this commit +too loud/);
    expect(stdout).toContain('verdict: rejected (forge-attested)');
  });

  it('waits for a second approval where GitHub asks for two', async () => {
    const id = await proposed();
    server.settings.approvals = 2;
    const first = await approve('bob', id);
    expect(first).toMatchObject({ code: 0, stdout: `${id} approved\n` });
    expect(first.stderr).toContain('At least 2 approving reviews are required');
    expect((await approve('carl', id)).stdout).toBe(`${id} merged ${main()}\n`);
  });

  it.each<[string, string, number, string]>([
    ['its author', 'ann', 5, 'REVIEW_SELF_APPROVAL'],
    ['whose token may only read', 'reader', 5, 'REVIEW_NOT_ENTITLED'],
    ['whose token is none', 'no-one', 1, 'REMOTE_AUTH'],
  ])('refuses %s', async (_situation, who, code, problem) => {
    const id = await proposed();
    await as('bob', 'review', 'show', id);
    const before = main();
    const outcome = await as(who, 'review', 'approve', id);
    expect(outcome).toMatchObject({ code, stderr: expect.stringContaining(problem) });
    expect(main()).toBe(before);
    expect(server.pulls[0]?.reviews).toEqual([]);
  });
});

describe('merging by the settings of the repository', () => {
  it.each<[string, Partial<GithubSettings>, number]>([
    ['with a merge commit', {}, 2],
    ['as one commit', { methods: ['squash', 'rebase'] }, 1],
    ['by a rebase', { methods: ['rebase'] }, 1],
    ['as a rule of the branch wants it', { linear: true }, 1],
    ['once it is known whether there are conflicts', { unknown: 2 }, 2],
    ['where branches are removed by GitHub', { deleteBranch: true }, 2],
  ])('%s', async (_situation, settings, expected) => {
    const id = await proposed();
    Object.assign(server.settings, settings);
    const { stdout, stderr } = await approve('bob', id);
    expect(stdout, stderr).toBe(`${id} merged ${main()}\n`);
    expect(parents()).toBe(expected);
    expect(repository.git('ls-remote', repository.bare)).not.toContain('refs/heads/proposals/');
  });

  it.each<[string, Partial<GithubSettings>, Record<string, unknown>, string]>([
    ['the merge queue takes it', { mergeQueue: true }, { queued: true }, 'in GitHub’s merge queue'],
    [
      'it merges by itself later',
      { autoMerge: true, checks: ['ci'] },
      { auto: 'MERGE' },
      'merges it by itself once it may',
    ],
    ['it waits for a check', { checks: ['ci'] }, { auto: undefined }, 'Required status check "ci" is expected'],
    ['nothing may be merged', { methods: [] }, { state: 'OPEN' }, 'allow no way to merge'],
  ])('%s', async (_situation, settings, expected, told) => {
    const id = await proposed();
    Object.assign(server.settings, settings);
    const before = main();
    const { code, stdout, stderr } = await approve('bob', id);
    expect(stderr).toContain(told);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${id} approved\n` });
    expect(main()).toBe(before);
    expect(server.pulls[0]).toMatchObject(expected);
  });

  it('an answer that got lost: what was merged is told as merged', async () => {
    const id = await proposed();
    await as('bob', 'review', 'show', id);
    const asked: string[] = [];
    const push = server.requests.push.bind(server.requests);
    server.requests.push = one => {
      asked.push(`${one.method} ${one.url}`);
      if (one.method === 'PUT') server.settings.next.push({ status: 0, lost: true });
      return push(one);
    };
    const { stdout, stderr } = await as('bob', 'review', 'approve', id);
    server.requests.push = push;
    expect(stdout, stderr).toBe(`${id} merged ${main()}\n`);
    expect(asked.filter(one => one.startsWith('PUT'))).toHaveLength(1);
  });
});

describe('limits and faults', () => {
  const limited = { message: 'API rate limit exceeded for user ID 1.' };
  const now = () => Math.floor(Date.now() / 1000);

  it.each<[string, GithubSettings['next']]>([
    ['429 with Retry-After', [{ status: 429, headers: { 'retry-after': '1' }, body: limited }]],
    [
      '403 with Retry-After',
      [
        {
          status: 403,
          headers: { 'retry-after': '1' },
          body: { message: 'You have exceeded a secondary rate limit.' },
        },
      ],
    ],
    [
      'nothing left until soon',
      [{ status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now()) }, body: limited }],
    ],
    ['two faults in a row', [{ status: 502 }, { status: 503 }]],
  ])('waits and goes on after %s', async (_situation, next) => {
    const id = await proposed();
    server.settings.next = next;
    const { code, stdout, stderr } = await as('bob', 'review', 'pending');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(id);
  });

  it('does not wait for long, and says how long it would be', async () => {
    await proposed();
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now() + 3000) };
    server.settings.next = [{ status: 403, headers, body: limited }];
    const { code, stderr } = await as('bob', 'review', 'pending');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('REMOTE_RATE_LIMITED') });
  });

  it.each<[string, { status: number; headers?: Record<string, string>; body?: unknown }]>([
    ['a redirect to another host', { status: 302, headers: { location: 'http://127.0.0.1:9/elsewhere' } }],
    ['an answer of another shape', { status: 200, body: { data: { repository: null } } }],
    ['an answer that echoes the token', { status: 401, body: { message: 'token-bob is bad' } }],
  ])('refuses %s, and shows no token', async (_situation, next) => {
    await proposed();
    server.settings.next = [next];
    const { code, stdout, stderr } = await as('bob', 'review', 'pending');
    expect(code).toBe(1);
    expect(stderr).toMatch(/REMOTE_(?:UNREACHABLE|AUTH)/);
    expect(stdout + stderr).not.toContain('token-bob');
  });

  it('nothing stays when the pull request is refused', async () => {
    writeFiles(repository.work, { 'servers/new.yaml': serverFile('new') });
    const { code, stderr } = await as('reader', 'propose');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('REMOTE_REFUSED') });
    expect(repository.git('ls-remote', repository.bare)).not.toContain('proposals/');
  });

  it('the token is in no address and no configuration', async () => {
    await approve('bob', await proposed());
    expect(server.requests.map(({ url }) => url).join()).not.toContain('token-');
    expect(repository.git('config', '--list')).not.toContain('token-');
  });
});

it('pages through what is over', async () => {
  await proposed();
  const [open] = server.pulls;
  for (let count = 0; open && count < 250; count++) {
    const branch = `proposals/server-old-${(count + 16 ** 5).toString(16)}`;
    server.pulls.push({ ...open, number: 1000 + count, branch, state: 'CLOSED' });
  }
  const workspace = await userWorkspace({ folder: repository.work, env: env('bob') });
  const forge = await openGithubForge(workspace, { remote: server.url, env: env('bob'), wanted: true });
  await forge?.refresh();
  expect(await forge?.list({ ended: true })).toHaveLength(251);
  expect(server.requests.filter(({ url }) => /\/pulls\?.*page=[23]/.test(url))).toHaveLength(2);
});

describe('where it is, and who asks', () => {
  const open = async (remote: string, variables: Record<string, string>, wanted = false) => {
    const workspace = await userWorkspace({ folder: repository.work, env: env('bob') });
    return openGithubForge(workspace, { remote, env: variables, wanted });
  };

  it.each<[string, string, Record<string, string>, string | undefined]>([
    ['github.com with a token', 'https://github.com/acme/shop.git', { GITHUB_TOKEN: 't' }, 'github'],
    ['github.com over ssh', 'git@github.com:acme/shop.git', { MCPCTL_GITHUB_TOKEN: 't' }, 'github'],
    ['github.com without a token', 'https://github.com/acme/shop.git', {}, undefined],
    ['another host', 'https://git.example.com/acme/shop.git', { MCPCTL_GITHUB_TOKEN: 't' }, undefined],
    ['a path', '/srv/acme/shop.git', { MCPCTL_GITHUB_TOKEN: 't' }, undefined],
  ])('%s', async (_situation, remote, variables, expected) => {
    expect((await open(remote, variables))?.name).toBe(expected);
  });

  it.each<[string, string, Record<string, string>]>([
    ['GitHub’s own token for another host', 'https://git.example.com/acme/shop', { GITHUB_TOKEN: 't' }],
    ['plain HTTP to elsewhere', 'http://git.example.com/acme/shop', { MCPCTL_GITHUB_TOKEN: 't' }],
    [
      'an address with a user',
      'https://github.com/acme/shop',
      { MCPCTL_GITHUB_TOKEN: 't', MCPCTL_GITHUB_API: 'https://a@b.example/' },
    ],
    [
      'an address with a query',
      'https://github.com/acme/shop',
      { MCPCTL_GITHUB_TOKEN: 't', MCPCTL_GITHUB_API: 'https://b.example/?x' },
    ],
    ['a name that climbs', 'https://github.com/acme/..', { MCPCTL_GITHUB_TOKEN: 't' }],
    ['a token with a line break', 'https://github.com/acme/shop', { MCPCTL_GITHUB_TOKEN: 'a\nb' }],
    ['half of an App', 'https://github.com/acme/shop', { MCPCTL_GITHUB_APP_ID: '1' }],
    ['a file that is not there', 'https://github.com/acme/shop', { MCPCTL_GITHUB_TOKEN_FILE: '/nonexistent' }],
  ])('refuses %s', async (_situation, remote, variables) => {
    await expect(open(remote, variables, true)).rejects.toMatchObject({ problem: { code: 'FORGE_UNUSABLE' } });
  });

  it('takes a token from a file that nobody else can read', async () => {
    const file = join(repository.folder, 'token');
    writeFileSync(file, 'token-bob\n', { mode: 0o600 });
    const variables = { MCPCTL_GITHUB_API: server.api, MCPCTL_GITHUB_TOKEN_FILE: file };
    const forge = await open(server.url, variables, true);
    await forge?.refresh();
    expect(await forge?.list()).toEqual([]);
    chmodSync(file, 0o644);
    await expect(open(server.url, variables, true)).rejects.toMatchObject({ problem: { code: 'FORGE_UNUSABLE' } });
  });

  it('an App asks for a token, once, with what its key signed', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const file = join(repository.folder, 'app.pem');
    writeFileSync(file, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
    const said: string[] = [];
    const app = await startServer((request, response) => {
      said.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      const granted = { token: 'ghs_x', expires_at: new Date(Date.now() + 3_600_000).toISOString() };
      const empty = { pageInfo: { hasNextPage: false, endCursor: null }, nodes: [] };
      const body = request.url?.includes('access_tokens') ? granted : { data: { repository: { pullRequests: empty } } };
      response.writeHead(request.url?.includes('access_tokens') ? 201 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
    const forge = await open(
      server.url,
      {
        MCPCTL_GITHUB_API: `${app.url}/api/v3`,
        MCPCTL_GITHUB_APP_ID: '17',
        MCPCTL_GITHUB_APP_INSTALLATION: '4',
        MCPCTL_GITHUB_APP_KEY_FILE: file,
      },
      true,
    );
    await forge?.refresh();
    await forge?.list();
    await forge?.refresh();
    await forge?.list();
    await app.close();
    const [first = '', ...others] = said;
    expect(first).toMatch(/^POST \/api\/v3\/app\/installations\/4\/access_tokens Bearer /);
    expect(others.map(one => one.split(' ').at(-1))).toEqual(others.map(() => 'ghs_x'));
    const [head = '', claims = '', signature = ''] = first.split(' ').at(-1)?.split('.') ?? [];
    const { verify } = await import('node:crypto');
    expect(verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(
      true,
    );
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ iss: '17' });
  });
});
