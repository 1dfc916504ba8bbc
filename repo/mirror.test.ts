import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGitServer, startServer } from '../tests/git-server.ts';
import { type TempRepository, tempRepository } from '../tests/temp-repository.ts';
import { type MirrorOptions, openMirror } from './mirror.ts';
import type { FetchResult, Mirror, Remote } from './types.ts';
import { parseRemote } from './url.ts';

const password = 'correct horse/battery';
const login = { username: 'alice', password };

let home: string;
let repository: TempRepository;
const cleanUps: (() => unknown)[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcpctl-mirror-'));
  repository = tempRepository({ 'mcpctl.yaml': 'one' });
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  repository.remove();
  rmSync(home, { recursive: true, force: true });
});

function remoteAt(address: string): Remote {
  const remote = parseRemote(address, '/');
  if ('problem' in remote) throw new Error(remote.problem.message);
  return remote;
}

function open(address: string, options: Partial<MirrorOptions> = {}): Promise<Mirror> {
  const dir = join(home, 'mirror.git');
  const { PATH } = process.env;
  return openMirror({ dir, remote: remoteAt(address), ref: 'refs/heads/main', env: { PATH }, home, ...options });
}

async function serve(handler: Parameters<typeof startServer>[0]) {
  const server = await startServer(handler);
  cleanUps.push(server.close);
  return server;
}

async function serveGit(options: { login?: typeof login } = {}) {
  const server = await startGitServer({ root: repository.folder, ...options });
  cleanUps.push(server.close);
  return server;
}

/** Every file below a folder with size and time of change. */
function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(path => {
      const { size, mtimeMs, ctimeMs } = statSync(join(folder, path));
      return `${path} ${size} ${mtimeMs} ${ctimeMs}`;
    })
    .sort();
}

function codeOf(result: FetchResult): string {
  return 'problem' in result ? result.problem.code : `commit ${result.commit}`;
}

describe('a mirror follows one ref', () => {
  it.each(['by path', 'by file URL', 'of a working tree', 'over HTTP'])('%s', async transport => {
    const addresses: Record<string, () => Promise<string> | string> = {
      'by path': () => repository.bare,
      'by file URL': () => `file://${repository.bare}`,
      'of a working tree': () => repository.work,
      'over HTTP': async () => `${(await serveGit()).url}/remote.git`,
    };
    const mirror = await open((await addresses[transport]?.()) ?? '');
    const first = repository.git('rev-parse', 'HEAD');
    expect(await mirror.fetch('poll')).toEqual({ commit: first, changed: true });
    expect(await mirror.fetch('poll')).toEqual({ commit: first, changed: false });
    expect(await mirror.fetch('poke')).toEqual({ commit: first, changed: false });
    if (transport === 'of a working tree') repository.git('branch', '-M', 'main');
    const second = repository.commit({ 'mcpctl.yaml': 'two' });
    expect(await mirror.fetch('poll')).toEqual({ commit: second, changed: true });
    const third = repository.commit({ 'mcpctl.yaml': 'three' });
    expect(await mirror.fetch('poke')).toEqual({ commit: third, changed: true });
  });

  it('remembers what it holds when it is opened again', async () => {
    await (await open(repository.bare)).fetch('poke');
    expect(await (await open(repository.bare)).fetch('poll')).toMatchObject({ changed: false });
  });

  it('fetches nothing but the ref: no tags, no other branches', async () => {
    repository.git('tag', 'v1');
    repository.git('push', '-q', 'origin', 'v1', 'HEAD:refs/heads/other');
    const mirror = await open(repository.bare);
    await mirror.fetch('poll');
    const refs = execFileSync('git', ['--git-dir', mirror.gitDir, 'for-each-ref', '--format=%(refname)'], {
      encoding: 'utf8',
    });
    expect(refs).toBe('refs/heads/followed\n');
  });

  it('takes a forced push, and says that it was one', async () => {
    const mirror = await open(repository.bare);
    await mirror.fetch('poke');
    const rewritten = repository.git('rev-parse', 'HEAD');
    repository.git('commit', '-q', '--amend', '-m', 'other');
    const amended = repository.commit({ a: 'b' });
    expect(await mirror.fetch('poll')).toEqual({ commit: amended, changed: true, rewritten });
    const back = repository.git('commit-tree', '-p', amended, '-m', 'on', 'HEAD^{tree}');
    repository.git('push', '-q', 'origin', `${back}:refs/heads/main`);
    expect(await mirror.fetch('poll')).toEqual({ commit: back, changed: true });
  });

  function commits(mirror: Mirror): number {
    const args = ['--git-dir', mirror.gitDir, 'rev-list', '--count', 'followed'];
    return Number(execFileSync('git', args, { encoding: 'utf8' }));
  }

  it('fetches the newest history only, and more of it on demand', async () => {
    for (let count = 0; count < 30; count++) repository.git('commit', '-q', '--allow-empty', '-m', `${count}`);
    repository.commit({ a: 'b' });
    const mirror = await open(repository.bare);
    await mirror.fetch('poke');
    expect(commits(mirror)).toBe(20);
    expect(await mirror.deepen(5)).toEqual({});
    expect(commits(mirror)).toBe(25);
    expect(await mirror.deepen(1000)).toEqual({});
    expect(commits(mirror)).toBe(32);
    expect(await mirror.deepen(1)).toEqual({});
  });

  it('keeps the whole history once it was asked for, and asks for it no more', async () => {
    for (let count = 0; count < 30; count++) repository.git('commit', '-q', '--allow-empty', '-m', `${count}`);
    repository.commit({ a: 'b' });
    const server = await startGitServer({ root: repository.folder });
    cleanUps.push(() => server.close());
    const mirror = await open(`${server.url}/remote.git`);
    await mirror.fetch('poke');
    expect(await mirror.deepen(1000)).toEqual({});
    expect(commits(mirror)).toBe(32);
    repository.commit({ a: 'c' });
    await mirror.fetch('poll');
    expect(commits(mirror)).toBe(33);
    const asked = server.requests.length;
    expect(await mirror.deepen(1000)).toEqual({});
    expect(server.requests.length).toBe(asked);
    // A branch that was written anew is whole, too, and what was cut off of the old one is forgotten.
    repository.git('commit', '-q', '--amend', '-m', 'other');
    repository.commit({ a: 'd' });
    await mirror.fetch('poll');
    expect(commits(mirror)).toBe(34);
  });

  it('forgets what was cut off before a forced push', async () => {
    for (let count = 0; count < 30; count++) repository.git('commit', '-q', '--allow-empty', '-m', `${count}`);
    repository.commit({ a: 'b' });
    const mirror = await open(`file://${repository.bare}`);
    await mirror.fetch('poke');
    repository.git('checkout', '-q', '--orphan', 'anew');
    for (let count = 0; count < 30; count++) repository.git('commit', '-q', '--allow-empty', '-m', `${count}`);
    repository.commit({ a: 'e' });
    repository.git('-C', repository.bare, 'gc', '--quiet', '--prune=now');
    await mirror.fetch('poll');
    expect(await mirror.deepen(1000)).toEqual({});
    expect(commits(mirror)).toBe(31);
    const args = ['--git-dir', mirror.gitDir, 'rev-parse', '--is-shallow-repository'];
    expect(execFileSync('git', args, { encoding: 'utf8' })).toBe('false\n');
  });

  it('tells many commits at once from a forced push', async () => {
    const mirror = await open(repository.bare);
    await mirror.fetch('poke');
    for (let count = 0; count < 30; count++) repository.git('commit', '-q', '--allow-empty', '-m', `${count}`);
    const commit = repository.commit({ a: 'b' });
    expect(await mirror.fetch('poll')).toEqual({ commit, changed: true });
  });

  it('follows a repository that has only a part of the history itself', async () => {
    repository.commit({ a: 'b' });
    const part = join(repository.folder, 'part.git');
    execFileSync('git', ['clone', '-q', '--bare', '--depth=1', `file://${repository.bare}`, part], { stdio: 'pipe' });
    const commit = repository.git('rev-parse', 'HEAD');
    expect(await (await open(part)).fetch('poll')).toEqual({ commit, changed: true });
  });

  it('peels an annotated tag and follows it when it is moved', async () => {
    repository.git('tag', '-a', '-m', 'x', 'v1');
    repository.git('push', '-q', 'origin', 'v1');
    const mirror = await open(repository.bare, { ref: 'refs/tags/v1' });
    const commit = repository.git('rev-parse', 'HEAD');
    expect(await mirror.fetch('poll')).toEqual({ commit, changed: true });
    expect(await mirror.fetch('poll')).toEqual({ commit, changed: false });
    const next = repository.commit({ a: 'b' });
    repository.git('tag', '-f', '-a', '-m', 'y', 'v1');
    repository.git('push', '-q', '-f', 'origin', 'v1');
    expect(await mirror.fetch('poll')).toEqual({ commit: next, changed: true });
  });

  it('refuses a tag of something other than a commit', async () => {
    repository.git('tag', 'tree', 'HEAD^{tree}');
    repository.git('push', '-q', 'origin', 'tree');
    const mirror = await open(repository.bare, { ref: 'refs/tags/tree' });
    expect(codeOf(await mirror.fetch('poke'))).toBe('REF_INVALID');
  });

  it('refuses a branch of something other than a commit', async () => {
    writeFileSync(join(repository.bare, 'refs/heads/odd'), `${repository.git('rev-parse', 'HEAD^{tree}')}\n`);
    const mirror = await open(repository.bare, { ref: 'refs/heads/odd' });
    expect(await mirror.fetch('poke')).toMatchObject({ problem: { code: expect.stringMatching(/^RE/) } });
  });

  it('is not confused by a ref that ends like the one followed', async () => {
    const mirror = await open(repository.bare);
    await mirror.fetch('poke');
    const old = repository.git('rev-parse', 'HEAD');
    const next = repository.commit({ a: 'b' });
    repository.git('--git-dir', repository.bare, 'update-ref', 'refs/heads/refs/heads/main', old);
    expect(await mirror.fetch('poll')).toEqual({ commit: next, changed: true });
  });

  it('follows a SHA-256 repository', async () => {
    const other = tempRepository({ a: 'b' }, { format: 'sha256' });
    cleanUps.push(other.remove);
    const mirror = await open(other.bare);
    const commit = other.git('rev-parse', 'HEAD');
    expect(commit).toHaveLength(64);
    expect(await mirror.fetch('poll')).toEqual({ commit, changed: true });
    expect(await mirror.fetch('poll')).toEqual({ commit, changed: false });
  });

  it.skipIf(process.getuid?.() !== 0)('serves a path that belongs to another user', async () => {
    chownSync(repository.bare, 12345, 12345);
    expect(await (await open(repository.bare)).fetch('poll')).toMatchObject({ changed: true });
    chownSync(repository.work, 12345, 12345);
    chownSync(join(repository.work, '.git'), 12345, 12345);
    repository.git('-c', 'safe.directory=*', 'branch', '-M', 'main');
    const dir = join(home, 'second.git');
    expect(await (await open(repository.work, { dir })).fetch('poll')).toMatchObject({ changed: true });
  });

  it('runs one fetch at a time', async () => {
    const mirror = await open(repository.bare);
    const results = await Promise.all(Array.from({ length: 5 }, () => mirror.fetch('poke')));
    expect(results.map(result => 'changed' in result && result.changed)).toEqual([true, false, false, false, false]);
  });

  it('asks nothing after an abort, and goes on afterwards', async () => {
    const mirror = await open(repository.bare);
    expect(codeOf(await mirror.fetch('poke', AbortSignal.abort()))).toBe('REMOTE_UNREACHABLE');
    expect(await mirror.fetch('poke')).toMatchObject({ changed: true });
  });

  it('refreshes a remote that is made from something else', async () => {
    let commit = '';
    const refresh = async () => {
      commit = repository.commit({ a: 'b' });
      return {};
    };
    const mirror = await open(repository.bare, { refresh });
    expect(await mirror.fetch('poll')).toEqual({ commit, changed: true });
  });
});

describe('a poll that finds nothing new', () => {
  it('asks for exactly this ref and writes nothing', async () => {
    const server = await serveGit();
    const mirror = await open(`${server.url}/remote.git`);
    await mirror.fetch('poll');
    const before = snapshot(mirror.gitDir);
    server.requests.length = 0;
    expect(await mirror.fetch('poll')).toMatchObject({ changed: false });
    expect(snapshot(mirror.gitDir)).toEqual(before);
    // Protocol 2: the server's abilities, then the one ref.
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /remote.git/info/refs?service=git-upload-pack',
      'POST /remote.git/git-upload-pack',
    ]);
  });
});

describe('credentials', () => {
  const inEnvironment = { PATH: process.env.PATH, MCPCTL_GIT_USERNAME: 'alice', MCPCTL_GIT_PASSWORD: password };

  function writeCredentials(text: string, mode = 0o600): void {
    writeFileSync(join(home, 'git-credentials'), text);
    chmodSync(join(home, 'git-credentials'), mode);
  }

  it('come from the environment', async () => {
    const server = await serveGit({ login });
    const mirror = await open(`${server.url}/remote.git`, { env: inEnvironment });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
    expect(await mirror.fetch('poke')).toMatchObject({ changed: false });
    expect(snapshot(home).join('\n')).not.toContain('credential');
  });

  it('come from a 0600 file, by host and port', async () => {
    const server = await serveGit({ login });
    const { port } = new URL(server.url);
    const user = `alice:${encodeURIComponent(password)}`;
    writeCredentials(`# mine\nhttps://a:b@other.example\nhttp://x:y@127.0.0.1\nhttp://${user}@127.0.0.1:${port}\n`);
    expect(await (await open(`${server.url}/remote.git`)).fetch('poll')).toMatchObject({ changed: true });
  });

  it.each([
    ['none', { PATH: process.env.PATH }, ''],
    ['wrong ones', { ...inEnvironment, MCPCTL_GIT_PASSWORD: 'wrong-password' }, ''],
    ['a name without a password', { PATH: process.env.PATH, MCPCTL_GIT_USERNAME: 'alice' }, 'MCPCTL_GIT_PASSWORD'],
  ])('refused or missing are a problem, not a prompt: %s', async (_situation, env, words) => {
    const server = await serveGit({ login });
    const result = await (await open(`${server.url}/remote.git`, { env })).fetch('poll');
    expect(codeOf(result)).toBe('REMOTE_AUTH');
    expect(JSON.stringify(result)).toContain(words);
    expect(JSON.stringify(result)).not.toContain('wrong-password');
  });

  it.each([
    ['readable by others', 'https://a:b@h\n', 0o644, '0644'],
    ['not in the format', 'machine h login a password hunter22\n', 0o600, 'git-credentials:1'],
    ['with a line break in a password', 'http://a:b%0ahost=evil@127.0.0.1\n', 0o600, 'line break'],
  ])('in a file that is %s are refused', async (_situation, text, mode, words) => {
    writeCredentials(text, mode);
    const result = await (await open('http://127.0.0.1/x.git')).fetch('poll');
    expect(codeOf(result)).toBe('REMOTE_AUTH');
    expect(JSON.stringify(result)).toContain(words);
    expect(JSON.stringify(result)).not.toContain('hunter22');
  });

  it('do not follow a redirect to another host', async () => {
    const other = await serveGit({ login });
    const server = await serve((request, response) => {
      if (request.headers.authorization) response.writeHead(301, { location: `${other.url}${request.url}` }).end();
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    });
    const result = await (await open(`${server.url}/remote.git`, { env: inEnvironment })).fetch('poke');
    expect(codeOf(result)).toBe('REMOTE_UNREACHABLE');
    expect(JSON.stringify(result)).toContain('redirects');
    expect(other.requests).toEqual([]);
  });

  it('are not given to a proxy', async () => {
    const given: unknown[] = [];
    const proxy = await serve((request, response) => {
      given.push(request.headers['proxy-authorization']);
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="x"' }).end();
    });
    const env = { ...inEnvironment, http_proxy: proxy.url.replace('//', '//alice@') };
    const result = await (await open('http://repository.invalid/x.git', { env })).fetch('poke');
    expect(codeOf(result)).toMatch(/^REMOTE_/);
    const secret = Buffer.from(`alice:${password}`).toString('base64');
    expect(given).not.toContain(`Basic ${secret}`);
  });

  it('are neither stored nor put into an address', async () => {
    const server = await serveGit({ login });
    const mirror = await open(`${server.url}/remote.git`, { env: { ...inEnvironment, GIT_TRACE: '1' } });
    await mirror.fetch('poke');
    expect(server.requests.every(({ url }) => !url.includes('alice'))).toBe(true);
    const found = spawnSync('grep', ['-rl', '--', password, home, repository.folder], { encoding: 'utf8' });
    expect(found).toMatchObject({ status: 1, stdout: '' });
  });
});

describe('a remote that does not do what it should', () => {
  it.each([
    ['a folder that does not exist', () => '/nonexistent/repository', 'REMOTE_NOT_FOUND', 'no such folder'],
    ['a folder that is not a repository', () => home, 'REMOTE_NOT_FOUND', 'not a git repository'],
    ['a file', () => join(repository.work, 'mcpctl.yaml'), 'REMOTE_NOT_FOUND', 'not a folder'],
    ['nobody listening', () => 'http://127.0.0.1:1/x.git', 'REMOTE_UNREACHABLE', 'could not be fetched'],
    ['a host that does not exist', () => 'http://host.invalid/x.git', 'REMOTE_UNREACHABLE', 'does not resolve'],
  ])('%s', async (_situation, address, code, words) => {
    for (const mode of ['poll', 'poke'] as const) {
      const result = await (await open(address(), { timeoutMs: 20_000 })).fetch(mode);
      expect(codeOf(result)).toBe(code);
      expect(JSON.stringify(result)).toContain(words);
    }
  });

  it.each([
    [401, 'REMOTE_AUTH'],
    [403, 'REMOTE_AUTH'],
    [404, 'REMOTE_NOT_FOUND'],
    [500, 'REMOTE_UNREACHABLE'],
    [200, 'REMOTE_NOT_FOUND'],
  ])('answers every request with %s', async (status, code) => {
    const server = await serve((_request, response) => response.writeHead(status).end('<html>\n\u001b[31m\n</html>\n'));
    const result = await (await open(`${server.url}/x.git`)).fetch('poke');
    expect(codeOf(result)).toBe(code);
    expect(JSON.stringify(result)).not.toContain('\u001b');
  });

  it('hangs', async () => {
    const server = await serve(() => undefined);
    const mirror = await open(`${server.url}/x.git`, { timeoutMs: 100 });
    expect(codeOf(await mirror.fetch('poke'))).toBe('REMOTE_TIMEOUT');
  });

  it('drips, never ending', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
      const timer = setInterval(() => response.write('0'), 50);
      response.on('close', () => clearInterval(timer));
    });
    const mirror = await open(`${server.url}/x.git`, { timeoutMs: 100 });
    expect(codeOf(await mirror.fetch('poke'))).toMatch(/^REMOTE_/);
  });

  it('has no such branch', async () => {
    const mirror = await open(repository.bare, { ref: 'refs/heads/nosuch' });
    for (const mode of ['poll', 'poke'] as const) {
      const result = await mirror.fetch(mode);
      expect(codeOf(result)).toBe('REF_NOT_FOUND');
      expect(JSON.stringify(result)).toContain('its branches are: main');
    }
  });

  it('is empty, until the first push', async () => {
    const empty = tempRepository();
    cleanUps.push(empty.remove);
    const mirror = await open(empty.bare);
    const result = await mirror.fetch('poll');
    expect(codeOf(result)).toBe('REF_NOT_FOUND');
    expect(JSON.stringify(result)).toContain('is empty');
    const commit = empty.commit({ a: 'b' });
    expect(await mirror.fetch('poll')).toEqual({ commit, changed: true });
  });

  it('loses its branch: the mirror keeps what it holds', async () => {
    const mirror = await open(repository.bare);
    const first = await mirror.fetch('poll');
    repository.git('push', '-q', 'origin', 'HEAD:refs/heads/other');
    repository.git('--git-dir', repository.bare, 'update-ref', '-d', 'refs/heads/main');
    expect(codeOf(await mirror.fetch('poll'))).toBe('REF_NOT_FOUND');
    repository.git('push', '-q', 'origin', 'HEAD:main');
    expect(await mirror.fetch('poll')).toEqual({ ...first, changed: false });
  });
});

describe('a mirror that was left in a bad state', () => {
  const lock = (dir: string, path: string) => writeFileSync(join(dir, path), '');

  it.each([
    ['by a killed fetch, before it is opened', true],
    ['by a killed fetch, while it is open', false],
  ])('%s', async (_situation, reopen) => {
    let mirror = await open(repository.bare);
    await mirror.fetch('poke');
    for (const path of ['shallow.lock', 'packed-refs.lock', 'config.lock', 'refs/heads/followed.lock']) {
      lock(mirror.gitDir, path);
    }
    mkdirSync(join(mirror.gitDir, 'objects/incoming-abc'));
    const next = repository.commit({ a: 'b' });
    if (reopen) mirror = await open(repository.bare);
    expect(await mirror.fetch('poke')).toEqual({ commit: next, changed: true });
    if (reopen) expect(readdirSync(join(mirror.gitDir, 'objects'))).not.toContain('incoming-abc');
  });

  const damages: [string, (dir: string) => void][] = [
    ['HEAD is gone', dir => rmSync(join(dir, 'HEAD'))],
    ['the objects are gone', dir => rmSync(join(dir, 'objects'), { recursive: true })],
    ['the configuration is rubbish', dir => writeFileSync(join(dir, 'config'), '[[[')],
    ['the ref is empty', dir => truncateSync(join(dir, 'refs/heads/followed'))],
    ['the ref is rubbish', dir => writeFileSync(join(dir, 'refs/heads/followed'), 'rubbish\n')],
    ['the ref leads nowhere', dir => writeFileSync(join(dir, 'refs/heads/followed'), `${'1'.repeat(40)}\n`)],
    [
      'every object is empty',
      dir => {
        for (const path of readdirSync(join(dir, 'objects'), { recursive: true, encoding: 'utf8' })) {
          const full = join(dir, 'objects', path);
          if (!statSync(full).isFile()) continue;
          chmodSync(full, 0o600);
          truncateSync(full);
        }
      },
    ],
  ];
  it.each(damages)('%s: mended when opened, or by the next change', async (_situation, damage) => {
    const mirror = await open(repository.bare);
    await mirror.fetch('poke');
    damage(mirror.gitDir);
    const again = await open(repository.bare);
    expect(await again.fetch('poll')).toMatchObject({ commit: repository.git('rev-parse', 'HEAD') });
    damage(again.gitDir);
    const next = repository.commit({ 'mcpctl.yaml': 'three' });
    expect(await again.fetch('poke')).toMatchObject({ commit: next, changed: true });
    execFileSync('git', ['--git-dir', again.gitDir, 'fsck', '--full', '--connectivity-only'], { stdio: 'ignore' });
  });

  it('is fetched anew on demand, and stays when that fails', async () => {
    const mirror = await open(repository.bare);
    const first = await mirror.fetch('poke');
    expect(await mirror.fetch('rebuild')).toEqual({ ...first, changed: false });
    rmSync(repository.bare, { recursive: true });
    mkdirSync(repository.bare);
    expect(codeOf(await mirror.fetch('rebuild'))).toBe('REMOTE_NOT_FOUND');
    expect(execFileSync('git', ['--git-dir', mirror.gitDir, 'cat-file', '-t', 'followed'], { encoding: 'utf8' })).toBe(
      'commit\n',
    );
  });

  it('is not made in a folder that has something else in it', async () => {
    mkdirSync(join(home, 'mirror.git'));
    writeFileSync(join(home, 'mirror.git', 'precious.lock'), 'x');
    await expect(open(repository.bare)).rejects.toMatchObject({ problem: { code: 'STATE_UNUSABLE' } });
    expect(readdirSync(join(home, 'mirror.git'))).toEqual(['precious.lock']);
  });

  it('cannot be made without git', async () => {
    await expect(open(repository.bare, { env: { PATH: home } })).rejects.toMatchObject({
      problem: { code: 'GIT_MISSING' },
    });
  });

  it('cannot be made with an old git', async () => {
    writeFileSync(join(home, 'git'), '#!/bin/sh\necho git version 2.25.1\n', { mode: 0o755 });
    await expect(open(repository.bare, { env: { PATH: `${home}:${process.env.PATH}` } })).rejects.toMatchObject({
      problem: { code: 'GIT_MISSING', message: 'git 2.25 is too old' },
    });
  });
});

describe('a commit with odd objects', () => {
  /** Push a commit whose only tree has these entries. */
  function pushTree(...entries: string[]): string {
    const git = (args: string[], input: string) =>
      execFileSync('git', args, { cwd: repository.work, input, encoding: 'utf8' }).trim();
    const blob = git(['hash-object', '-w', '--stdin'], 'x');
    const tree = git(['mktree'], entries.map(entry => `${entry.replace('BLOB', blob)}\n`).join(''));
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
    const commit = git([...identity, 'commit-tree', '-p', 'HEAD', '-m', 'x', tree], '');
    git(['push', '--quiet', 'origin', `${commit}:refs/heads/main`], '');
    return commit;
  }

  it.each([
    ['a `.git`', '100644 blob BLOB\t.git'],
    ['a `..`', '100644 blob BLOB\t..'],
    ['a `.gitmodules` that is a link', '120000 blob BLOB\t.gitmodules'],
  ])('%s: a danger to a checkout only, so it is fetched', async (_situation, entry) => {
    const mirror = await open(repository.bare);
    expect(codeOf(await mirror.fetch('poke'))).toMatch(/^commit/);
    const commit = pushTree(entry);
    expect(codeOf(await mirror.fetch('poke'))).toBe(`commit ${commit}`);
  });

  it('a name twice in one tree: refused, with the way out', async () => {
    const mirror = await open(repository.bare);
    pushTree('100644 blob BLOB\ta', '100644 blob BLOB\ta');
    expect(await mirror.fetch('poke')).toMatchObject({
      problem: { code: 'REMOTE_UNREACHABLE', hint: expect.stringContaining('git fsck') },
    });
  });
});
