import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { missingProgram } from '../../tests/apt.ts';
import { startConnectProxy } from '../../tests/connect-proxy.ts';
import { SSHD, type SshServer, startSshServer } from '../../tests/ssh-server.ts';
import { type TempRepository, tempRepository } from '../../tests/temp-repository.ts';
import { type MirrorOptions, openMirror } from '../mirror.ts';
import type { FetchResult, Mirror } from '../types.ts';
import { parseRemote } from '../url.ts';

const missing = missingProgram(SSHD, 'openssh-server');
const { PATH } = process.env;

describe.skipIf(missing !== undefined)(`a remote over ssh${missing ? `: ${missing}` : ''}`, () => {
  let home: string;
  let repository: TempRepository;
  let server: SshServer;
  const cleanUps: (() => unknown)[] = [];

  beforeEach(async () => {
    // A path that ssh and the shell would take apart.
    home = mkdtempSync(join(tmpdir(), "mcpctl ssh'%h "));
    repository = tempRepository({ 'mcpctl.yaml': 'one' });
    server = await startSshServer();
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
    await server.close();
    repository.remove();
    rmSync(home, { recursive: true, force: true });
  });

  function open(options: Partial<MirrorOptions> = {}, host = '127.0.0.1'): Promise<Mirror> {
    const remote = parseRemote(`ssh://${server.user}@${host}:${server.port}${repository.bare}`, '/');
    if ('problem' in remote) throw new Error(remote.problem.message);
    const state = join(home, 'state');
    return openMirror({
      dir: join(state, 'mirror.git'),
      remote,
      ref: 'refs/heads/main',
      env: { PATH },
      home,
      ...options,
    });
  }
  /** Open with the host's key pinned and the deploy key let in. */
  async function openTrusted(options: Partial<MirrorOptions> = {}, host?: string): Promise<Mirror> {
    const mirror = await open({ hostKeys: [server.fingerprint()], ...options }, host);
    server.authorize(mirror.deployKey?.line ?? '');
    return mirror;
  }
  const knownHosts = () => readFileSync(join(home, 'ssh', 'known_hosts'), 'utf8');

  it('is fetched with the deploy key from a host whose key was pinned by hand', async () => {
    const mirror = await openTrusted();
    const first = repository.git('rev-parse', 'HEAD');
    expect(await mirror.fetch('poll')).toEqual({ commit: first, changed: true });
    const second = repository.commit({ 'mcpctl.yaml': 'two' });
    // Pinned from now on: no fingerprint is given any more.
    const again = await open();
    expect(again.deployKey).toEqual({ line: mirror.deployKey?.line, made: false });
    expect(await again.fetch('poll')).toEqual({ commit: second, changed: true });
    expect(await again.fetch('poll')).toEqual({ commit: second, changed: false });
  });

  it('makes a deploy key at the first start, private, and asks for it to be added', async () => {
    const mirror = await open({ hostKeys: [server.fingerprint()] });
    expect(mirror.deployKey).toEqual({
      line: expect.stringMatching(/^ssh-ed25519 \S+ mcpctl-deploy-key$/),
      made: true,
    });
    expect(statSync(join(home, 'state', 'remote', 'id_ed25519')).mode & 0o777).toBe(0o600);
    expect(await mirror.fetch('poll')).toMatchObject({
      problem: {
        code: 'REMOTE_AUTH',
        message: expect.stringContaining('Permission denied (publickey)'),
        hint: expect.stringContaining(mirror.deployKey?.line ?? '?'),
      },
    });
  });

  it('is not spoken with when no key of its host is pinned', async () => {
    const mirror = await open();
    server.authorize(mirror.deployKey?.line ?? '');
    expect(await mirror.fetch('poke')).toMatchObject({
      problem: {
        code: 'HOST_KEY_UNKNOWN',
        message: expect.stringContaining(server.fingerprint()),
        hint: expect.stringContaining(`--host-key ${server.fingerprint()}`),
      },
    });
    expect(existsSync(join(home, 'ssh', 'known_hosts'))).toBe(false);
    expect(server.log()).not.toContain('Accepted publickey');
  });

  it('is not spoken with when its host has another key than the one given', async () => {
    const mirror = await open({ hostKeys: [`SHA256:${'x'.repeat(43)}`] });
    server.authorize(mirror.deployKey?.line ?? '');
    expect(codeOf(await mirror.fetch('poke'))).toBe('HOST_KEY_MISMATCH');
    expect(server.log()).not.toContain('Accepted publickey');
  });

  it('is not spoken with when its host’s key changed, until the new one is given', async () => {
    await (await openTrusted()).fetch('poke');
    await server.changeHostKey();
    for (const mode of ['poll', 'poke'] as const) {
      expect(codeOf(await (await open()).fetch(mode))).toBe('HOST_KEY_CHANGED');
    }
    const before = knownHosts();
    expect(await (await open({ hostKeys: [server.fingerprint()] })).fetch('poll')).toMatchObject({ changed: false });
    expect(knownHosts()).not.toBe(before);
    expect(knownHosts().trim().split('\n')).toHaveLength(1);
  });

  it('is fetched with a key that exists already, when one is named', async () => {
    const made = await open();
    server.authorize(made.deployKey?.line ?? '');
    const named = join(home, 'state', 'remote', 'id_ed25519');
    const other = { dir: join(home, 'other', 'mirror.git'), hostKeys: [server.fingerprint()] };
    const mirror = await open({ ...other, env: { PATH, MCPCTL_GIT_SSH_KEY: named } });
    expect(mirror.deployKey).toMatchObject({ made: false });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
    expect(existsSync(join(home, 'other', 'remote'))).toBe(false);
  });

  it('shows the key that is kept elsewhere, when told where', async () => {
    const first = await openTrusted();
    const other = { dir: join(home, 'other', 'mirror.git'), accessDir: join(home, 'state', 'remote') };
    const mirror = await open(other);
    await first.fetch('poll');
    expect(mirror.deployKey).toEqual({ line: first.deployKey?.line, made: false });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
  });

  it('reads nobody’s ssh configuration and asks no agent', async () => {
    const mirror = await openTrusted({
      env: { PATH, HOME: home, SSH_AUTH_SOCK: join(home, 'agent'), GIT_SSH_COMMAND: 'false', GIT_SSH: '/bin/false' },
    });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
  });

  it.each(['ALL_PROXY', 'HTTPS_PROXY'])('is reached through the proxy in %s', async name => {
    const proxy = await startConnectProxy();
    cleanUps.push(proxy.close);
    const env = { PATH, [name]: proxy.url.replace('//', '//me:s3cret-word@') };
    const mirror = await openTrusted({ env }, 'git.invalid');
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
    expect(new Set(proxy.asked)).toEqual(new Set([`git.invalid:${server.port}`]));
    expect(proxy.logins[0]).toBe(`Basic ${Buffer.from('me:s3cret-word').toString('base64')}`);
  });

  it('says so when the proxy refuses', async () => {
    const proxy = await startConnectProxy();
    await proxy.close();
    const result = await (await openTrusted({ env: { PATH, ALL_PROXY: proxy.url } }, 'git.invalid')).fetch('poke');
    expect(codeOf(result)).toBe('REMOTE_UNREACHABLE');
    expect(JSON.stringify(result)).toContain('proxy');
  });

  it('is reached directly when NO_PROXY names it', async () => {
    const env = { PATH, ALL_PROXY: 'http://127.0.0.1:1', NO_PROXY: 'example.com,.invalid' };
    const result = await (await openTrusted({ env }, 'git.invalid')).fetch('poke');
    expect(JSON.stringify(result)).toContain('does not resolve');
  });

  it('hangs', async () => {
    await (await openTrusted()).fetch('poke');
    await server.close();
    const silent: Server = createServer(() => undefined);
    await new Promise<void>(resolve => silent.listen(server.port, '127.0.0.1', resolve));
    cleanUps.push(() => silent.close());
    expect(codeOf(await (await open({ timeoutMs: 200 })).fetch('poke'))).toBe('REMOTE_TIMEOUT');
  });

  it('is not there', async () => {
    await (await openTrusted()).fetch('poke');
    rmSync(repository.bare, { recursive: true });
    expect(codeOf(await (await open()).fetch('poke'))).toBe('REMOTE_NOT_FOUND');
    await server.close();
    expect(codeOf(await (await open()).fetch('poke'))).toBe('REMOTE_UNREACHABLE');
  });

  it('cannot be opened without ssh, or with a key that others can read', async () => {
    await expect(open({ env: { PATH: gitOnly() } })).rejects.toMatchObject({ problem: { code: 'SSH_MISSING' } });
    const key = join(home, 'key');
    writeFileSync(key, 'x', { mode: 0o644 });
    await expect(open({ env: { PATH, MCPCTL_GIT_SSH_KEY: key } })).rejects.toMatchObject({
      problem: { code: 'REMOTE_AUTH', hint: expect.stringContaining('chmod 600') },
    });
  });

  /** A PATH on which there is a git and nothing else. */
  function gitOnly(): string {
    writeFileSync(join(home, 'git'), '#!/bin/sh\nexec /usr/bin/git "$@"\n', { mode: 0o755 });
    return home;
  }
});

function codeOf(result: FetchResult): string {
  return 'problem' in result ? result.problem.code : `commit ${result.commit}`;
}
