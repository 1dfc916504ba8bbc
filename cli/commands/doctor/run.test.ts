import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acquireLock } from '../../../host/index.ts';
import { mcpctl } from '../../../tests/command-line.ts';
import type { Finding } from './finding.ts';

let folder: string;
/** A server whose clock says what `time` says. */
let server: Server;
let url: string;
let time = new Date();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-doctor-'));
  server = createServer((_request, response) => {
    response.sendDate = false;
    response.setHeader('date', time.toUTCString());
    response.end('ok');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** An environment with nothing of this machine but git, npm and node. */
function bare(more: Record<string, string> = {}): Record<string, string> {
  const home = mkdtempSync(join(folder, 'home-'));
  return { PATH: process.env.PATH ?? '', HOME: home, MCPCTL_HOME: join(home, '.mcpctl'), ...more };
}

async function doctor(env: Record<string, string>, ...args: string[]) {
  const { code, stdout } = await mcpctl(['doctor', '--port', '0', '-o', 'json', ...args], { cwd: folder, env });
  const findings: Finding[] = JSON.parse(stdout);
  return { code, of: (check: string) => findings.filter(finding => finding.check === check) };
}

/** A folder with only these programs of this machine. */
function only(...programs: string[]): string {
  const bin = mkdtempSync(join(folder, 'bin-'));
  for (const program of programs) {
    const path = execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { encoding: 'utf8' }).trim();
    symlinkSync(path, join(bin, program));
  }
  return bin;
}

function put(path: string, content: string, mode: number): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

describe('mcpctl doctor', () => {
  it('finds nothing in the way on a machine where tests run', async () => {
    const { code, of } = await doctor(bare());
    expect(code).toBe(0);
    for (const check of ['node', 'git', 'npm', 'port', 'clock', 'proxy', 'certificates', 'state', 'daemon']) {
      expect(of(check), check).toMatchObject([{ level: 'ok' }]);
    }
  });

  it('shows one line each, with the cure', async () => {
    const { code, stdout } = await mcpctl(['doctor', '--port', '0'], { env: bare({ PATH: only('git') }) });
    expect(code).toBe(1);
    expect(stdout).toContain(
      '\n✗ npm           not found → Install npm (it comes with Node.js): servers from npm are installed with it.\n',
    );
    expect(stdout).toContain('\n! docker        not found → ');
    expect(stdout).toContain('\n! bwrap         not found → Install bubblewrap');
    expect(
      stdout
        .trim()
        .split('\n')
        .every(line => /^[✔!✗] [a-z]+ {2,}\S/.test(line)),
    ).toBe(true);
  });

  it.each([
    ['no git', () => ({ PATH: only('npm') }), 'git', 'failed', 'not found'],
    ['a proxy that is no URL', () => ({ HTTPS_PROXY: 'proxy' }), 'proxy', 'failed', 'HTTPS_PROXY=proxy is no'],
    ['a proxy with a password', () => ({ https_proxy: 'http://me:hunter2@h:1' }), 'proxy', 'ok', 'http://***@h:1'],
    ['certificates that are not there', () => ({ SSL_CERT_FILE: '/nope' }), 'certificates', 'failed', 'cannot be read'],
    [
      'a file that is no certificate',
      () => ({ NODE_EXTRA_CA_CERTS: put(join(folder, 'ca'), 'x', 0o600) }),
      'certificates',
      'failed',
      'has no PEM',
    ],
  ])('%s', async (_situation, env, check, level, found) => {
    const { code, of } = await doctor(bare(env()));
    expect(of(check)).toMatchObject([{ level, found: expect.stringContaining(found) }]);
    expect(JSON.stringify(of(check))).not.toContain('hunter2');
    expect(code).toBe(level === 'failed' ? 1 : 0);
  });

  it.each([
    ['is installed', 'bin', 'ok', /bin.mcpctl$/],
    ['is only there because of npx', join('node_modules', '.bin'), 'warning', /not on the PATH/],
  ])('says whether AI clients find mcpctl when it %s', async (_situation, name, level, found) => {
    const bin = join(mkdtempSync(join(folder, 'command-')), name);
    put(join(bin, 'mcpctl'), '', 0o755);
    const { of } = await doctor(bare({ PATH: `${only('git')}:${bin}` }));
    expect(of('command')).toMatchObject([{ level, found: expect.stringMatching(found) }]);
  });

  it.each([
    ['works', 'echo bubblewrap 0.8.0', 'ok', '0.8.0'],
    ['may not make user namespaces', '[ "$1" = --version ] && echo bubblewrap 0.8.0', 'warning', 'user namespaces'],
  ])('a bwrap that %s', async (_situation, script, level, found) => {
    const bin = only('git');
    writeFileSync(join(bin, 'bwrap'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const { of } = await doctor(bare({ PATH: `${bin}:/bin` }));
    expect(of('bwrap')).toMatchObject([{ level, found: expect.stringContaining(found) }]);
  });

  it.each([
    ['the same time', 0, 'ok', /^agrees with /],
    ['an hour ahead', 3_600_000, 'failed', /^is 3(599|600) s away from /],
    ['an hour behind', -3_600_000, 'failed', /^is (3599|360[01]) s away from /],
  ])('a remote clock with %s', async (_situation, skew, level, found) => {
    time = new Date(Date.now() + skew);
    const { of } = await doctor(bare(), '--remote', url);
    expect(of('clock')).toMatchObject([{ level, found: expect.stringMatching(found) }]);
  });

  it.each([
    ['nobody listens', {}, 'http://127.0.0.1:1'],
    ['the proxy is no URL', { http_proxy: 'proxy' }, 'http://example.invalid'],
  ])('says that the remote does not answer: %s', async (_situation, env, remote) => {
    const { code, of } = await doctor(bare(env), '--remote', remote);
    expect(code).toBe(1);
    expect(of('remote')).toMatchObject([{ level: 'failed', found: expect.stringContaining('does not answer') }]);
  });

  it('names who has the port', async () => {
    const port = new URL(url).port;
    const env = bare();
    const { stdout } = await mcpctl(['doctor', '--port', port, '-o', 'json'], { cwd: folder, env });
    const [finding] = JSON.parse(stdout).filter(({ check }: Finding) => check === 'port');
    expect(finding).toMatchObject({ level: 'warning', found: expect.stringContaining(`${port} is taken by `) });
    if (process.platform === 'linux') expect(finding.found).toContain(`process ${process.pid}`);
  });

  it.each([
    ['others may read the token', 'state/a/token', 0o644, 'failed'],
    ['others may read the hook secret', 'state/a/hook-secret', 0o640, 'failed'],
    ['only the owner may', 'state/a/token', 0o600, 'ok'],
  ])('%s', async (_situation, path, mode, level) => {
    const env = bare();
    put(join(env.MCPCTL_HOME ?? '', path), 'secret', mode);
    const { of } = await doctor(env);
    expect(of('state')).toMatchObject([{ level }]);
  });

  it('says of a place that cannot be looked at why, and goes on', async () => {
    const file = put(join(folder, 'a-file'), '', 0o600);
    const { code, of } = await doctor(bare({ MCPCTL_HOME: join(file, 'below') }));
    expect(code).toBe(1);
    expect(of('state')).toMatchObject([
      { level: 'failed', found: `${file}/below: a file stands where a folder is needed (ENOTDIR)` },
    ]);
    expect(of('git')).toHaveLength(1);
  });

  it('tells daemons that run, that hang and that were killed', async () => {
    const env = bare();
    const state = (name: string) => join(env.MCPCTL_HOME ?? '', 'state', name);
    const daemon = (at: string) => JSON.stringify({ pid: process.pid, url: at, startedAt: new Date().toISOString() });
    put(join(state('killed'), 'daemon.json'), daemon('http://127.0.0.1:1'), 0o600);
    put(join(state('hangs'), 'daemon.json'), daemon('http://127.0.0.1:1'), 0o600);
    put(join(state('runs'), 'daemon.json'), daemon(url), 0o600);
    const held = ['hangs', 'runs'].map(name => acquireLock(join(state(name), 'lock')));
    const { code, of } = await doctor(env).finally(() => {
      for (const release of held) release?.();
    });
    expect(code).toBe(1);
    expect(of('daemon').map(({ level, found }) => [level, found.split(/[ ,]/)[0]])).toEqual([
      ['failed', 'hangs'],
      ['warning', 'killed'],
      ['ok', 'runs'],
    ]);
  });

  it('finds the clients by their files', async () => {
    const env = bare();
    put(join(env.HOME ?? '', '.cursor', 'mcp.json'), '{}', 0o600);
    const { of } = await doctor(env);
    expect(of('clients')).toMatchObject([{ level: 'ok', found: expect.stringMatching(/^Cursor \(.*mcp\.json\)$/) }]);
  });
});
