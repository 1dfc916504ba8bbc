import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createProgram } from './program.ts';

const TOKEN = 'a-token-that-nobody-may-see';

let home: string;
let server: Server;
let url: string;
let seen: string[];
let stdout: string;
let stderr: string;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'mcpctl-contexts-'));
  seen = [];
  stdout = '';
  stderr = '';
  server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    const isAllowed = request.headers.authorization === `Bearer ${TOKEN}`;
    response.writeHead(isAllowed ? 200 : 401, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.close();
  rmSync(home, { recursive: true, force: true });
});

function mcpctl(args: string[], { env = {}, stdin }: { env?: Record<string, string>; stdin?: string } = {}) {
  const io = {
    stdout(text: string) {
      stdout += text;
    },
    stderr(text: string) {
      stderr += text;
    },
    isTTY: false,
    colour: false,
  };
  stdout = '';
  stderr = '';
  return createProgram({
    io,
    env: { MCPCTL_HOME: home, ...env },
    cwd: home,
    signal: new AbortController().signal,
    ...(stdin !== undefined && { stdin: () => Readable.from([stdin]) }),
  })(args);
}

function config(): string {
  return readFileSync(join(home, 'config.yaml'), 'utf8');
}

it('keeps a gateway, its token apart from it and to its owner only', async () => {
  expect(
    await mcpctl(['login', '--server', `${url}/`, '--name', 'work', '--token', '-'], { stdin: `${TOKEN}\n` }),
  ).toBe(0);
  expect(config()).toBe(`current-context: work\ncontexts:\n  - name: work\n    server: ${url}\n`);
  expect(readFileSync(join(home, 'tokens', 'work'), 'utf8')).toBe(`${TOKEN}\n`);
  expect(statSync(join(home, 'tokens', 'work')).mode & 0o777).toBe(0o600);
  expect(statSync(join(home, 'tokens')).mode & 0o777).toBe(0o700);
  expect(stdout + stderr).not.toContain(TOKEN);

  expect(await mcpctl(['reconcile'])).toBe(0);
  expect(await mcpctl(['reconcile', '--context', 'work'], { env: { MCPCTL_TOKEN: 'another-one' } })).toBe(0);
  expect(await mcpctl(['reconcile', '--server', url])).toBe(0);
  expect(seen).toEqual([
    `GET /api/v1/status Bearer ${TOKEN}`,
    ...Array.from({ length: 3 }, () => `POST /api/v1/reconcile Bearer ${TOKEN}`),
  ]);
});

it('lists, chooses and forgets contexts, and keeps comments', async () => {
  writeFileSync(
    join(home, 'config.yaml'),
    '# Mine.\ncontexts:\n  - name: here # on this machine\n    stateDir: /srv/state\n',
  );
  await mcpctl(['login', '--server', url, '--name', 'work', '--token', TOKEN]);
  expect(config()).toBe(
    `# Mine.\ncontexts:\n  - name: here # on this machine\n    stateDir: /srv/state\n  - name: work\n    server: ${url}\ncurrent-context: work\n`,
  );
  expect(await mcpctl(['config', 'contexts'])).toBe(0);
  expect(stdout.replace(url, 'URL')).toBe('   NAME  GATEWAY\n   here  /srv/state\n*  work  URL\n');
  expect(await mcpctl(['config', 'use-context', 'here'])).toBe(0);
  expect(await mcpctl(['config', 'contexts', '-o', 'json'])).toBe(0);
  expect(JSON.parse(stdout)).toEqual([
    { name: 'here', current: true, stateDir: '/srv/state' },
    { name: 'work', current: false, server: url },
  ]);
  expect(await mcpctl(['config', 'delete-context', 'work'])).toBe(0);
  expect(await mcpctl(['config', 'contexts', '-o', 'name'])).toBe(0);
  expect(stdout).toBe('here\n');
  expect(() => statSync(join(home, 'tokens', 'work'))).toThrow('ENOENT');
});

it.each<[string, string[], { env?: Record<string, string>; stdin?: string }, number, string]>([
  ['a wrong token', ['login', '--server', 'URL', '--token', 'wrong-one'], {}, 5, 'DAEMON_REFUSED'],
  ['no token', ['login', '--server', 'URL'], { stdin: '' }, 2, 'there is no token'],
  ['a token of two words', ['login', '--server', 'URL', '--token', 'a b'], {}, 2, 'one word'],
  ['nobody there', ['login', '--server', 'http://127.0.0.1:1', '--token', 'x'], {}, 1, 'DAEMON_NOT_RUNNING'],
  ['no address', ['login', '--server', 'ftp://x', '--token', 'x'], {}, 2, 'http:// or https://'],
  ['a password in the address', ['login', '--server', 'http://u:p@x', '--token', 'x'], {}, 2, 'must not hold'],
  ['a name that is a path', ['login', '--server', 'URL', '--name', '../x', '--token', 'x'], {}, 2, 'cannot name'],
  ['an unknown context', ['reconcile', '--context', 'nope'], {}, 1, 'CONTEXT_UNKNOWN'],
  ['an unknown context in the environment', ['status'], { env: { MCPCTL_CONTEXT: 'nope' } }, 1, 'CONTEXT_UNKNOWN'],
  ['an address without a token', ['status', '--server', 'URL'], {}, 1, 'there is no token for'],
  ['a context to be used that is not there', ['config', 'use-context', 'nope'], {}, 1, 'CONTEXT_UNKNOWN'],
])('refuses %s, and keeps nothing', async (_situation, args, more, code, message) => {
  expect(
    await mcpctl(
      args.map(arg => (arg === 'URL' ? url : arg)),
      more,
    ),
  ).toBe(code);
  expect(stderr).toContain(message);
  expect(stderr).not.toMatch(/wrong-one|u:p@/);
  expect(() => config()).toThrow('ENOENT');
});

it('takes the token of $MCPCTL_TOKEN for an address', async () => {
  expect(await mcpctl(['reconcile', '--server', url], { env: { MCPCTL_TOKEN: TOKEN } })).toBe(0);
});

it.each([
  ['is not YAML', 'contexts: [', 'CONFIG_INVALID'],
  ['has an unknown key', 'context: x\n', 'CONFIG_INVALID'],
  ['has a token in it', 'contexts: [{name: a, server: "http://x", token: t}]\n', 'CONFIG_INVALID'],
])('refuses a configuration that %s', async (_situation, text, code) => {
  writeFileSync(join(home, 'config.yaml'), text);
  expect(await mcpctl(['config', 'contexts'])).toBe(1);
  expect(stderr).toContain(code);
});

it('refuses a token that others may read', async () => {
  await mcpctl(['login', '--server', url, '--name', 'work', '--token', TOKEN]);
  chmodSync(join(home, 'tokens', 'work'), 0o644);
  expect(await mcpctl(['reconcile'])).toBe(1);
  expect(stderr).toContain('chmod 600');
});
