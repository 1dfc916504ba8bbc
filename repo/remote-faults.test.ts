import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startConnectProxy } from '../tests/connect-proxy.ts';
import { startGitServer, startServer } from '../tests/git-server.ts';
import { type TempRepository, tempRepository } from '../tests/temp-repository.ts';
import { type MirrorOptions, openMirror } from './mirror.ts';
import { createMirror, type MirrorFolder } from './mirror-folder.ts';
import { tidyMirror } from './tidy.ts';
import type { FetchResult, Mirror } from './types.ts';
import { parseRemote } from './url.ts';

const { PATH } = process.env;
let home: string;
let repository: TempRepository;
const cleanUps: (() => unknown)[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcpctl-remote-'));
  repository = tempRepository({ 'mcpctl.yaml': 'one' });
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  repository.remove();
  rmSync(home, { recursive: true, force: true });
});

function open(address: string, options: Partial<MirrorOptions> = {}): Promise<Mirror> {
  const remote = parseRemote(address, '/');
  if ('problem' in remote) throw new Error(remote.problem.message);
  return openMirror({ dir: join(home, 'mirror.git'), remote, ref: 'refs/heads/main', env: { PATH }, home, ...options });
}

async function serve(...[handler, tls]: Parameters<typeof startServer>) {
  const server = await startServer(handler, tls);
  cleanUps.push(server.close);
  return server;
}

async function serveGit(options: Omit<Parameters<typeof startGitServer>[0], 'root'> = {}) {
  const server = await startGitServer({ root: repository.folder, ...options });
  cleanUps.push(server.close);
  return server;
}

function codeOf(result: FetchResult): string {
  return 'problem' in result ? result.problem.code : `commit ${result.commit}`;
}

describe('a bearer token', () => {
  const token = 'glpat-0123456789abcdef';

  it('comes from the environment', async () => {
    const server = await serveGit({ token });
    const mirror = await open(`${server.url}/remote.git`, { env: { PATH, MCPCTL_GIT_TOKEN: token } });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: false });
    expect(spawnSync('grep', ['-rl', '--', token, home]).status).toBe(1);
  });

  it('comes from the 0600 file, as the password of `bearer`', async () => {
    const server = await serveGit({ token });
    writeFileSync(join(home, 'git-credentials'), `${server.url.replace('//', `//bearer:${token}@`)}\n`, {
      mode: 0o600,
    });
    expect(await (await open(`${server.url}/remote.git`)).fetch('poll')).toMatchObject({ changed: true });
  });

  it('that is refused is not shown', async () => {
    const server = await serveGit({ token });
    const mirror = await open(`${server.url}/remote.git`, { env: { PATH, MCPCTL_GIT_TOKEN: 'wrong-token-123' } });
    const result = await mirror.fetch('poll');
    expect(codeOf(result)).toBe('REMOTE_AUTH');
    expect(JSON.stringify(result)).not.toContain('wrong-token-123');
  });

  it('does not follow a redirect, also not on the same host', async () => {
    const other = await serveGit();
    const server = await serve((request, response) =>
      response.writeHead(302, { location: `${other.url}${request.url}` }).end(),
    );
    const mirror = await open(`${server.url}/remote.git`, { env: { PATH, MCPCTL_GIT_TOKEN: token } });
    const result = await mirror.fetch('poke');
    expect(codeOf(result)).toBe('REMOTE_UNREACHABLE');
    expect(JSON.stringify(result)).toContain(`redirects to ${other.url}/remote.git`);
    expect(other.requests).toEqual([]);
  });

  it('with a line break is refused', async () => {
    const mirror = await open('http://127.0.0.1:1/x.git', { env: { PATH, MCPCTL_GIT_TOKEN: 'a\nHost: b' } });
    expect(codeOf(await mirror.fetch('poll'))).toBe('REMOTE_AUTH');
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(!hasOpenssl)('a remote behind TLS, with a certificate authority of its own', () => {
  let ca: string;
  let tls: { key: string; cert: string };

  beforeEach(() => {
    const at = (name: string) => join(home, name);
    const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore', cwd: home });
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl('req', '-x509', ...curve, '-days', '2', '-subj', '/CN=Own CA', '-keyout', 'ca.key', '-out', 'ca.pem');
    openssl('req', ...curve, '-subj', '/CN=git.invalid', '-keyout', 'key.pem', '-out', 'request.pem');
    writeFileSync(at('names'), 'subjectAltName=DNS:git.invalid,IP:127.0.0.1');
    const sign = ['x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
    openssl(...sign, '-days', '2', '-extfile', 'names', '-out', 'cert.pem');
    ca = at('ca.pem');
    tls = { key: readFileSync(at('key.pem'), 'utf8'), cert: readFileSync(at('cert.pem'), 'utf8') };
  });

  /** As OpenSSL looks for them: by the hash of the name. */
  function folderOf(file: string): string {
    const folder = join(home, 'authorities');
    const hash = execFileSync('openssl', ['x509', '-noout', '-hash', '-in', file], { encoding: 'utf8' }).trim();
    mkdirSync(folder);
    copyFileSync(file, join(folder, `${hash}.0`));
    return folder;
  }

  it.each([
    ['NODE_EXTRA_CA_CERTS', true],
    ['SSL_CERT_FILE', true],
    ['GIT_SSL_CAINFO', true],
    ['CURL_CA_BUNDLE', true],
    ['SSL_CERT_DIR', true],
    ['no variable', false],
  ])('named in %s', async (name, trusted) => {
    const server = await serveGit({ tls });
    const named = name === 'SSL_CERT_DIR' ? folderOf(ca) : ca;
    const mirror = await open(`${server.url}/remote.git`, { env: { PATH, ...(trusted && { [name]: named }) } });
    const result = await mirror.fetch('poll');
    if (trusted) expect(result).toMatchObject({ changed: true });
    else expect(JSON.stringify(result)).toContain('certificate');
  });

  it('adds to the machine’s certificate authorities', async () => {
    await open('https://git.invalid/x.git', { env: { PATH, NODE_EXTRA_CA_CERTS: ca, SSL_CERT_FILE: ca } });
    const bundle = readFileSync(join(home, 'remote', 'authorities.pem'), 'utf8');
    expect(bundle.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  it('that cannot be read is a problem', async () => {
    const env = { PATH, NODE_EXTRA_CA_CERTS: join(home, 'nowhere.pem') };
    await expect(open('https://git.invalid/x.git', { env })).rejects.toMatchObject({
      problem: { code: 'REMOTE_UNREACHABLE', message: expect.stringContaining('nowhere.pem') },
    });
  });

  it('is reached through a proxy, with credentials that the proxy does not see', async () => {
    const login = { username: 'alice', password: 'correct horse' };
    const server = await serveGit({ tls, login });
    const proxy = await startConnectProxy();
    cleanUps.push(proxy.close);
    const { port } = new URL(server.url);
    const env = {
      PATH,
      NODE_EXTRA_CA_CERTS: ca,
      HTTPS_PROXY: proxy.url,
      MCPCTL_GIT_USERNAME: login.username,
      MCPCTL_GIT_PASSWORD: login.password,
    };
    const mirror = await open(`https://git.invalid:${port}/remote.git`, { env });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
    expect(new Set(proxy.asked)).toEqual(new Set([`git.invalid:${port}`]));
    expect(proxy.logins.every(shown => shown === undefined)).toBe(true);
  });
});

it('a web server that knows nothing of git is followed too, without a cut in the history', async () => {
  const update = () => execFileSync('git', ['--git-dir', repository.bare, 'update-server-info']);
  const server = await serve((request, response) => {
    const file = join(repository.folder, decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
    if (existsSync(file) && statSync(file).isFile()) response.end(readFileSync(file));
    else response.writeHead(404).end();
  });
  update();
  const mirror = await open(`${server.url}/remote.git`);
  expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
  const commit = repository.commit({ 'mcpctl.yaml': 'two' });
  update();
  expect(await mirror.fetch('poll')).toEqual({ commit, changed: true });
  expect(await mirror.deepen(5)).toEqual({});
});

describe('a remote that limits requests', () => {
  const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000 + seconds);
  const limits: [string, number, () => Record<string, string>, number][] = [
    ['429 with seconds', 429, () => ({ 'retry-after': '120' }), 120],
    ['429 with a date', 429, () => ({ 'retry-after': new Date(Date.now() + 120_000).toUTCString() }), 120],
    ['429 alone', 429, () => ({}), 60],
    ['429 for a year', 429, () => ({ 'retry-after': '31536000' }), 3600],
    ['429 with rubbish', 429, () => ({ 'retry-after': 'soon' }), 60],
    ['403 of a forge', 403, () => ({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${inSeconds(120)}` }), 120],
    ['503 with seconds', 503, () => ({ 'retry-after': '120' }), 120],
  ];
  it.each(limits)('%s: is not asked before', async (_situation, status, headers, seconds) => {
    const server = await serve((_request, response) => response.writeHead(status, headers()).end());
    const mirror = await open(`${server.url}/x.git`);
    const result = await mirror.fetch('poke');
    expect(codeOf(result)).toBe('REMOTE_RATE_LIMITED');
    const until = Date.parse(/after (\S+Z)/.exec(JSON.stringify(result))?.[1] ?? '');
    expect(Math.abs(until - Date.now() - seconds * 1000)).toBeLessThan(30_000);
    const before = server.requests.length;
    expect(await mirror.fetch('poke')).toEqual(result);
    expect(await mirror.fetch('poll')).toEqual(result);
    expect(server.requests).toHaveLength(before);
  });

  it('is asked again when the time has come', async () => {
    let limited = true;
    const git = await serveGit();
    const server = await serve((request, response) => {
      if (limited) response.writeHead(429, { 'retry-after': '1' }).end();
      else response.writeHead(404, { 'x-seen': git.url }).end(request.url);
    });
    const mirror = await open(`${server.url}/x.git`);
    expect(codeOf(await mirror.fetch('poll'))).toBe('REMOTE_RATE_LIMITED');
    limited = false;
    await sleep(1_200);
    expect(codeOf(await mirror.fetch('poll'))).toBe('REMOTE_NOT_FOUND');
  });

  it('403 without a word on limits is a refusal', async () => {
    const server = await serve((_request, response) => response.writeHead(403).end());
    expect(codeOf(await (await open(`${server.url}/x.git`)).fetch('poke'))).toBe('REMOTE_AUTH');
  });
});

describe('a remote that sends too much', () => {
  it('is stopped, and what is held stays', async () => {
    // It never ends by itself, so that it does not depend on who is faster.
    const server = await serveGit({ stallAfter: 3 * 1024 ** 2 });
    const mirror = await open(`${server.url}/remote.git`, { maxFetchBytes: 1024 ** 2 });
    const first = await mirror.fetch('poke');
    repository.commit({ large: randomBytes(8 * 1024 ** 2) });
    const result = await mirror.fetch('poke');
    expect(result).toMatchObject({ problem: { code: 'REMOTE_TOO_LARGE', message: expect.stringContaining('1 MiB') } });
    // Nothing of it stays on the disk, and the ref is where it was.
    const reopened = await open(`${server.url}/remote.git`);
    const size = spawnSync('du', ['-sk', reopened.gitDir], { encoding: 'utf8' }).stdout;
    expect(Number.parseInt(size, 10)).toBeLessThan(1024);
    const held = execFileSync('git', ['--git-dir', reopened.gitDir, 'rev-parse', 'followed'], { encoding: 'utf8' });
    expect(first).toMatchObject({ commit: held.trim() });
  });
});

describe('a mirror that has grown', () => {
  async function grown(): Promise<{ mirror: Mirror; folder: MirrorFolder; first: string }> {
    const mirror = await open(repository.bare);
    const first = repository.git('rev-parse', 'HEAD:mcpctl.yaml');
    await mirror.fetch('poke');
    for (let count = 0; count < 4; count++) {
      repository.git('commit', '-q', '--amend', '--allow-empty', '-m', `${count}`);
      repository.commit({ 'mcpctl.yaml': `${count}` });
      await mirror.fetch('poke');
    }
    const remote = { kind: 'path', url: repository.bare, display: repository.bare } as const;
    return { mirror, first, folder: { dir: mirror.gitDir, env: { PATH }, remote, held: 'refs/heads/followed' } };
  }
  const packs = (mirror: Mirror) =>
    readdirSync(join(mirror.gitDir, 'objects', 'pack')).filter(name => name.endsWith('.pack')).length;
  const has = (mirror: Mirror, oid: string) =>
    spawnSync('git', ['--git-dir', mirror.gitDir, 'cat-file', '-e', oid]).status === 0;

  it('is repacked; what a held-back resource may need stays', async () => {
    const { mirror, folder, first } = await grown();
    expect(packs(mirror)).toBeGreaterThan(3);
    await tidyMirror(folder, { packs: 3, bytes: 1024 ** 3 });
    expect(packs(mirror)).toBe(1);
    expect(has(mirror, first)).toBe(true);
    const commit = repository.commit({ 'mcpctl.yaml': 'later' });
    expect(await mirror.fetch('poke')).toEqual({ commit, changed: true });
  });

  it('drops what leads nowhere when it is too large', async () => {
    const { mirror, folder } = await grown();
    const lost = repository.git('rev-parse', 'HEAD');
    repository.git('commit', '-q', '--amend', '--allow-empty', '-m', 'other');
    const commit = repository.commit({ 'mcpctl.yaml': 'later' });
    expect(await mirror.fetch('poke')).toEqual({ commit, changed: true, rewritten: lost });
    await tidyMirror(folder, { packs: 1, bytes: 1 });
    expect([has(mirror, lost), has(mirror, commit)]).toEqual([false, true]);
    execFileSync('git', ['--git-dir', mirror.gitDir, 'fsck', '--full'], { stdio: 'ignore' });
  });

  it('is left alone when it is small, or not there', async () => {
    const { mirror, folder } = await grown();
    const before = packs(mirror);
    await tidyMirror(folder);
    expect(packs(mirror)).toBe(before);
    await tidyMirror({ ...folder, dir: join(home, 'nowhere') });
    await createMirror({ ...folder, dir: join(home, 'new.git') });
    await tidyMirror({ ...folder, dir: join(home, 'new.git') }, { packs: -1, bytes: 0 });
  });
});
