import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../../host/index.ts';
import { projectYaml, repositoryYaml, serverYaml, smallRepository } from '../../../tests/e2e/catalog.ts';
import { condition, poll, startUp, type UpProcess } from '../../../tests/e2e/daemon.ts';
import { type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';
import { runConnect } from './run.ts';

const odd = join(import.meta.dirname, '..', '..', '..', 'tests', 'fixtures', 'servers', 'odd.mjs');

let folder: string;
let repository: TempRepository;
let daemon: UpProcess;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-connect-run-'));
  repository = tempRepository({
    ...smallRepository,
    'mcpctl.yaml': repositoryYaml,
    'servers/hung.yaml': serverYaml(['node', odd, 'hung']),
    'projects/slow/project.yaml': projectYaml('hung'),
  });
  daemon = await startUp({ repository: repository.bare, stateDir: join(folder, 'state') });
  await daemon.until('Ready', status => condition(status, 'Ready') === 'True');
}, 60_000);
afterAll(async () => {
  await daemon.stop();
  repository.remove();
  rmSync(folder, { recursive: true, force: true });
});

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

interface Started {
  stdin: PassThrough;
  send(message: unknown): void;
  stderr(): string;
  /** Everything on stdout; a line that is not JSON makes it throw. */
  messages(): { id?: number; method?: string }[];
  /** What it answered to a request. */
  answer(id: number | null): Promise<{ result?: unknown; error?: { code: number; message: string } }>;
  ended: Promise<number>;
}

function start(options: Partial<Parameters<typeof runConnect>[0]> = {}): Started {
  const stdin = new PassThrough();
  let stdout = '';
  let stderr = '';
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
  const context = { io, env: { MCPCTL_HOME: folder, MCPCTL_TOKEN: daemon.token }, cwd: folder };
  const signal = new AbortController().signal;
  const ended = runConnect({
    ...context,
    signal,
    stdin: () => stdin,
    project: 'demo',
    server: daemon.url,
    timeout: 1,
    ...options,
  });
  const messages = () =>
    stdout
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line));
  return {
    stdin,
    send: message => stdin.write(typeof message === 'string' ? `${message}\n` : `${JSON.stringify(message)}\n`),
    stderr: () => stderr,
    messages,
    async answer(id) {
      await poll(`an answer to ${id}; ${stderr}`, 10_000, () => messages().some(message => message.id === id));
      return messages().find(message => message.id === id);
    },
    ended,
  };
}

it.each([
  ['a project that is not there', { project: 'nope' }, 'the gateway has no project `nope`'],
  ['a token that is wrong', { env: { MCPCTL_TOKEN: 'wrong-wrong-wrong-wrong' } }, 'the gateway refuses the token'],
  ['a gateway that is away', { server: 'http://127.0.0.1:1' }, 'the gateway cannot be reached: bad port'],
  ['a host that has no address', { server: 'http://nobody.invalid' }, 'the gateway cannot be reached: '],
])('answers with an error, and says so: %s', async (_situation, options, message) => {
  const bridge = start({ ...options });
  bridge.send(initialize);
  expect(await bridge.answer(1)).toMatchObject({ error: { code: -32_000, message: expect.stringContaining(message) } });
  expect(bridge.stderr()).toContain(message);
  expect(bridge.stderr()).not.toContain('wrong-wrong');
  bridge.stdin.end();
  expect(await bridge.ended).toBe(0);
});

it('waits for a gateway that does not listen, then answers with an error', async () => {
  const bridge = start({ server: `http://127.0.0.1:${await freePort()}` });
  bridge.send(initialize);
  expect((await bridge.answer(1)).error?.message).toContain('the gateway does not answer');
  bridge.stdin.end();
  await bridge.ended;
});

it.each([
  ['a line that is not JSON', '{"jsonrpc":', -32_700],
  ['JSON that is no message', '{"hello": 1}', -32_600],
])('refuses %s, and goes on', async (_situation, line, code) => {
  const bridge = start();
  bridge.send(line);
  expect(await bridge.answer(null)).toMatchObject({ error: { code } });
  bridge.send(initialize);
  expect(await bridge.answer(1)).toMatchObject({ result: { capabilities: { tools: { listChanged: true } } } });
  bridge.stdin.end();
  expect(await bridge.ended).toBe(0);
});

it('answers what was asked before stdin closed, then ends', async () => {
  const bridge = start();
  bridge.stdin.end(
    [
      initialize,
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 2, method: 'prompts/list' },
    ]
      .map(message => JSON.stringify(message))
      .join('\n'),
  );
  expect(await bridge.ended).toBe(0);
  expect(await bridge.answer(2)).toMatchObject({ result: { prompts: [{ name: 'hello' }, { name: 'one__greet' }] } });
});

it('ends when stdin closes, whatever a tool is still at', async () => {
  const bridge = start({ project: 'slow' });
  bridge.send(initialize);
  await bridge.answer(1);
  bridge.send({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'hung__echo', arguments: {} } });
  bridge.stdin.end();
  expect(await bridge.ended).toBe(0);
});

it('says that a call may have been carried out when the daemon goes away meanwhile', async () => {
  const own = tempRepository({
    'mcpctl.yaml': repositoryYaml,
    'servers/hung.yaml': serverYaml(['node', odd, 'hung']),
    'projects/slow/project.yaml': projectYaml('hung'),
  });
  const other = await startUp({ repository: own.bare, stateDir: join(folder, 'other') });
  await other.until('Ready', status => condition(status, 'Ready') === 'True');
  const bridge = start({ project: 'slow', server: other.url, env: { MCPCTL_TOKEN: other.token } });
  bridge.send(initialize);
  await bridge.answer(1);
  bridge.send({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'hung__echo', arguments: {} } });
  await new Promise(resolve => setTimeout(resolve, 200));
  process.kill(other.child.pid ?? 0, 'SIGKILL');
  expect((await bridge.answer(2)).error?.message).toContain('The call may have been carried out');
  bridge.stdin.end();
  await bridge.ended;
  // Its servers outlive a kill; the next start ends them.
  const again = await startUp({ repository: own.bare, stateDir: join(folder, 'other') });
  await again.stop();
  own.remove();
}, 30_000);

it('waits for a daemon that is started later', async () => {
  const stateDir = join(folder, 'later');
  const bridge = start({ server: undefined as never, stateDir, timeout: 30 });
  bridge.send(initialize);
  await poll('a word on stderr', 5_000, () => bridge.stderr().includes('DAEMON_NOT_RUNNING'));
  const later = await startUp({ repository: repository.bare, stateDir });
  try {
    expect(await bridge.answer(1)).toMatchObject({ result: {} });
  } finally {
    bridge.stdin.end();
    await bridge.ended;
    await later.stop();
  }
}, 30_000);

it('makes a session again that the gateway has forgotten, and has the client list again', async () => {
  const seen: string[] = [];
  let sessions = 0;
  const gateway = createServer(async (request, response) => {
    const session = request.headers['mcp-session-id'];
    if (request.method !== 'POST') return response.writeHead(request.method === 'GET' ? 405 : 200).end();
    const message = JSON.parse(Buffer.concat(await request.toArray()).toString());
    seen.push(`${message.method} ${session ?? '-'}`);
    const answer = (result: unknown) => {
      if (message.method === 'initialize') sessions++;
      const headers = { 'content-type': 'application/json', 'mcp-session-id': `s${sessions}` };
      response.writeHead(200, headers).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
    };
    if (message.method === 'initialize') {
      const capabilities = { tools: { listChanged: true }, prompts: {} };
      return answer({ protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'x', version: '1' } });
    }
    // The first session is forgotten as soon as it was greeted.
    if (message.method === 'notifications/initialized') return response.writeHead(202).end();
    return session === 's1' ? response.writeHead(404).end('{}') : answer({ tools: [] });
  });
  gateway.listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const bridge = start({ server: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}` });
  bridge.send(initialize);
  await bridge.answer(1);
  bridge.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  bridge.send({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
  expect(await bridge.answer(2)).toMatchObject({ result: { tools: [] } });
  bridge.stdin.end();
  await bridge.ended;
  gateway.close();
  expect(seen).toEqual([
    'initialize -',
    'notifications/initialized s1',
    'tools/list s1',
    'initialize -',
    'notifications/initialized s2',
    'tools/list s2',
  ]);
  expect(bridge.messages().filter(({ method }) => method !== undefined)).toEqual([
    { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
  ]);
  expect(bridge.messages().map(({ id }) => id)).toEqual([1, undefined, 2]);
});

it('refuses at once what waiting does not mend', async () => {
  writeFileSync(join(folder, 'config.yaml'), 'contexts: 5\n');
  await expect(start({ server: undefined as never, context: 'x' }).ended).rejects.toMatchObject({
    problem: { code: 'CONFIG_INVALID' },
  });
  rmSync(join(folder, 'config.yaml'));
});
