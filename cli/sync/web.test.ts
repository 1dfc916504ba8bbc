import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pinRoot } from '../../repo/trust/index.ts';
import { type GitServerOptions, type RunningServer, startGitServer, startServer } from '../../tests/git-server.ts';
import { emptyRepository, type SkillsMachine, skillFiles, skillsMachine } from '../../tests/skills-machine.ts';
import { type TempRepository, tempRepository } from '../../tests/temp-repository.ts';
import { makeKey, makeRoot, TrustScene } from '../../tests/trust-scene.ts';

const SKILL = '.claude/skills/review/SKILL.md';
const codes = (errors: readonly { code: string }[]) => errors.map(({ code }) => code);

let repository: TempRepository;
let machine: SkillsMachine;
let server: RunningServer | undefined;

beforeEach(() => {
  repository = tempRepository({ ...emptyRepository, ...skillFiles('skills/review'), ...skillFiles('skills/other') });
  machine = skillsMachine();
  // No git on this machine.
  machine.env.PATH = '/nonexistent';
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  repository.remove();
  machine.remove();
});

async function serve(options: Partial<GitServerOptions> = {}): Promise<string> {
  server = await startGitServer({ root: repository.folder, ...options });
  return `${server.url}/remote.git`;
}

const setUp = (key: string, value: string) =>
  repository.git('config', '--file', `${repository.bare}/config`, key, value);

describe('on a machine without git, over HTTP', () => {
  it.each([
    ['a server that can leave contents out', 'true'],
    ['a server that cannot', 'false'],
  ])('%s: installs, asks once when nothing changed, and fetches only what did', async (_situation, filter) => {
    setUp('uploadpack.allowFilter', filter);
    repository.commit({
      'skills/other/large.bin': randomBytes(200_000),
      'skills/review/large.bin': randomBytes(200_000),
      'skills/review/notes.md': `${'A line that stays.\n'.repeat(100)}The end.\n`,
    });
    let bytes = 0;
    const count = (sent: number) => {
      bytes += sent;
    };
    const url = await serve({ onSent: count });
    const first = await machine.sync(['--from', url]);
    expect(first.report, first.stderr).toMatchObject({ installed: ['skill/other', 'skill/review'], errors: [] });
    expect(bytes).toBeGreaterThan(400_000);
    const asked = () => server?.requests.splice(0).map(({ method, url: path }) => `${method} ${path}`);
    expect(asked()).toEqual([
      'GET /remote.git/info/refs?service=git-upload-pack',
      'POST /remote.git/git-upload-pack',
      'POST /remote.git/git-upload-pack',
    ]);
    expect((await machine.sync()).report.skipped).toEqual(['skill/other', 'skill/review']);
    expect(asked()).toEqual(['POST /remote.git/git-upload-pack']);
    const notes = `${'A line that stays.\n'.repeat(100)}Another end.\n`;
    repository.commit({
      ...skillFiles('skills/review', 'Changed.', { 'scripts/run.sh': '#!/bin/sh\n' }),
      'skills/review/notes.md': notes,
    });
    bytes = 0;
    const second = await machine.sync();
    expect(second.report, second.stderr).toMatchObject({ updated: ['skill/review'], skipped: ['skill/other'] });
    expect(machine.read(SKILL)).toContain('Changed.');
    expect(machine.read('.claude/skills/review/notes.md')).toBe(notes);
    // Where the refs are, and what changed: of a skill’s other files nothing, for they are in the store.
    expect(asked()?.length).toBe(2);
    expect(bytes).toBeLessThan(10_000);
    expect((await machine.run(['skills', 'verify'])).code).toBe(0);
  });

  it('a folder of certificates, which only git knows, does not matter without TLS', async () => {
    machine.env.SSL_CERT_DIR = '/etc/ssl/certs';
    const { report, stderr } = await machine.sync(['--from', await serve()]);
    expect(report.installed, stderr).toEqual(['skill/other', 'skill/review']);
  });

  it('what was kept of the repository may be lost or damaged', async () => {
    const url = await serve();
    await machine.sync(['--from', url]);
    for (const damage of ['', 'nonsense', machine.read('.mcpctl/sync/objects')?.slice(0, 300) ?? '']) {
      machine.write('.mcpctl/sync/objects', damage);
      machine.write('.mcpctl/sync/web.json', damage.slice(0, 5));
      repository.commit(skillFiles('skills/review', `Damage ${damage.length}.`));
      const { report, stderr } = await machine.sync();
      expect(report, stderr).toMatchObject({ updated: ['skill/review'], errors: [] });
    }
  });

  it('another machine state than what the server was told: missing contents are fetched', async () => {
    const url = await serve();
    await machine.sync(['--from', url]);
    machine.write('.mcpctl/skills-state.json', '{}');
    execFileSync('rm', ['-rf', machine.path('.mcpctl/store'), machine.path('.mcpctl/live'), machine.path('.claude')]);
    repository.commit(skillFiles('skills/review', 'Again.'));
    const { report, stderr } = await machine.sync();
    expect(report, stderr).toMatchObject({ installed: ['skill/other', 'skill/review'], errors: [] });
  });

  it('a branch that was rewritten is followed', async () => {
    const url = await serve();
    await machine.sync(['--from', url]);
    repository.git('checkout', '-q', '--orphan', 'fresh');
    repository.commit(skillFiles('skills/review', 'Rewritten.'));
    repository.git('push', '-q', '--force', 'origin', 'HEAD:main');
    await machine.sync();
    expect(machine.read(SKILL)).toContain('Rewritten.');
  });

  it('a repository with longer object ids is read', async () => {
    const long = tempRepository({ ...emptyRepository, ...skillFiles('skills/review', 'Long.') }, { format: 'sha256' });
    server = await startGitServer({ root: long.folder });
    const { report, stderr } = await machine.sync(['--from', `${server.url}/remote.git`]);
    expect(report.installed, stderr).toEqual(['skill/review']);
    long.remove();
  });

  it.each<[string, Partial<GitServerOptions>, Record<string, string>]>([
    ['a token', { token: 'secret-token' }, { MCPCTL_GIT_TOKEN: 'secret-token' }],
    [
      'a password',
      { login: { username: 'ann', password: 'secret' } },
      { MCPCTL_GIT_USERNAME: 'ann', MCPCTL_GIT_PASSWORD: 'secret' },
    ],
  ])('%s is shown where it is needed, and asked for where it is missing', async (_situation, options, variables) => {
    const url = await serve(options);
    const refused = await machine.sync(['--from', url]);
    expect({ code: refused.code, errors: codes(refused.report.errors) }).toEqual({ code: 1, errors: ['REMOTE_AUTH'] });
    Object.assign(machine.env, variables);
    expect((await machine.sync(['--from', url])).report.installed).toHaveLength(2);
  });

  it('a part of a larger repository costs what is in that part', async () => {
    setUp('uploadpack.allowFilter', 'true');
    repository.commit({
      'ai/mcpctl.yaml': emptyRepository['mcpctl.yaml'] ?? '',
      ...skillFiles('ai/skills/inner', 'Inner.'),
      'videos/large.bin': Buffer.alloc(3 * 1024 * 1024, 'x'),
    });
    const { report, stderr } = await machine.sync(['--from', await serve(), '--path', 'ai']);
    expect(report.installed, stderr).toEqual(['skill/inner']);
  });
});

describe('a server that is not what it should be changes nothing:', () => {
  const answering = (status: number, headers: Record<string, string>, body: string) =>
    startServer((_request, response) => response.writeHead(status, headers).end(body));
  it.each<[string, () => Promise<RunningServer>, string]>([
    ['a page', () => answering(200, { 'content-type': 'text/html' }, '<html>'), 'GIT_MISSING'],
    ['nothing there', () => answering(404, {}, ''), 'REMOTE_NOT_FOUND'],
    ['a redirect', () => answering(302, { location: 'http://127.0.0.1:1/x' }, ''), 'REMOTE_UNREACHABLE'],
    ['a fault', () => answering(500, {}, ''), 'REMOTE_UNREACHABLE'],
    [
      'an older protocol',
      () =>
        answering(
          200,
          { 'content-type': 'application/x-git-upload-pack-advertisement' },
          '001e# service=git-upload-pack\n00000000',
        ),
      'GIT_MISSING',
    ],
    [
      'half an answer',
      () => answering(200, { 'content-type': 'application/x-git-upload-pack-advertisement' }, '000eversion 2\n00'),
      'REMOTE_UNREACHABLE',
    ],
  ])('%s', async (_situation, open, code) => {
    await machine.sync(['--from', await serve()]);
    const other = await open();
    const { report, code: exit } = await machine.sync(['--from', `${other.url}/x.git`]);
    expect({ exit, errors: codes(report.errors) }).toEqual({ exit: 1, errors: [code] });
    expect(machine.names('.claude/skills')).toEqual(['other', 'review']);
    await other.close();
  });

  it.each<[string, (answer: Buffer) => Buffer, string, quiet: number]>([
    ['a pack that is cut off', body => body.subarray(0, body.length - 40), 'REMOTE_UNREACHABLE', 0],
    [
      'a pack that is damaged',
      body => Buffer.from(body.map((byte, at) => (at === body.length - 60 ? byte ^ 1 : byte))),
      'READ_FAILED',
      1,
    ],
  ])('%s', async (_situation, damage, problem, quiet) => {
    const url = await serve({ stallAfter: Number.POSITIVE_INFINITY });
    const cut = await startServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', chunk => chunks.push(chunk));
      request.on('end', async () => {
        const answer = await fetch(`${server?.url}${request.url}`, {
          method: request.method ?? 'GET',
          headers: { 'git-protocol': 'version=2', 'content-type': 'application/x-git-upload-pack-request' },
          ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
        });
        const body = Buffer.from(await answer.arrayBuffer());
        const isPack = body.includes('packfile');
        response.writeHead(200, { 'content-type': answer.headers.get('content-type') ?? '' });
        response.end(isPack ? damage(body) : body);
      });
    });
    const { report, code } = await machine.sync(['--from', url.replace(server?.url ?? '', cut.url)]);
    expect({ code, errors: codes(report.errors) }).toEqual({ code: 1, errors: [problem] });
    expect(machine.names('.claude')).toEqual([]);
    const from = url.replace(server?.url ?? '', cut.url);
    expect((await machine.run(['skills', 'sync', '--quiet', '--from', from])).code).toBe(quiet);
    await cut.close();
  });
});

it('a signed release is judged by the same checks', async () => {
  const scene = new TrustScene(skillFiles('skills/review', 'One.') as Record<string, string>);
  try {
    const boss = makeKey(scene.keys, 'boss');
    const maker = makeKey(scene.keys, 'maker');
    const root = await makeRoot(1, { root: [boss], release: [maker] }, [boss]);
    scene.addRoots(root);
    await scene.release({ version: '1.0.0', sequence: 1, key: maker });
    server = await startGitServer({ root: scene.repository.folder });
    scene.repository.git('push', '-q', 'origin', 'HEAD:main', '--tags');
    const url = `${server.url}/remote.git`;
    await pinRoot(machine.path('.mcpctl'), [root], [url], new Date());
    const first = await machine.sync(['--from', url]);
    expect(first.report, first.stderr).toMatchObject({ installed: ['skill/review'], errors: [] });
    scene.repository.commit(skillFiles('skills/review', 'Evil.'));
    await scene.release({ version: '1.1.0', sequence: 2, key: boss });
    scene.repository.git('push', '-q', 'origin', 'HEAD:main', '--tags');
    const second = await machine.sync();
    expect({ code: second.code, errors: codes(second.report.errors) }).toEqual({ code: 5, errors: ['NOT_TRUSTED'] });
    await scene.release({ version: '1.2.0', sequence: 3, key: maker });
    scene.repository.git('push', '-q', 'origin', 'HEAD:main', '--tags');
    const third = await machine.sync();
    expect(third.report, third.stderr).toMatchObject({ updated: ['skill/review'] });
    expect(machine.read(SKILL)).toContain('Evil.');
  } finally {
    scene.remove();
  }
}, 120_000);
