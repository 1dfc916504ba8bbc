import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../host/index.ts';
import type { Problem } from '../../schema/index.ts';
import { connectUpstream, type Upstream } from './index.ts';

const FIXTURES = fileURLToPath(new URL('../../tests/fixtures/servers/', import.meta.url));
const SECRET = 's3cr3t-value';
const children: ChildProcess[] = [];
const upstreams: Upstream[] = [];

afterEach(async () => {
  await Promise.all(upstreams.splice(0).map(upstream => upstream.close()));
  await Promise.all(
    children.splice(0).map(async child => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }),
  );
});

/** Over HTTP, and whether by the protocol's first way. */
type Http = boolean | 'sse';

function start(argv: readonly string[], port = 0) {
  const [file = '', ...args] = argv;
  const env = { ...process.env, PORT: String(port) };
  const child = spawn(process.execPath, [FIXTURES + file, ...args], { env, stdio: 'pipe' });
  let stderr = '';
  child.stderr.on('data', chunk => {
    stderr += String(chunk);
  });
  children.push(child);
  return { child, stdin: child.stdin, stdout: child.stdout, stderr: () => stderr };
}

async function connect(argv: readonly string[], { http = false as Http, timeoutMs = 10_000 } = {}) {
  const port = http ? await freePort() : 0;
  const started = start(argv, port);
  const problems: Problem[] = [];
  const { stdin, stdout } = started;
  const connection = http
    ? ({
        kind: 'http',
        url: `http://127.0.0.1:${port}/${http === 'sse' ? 'sse' : 'mcp'}`,
        sse: http === 'sse',
      } as const)
    : ({ kind: 'stdio', stdin, stdout } as const);
  const onProblem = (problem: Problem) => problems.push(problem);
  const result = await connectUpstream(connection, { timeoutMs, name: 'srv', secrets: [SECRET], onProblem });
  if (!('problem' in result)) upstreams.push(result);
  return { ...started, result, problems };
}

async function connected(argv: readonly string[], options: { http?: Http } = {}) {
  const { result, ...rest } = await connect(argv, options);
  if ('problem' in result) throw new Error(`${result.problem.code}: ${result.problem.message}`);
  return { ...rest, upstream: result };
}

describe.each([
  ['SDK v1, stdio', ['sdk1-stdio.mjs'], false, 'legacy', '2025-11-25', 'grow'],
  ['SDK v2, stdio, both eras', ['sdk2-stdio.mjs'], false, 'legacy', '2025-11-25', 'grow'],
  ['SDK v2, stdio, modern only', ['sdk2-stdio.mjs', 'modern'], false, 'modern', '2026-07-28', 'grow'],
  ['SDK v1, HTTP with sessions', ['sdk1-http.mjs'], true, 'legacy', '2025-11-25', 'grow'],
  ['SDK v1, HTTP with server-sent events', ['sdk1-sse.mjs'], 'sse', 'legacy', '2025-11-25', 'grow'],
  ['SDK v2, HTTP, both eras', ['sdk2-http.mjs'], true, 'modern', '2026-07-28', 'sprout'],
  ['SDK v2, HTTP, modern only', ['sdk2-http.mjs', 'modern'], true, 'modern', '2026-07-28', 'sprout'],
] as const)('%s', (_situation, argv, http, era, version, growth) => {
  it('agrees on the era and lists everything in order', async () => {
    const { upstream } = await connected(argv, { http });
    expect([upstream.era, upstream.protocolVersion]).toEqual([era, version]);
    expect(upstream.serverInfo?.name).toBe(http ? argv[0].replace('.mjs', '') : argv[0].replace('-stdio.mjs', ''));
    const names = upstream.surface.tools.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['echo', 'fail', 'grow', 'steps', 'wait']));
    expect(names).toEqual(names.toSorted());
    expect(upstream.surface.prompts.map(({ name }) => name)).toEqual(['greet']);
  });

  it('calls, reports progress, passes errors, cancels and gets prompts', async () => {
    const { upstream, stderr } = await connected(argv, { http });
    const echo = await upstream.request('tools/call', { name: 'echo', arguments: { message: 'hi' } });
    expect(echo).toMatchObject({ content: [{ type: 'text', text: 'hi' }], _meta: { 'example.com/trace': 2 } });

    const progress: unknown[] = [];
    const onProgress = (step: Record<string, unknown>) => progress.push(step.progress);
    await upstream.request('tools/call', { name: 'steps', arguments: { count: 3 } }, { onProgress });
    expect(progress).toEqual([1, 2, 3]);

    const prompt = await upstream.request('prompts/get', { name: 'greet', arguments: { who: 'you' } });
    expect(prompt.messages).toEqual([{ role: 'user', content: { type: 'text', text: 'Hello you' } }]);
    await expect(upstream.request('prompts/get', { name: 'none' })).rejects.toMatchObject({ code: -32602 });

    const stop = new AbortController();
    const waiting = upstream.request('tools/call', { name: 'wait', arguments: {} }, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('enough')), 100);
    await expect(waiting).rejects.toThrow('enough');
    await expect.poll(stderr, { timeout: 5_000 }).toContain('cancelled');
  });

  it('follows changes of its lists', async () => {
    const { upstream } = await connected(argv, { http });
    const changed = new Promise<void>(resolve => upstream.onSurfaceChanged(resolve));
    // A stream for notifications is opened without being waited for; until it is, nobody tells.
    const again = setInterval(() => void grow(upstream, growth).catch(() => undefined), 200);
    await changed.finally(() => clearInterval(again));
    const added = growth === 'grow' ? /^grown/ : /^sprouted$/;
    expect(upstream.surface.tools.map(({ name }) => name)).toContainEqual(expect.stringMatching(added));
  });

  it('is closed when the process ends', async () => {
    const { upstream, child } = await connected(argv, { http });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const call = upstream.request('tools/call', { name: 'echo', arguments: { message: 'hi' } });
    await expect(call).rejects.toMatchObject({ name: 'ProblemError' });
    expect((await upstream.closed).code).toBe(http ? 'SERVER_UNREACHABLE' : 'SERVER_EXITED');
  });
});

let grown = 0;
function grow(upstream: Upstream, tool: string) {
  const args = tool === 'grow' ? { name: `grown${grown++}` } : {};
  return upstream.request('tools/call', { name: tool, arguments: args });
}

it.each([
  ['answers nothing', 'silent', 'SERVER_INITIALIZE_TIMEOUT', /did not answer/],
  ['prints text and answers nothing', 'text', 'SERVER_INITIALIZE_TIMEOUT', /wrote "this is no MCP server \*\*\*"/],
  ['prints text without end', 'chatter', 'SERVER_PROTOCOL', /not JSON-RPC, the first was "tick \*\*\*"/],
  ['writes a line of 100 MB', 'huge', 'SERVER_PROTOCOL', /more than 16777216 bytes/],
  ['exits at once', 'exit', 'SERVER_EXITED', /closed its standard output/],
  ['refuses initialize', 'refuse', 'SERVER_PROTOCOL', /not today/],
  [
    'refuses with escapes, line ends and a secret',
    'rude',
    'SERVER_PROTOCOL',
    /: \\x1b\[31mno\\x1b\[0m \*\*\* x{300,500}…$/,
  ],
  ['answers with neither result nor error', 'mute', 'SERVER_PROTOCOL', /without result or error/],
  ['speaks an unknown version', 'future', 'SERVER_PROTOCOL', /2099-01-01/],
  ['never lists its tools', 'nolist', 'SERVER_INITIALIZE_TIMEOUT', /did not answer/],
])('a server that %s is a problem', async (_situation, mode, code, message) => {
  const before = process.memoryUsage().arrayBuffers;
  const { result } = await connect(['odd.mjs', mode], { timeoutMs: 1_500 });
  expect(result).toMatchObject({ problem: { code, message: expect.stringMatching(message) } });
  expect(JSON.stringify(result)).not.toContain(SECRET);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
});

it.each([
  ['', false],
  [' over server-sent events', true],
])('a server at an address%s is sent its headers, whose secrets are in no message', async (_how, sse) => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(403).end(`no entry with ${request.headers.authorization}`);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const connection = {
    kind: 'http',
    url: `http://127.0.0.1:${port}/mcp`,
    headers: { Authorization: SECRET },
    sse,
  } as const;
  const result = await connectUpstream(connection, { timeoutMs: 5_000, name: 'srv', secrets: [SECRET] });
  server.close();
  expect(seen.length).toBeGreaterThan(0);
  expect(new Set(seen)).toEqual(new Set([SECRET]));
  expect(result).toHaveProperty('problem');
  expect(JSON.stringify(result)).not.toContain(SECRET);
});

it('a banner before the first message is tolerated and reported', async () => {
  const { result, problems } = await connect(['odd.mjs', 'banner']);
  expect(result).toMatchObject({ era: 'legacy', protocolVersion: '2025-06-18' });
  expect(problems.map(({ message }) => message)).toEqual([
    'srv wrote a line that is not JSON-RPC: "Welcome! token=***"',
  ]);
});

it('a result, an error and a definition pass with everything they hold', async () => {
  const { upstream } = await connected(['odd.mjs', 'odd']);
  expect(upstream.surface.tools).toEqual([
    { name: 'echo', inputSchema: { type: 'object' }, 'x-unknown': { kept: [1, 2] } },
  ]);
  expect(await upstream.request('tools/call', { name: 'echo' })).toEqual({
    content: [{ type: 'hologram', depth: 3, extra: null }],
    structuredContent: [1],
    _meta: { a: { b: 1 } },
    'x-more': true,
  });
  const { upstream: other } = await connected(['odd.mjs', 'error']);
  const failing = other.request('tools/call', { name: 'echo' });
  await expect(failing).rejects.toMatchObject({ code: -32077, message: 'no such mood', data: { mood: 'odd' } });
});

it.each([
  ['names that cannot be used', 'names', ['a', 'echo'], 6],
  ['pages without end', 'pages', 64, 1],
  ['too many tools', 'many', 5_000, 1],
  ['too much to list', 'heavy', 7, 1],
])('a server with %s serves the rest', async (_situation, mode, expected, dropped) => {
  const { upstream, problems } = await connected(['odd.mjs', mode]);
  const names = upstream.surface.tools.map(({ name }) => name);
  expect(typeof expected === 'number' ? names.length : names).toEqual(expected);
  expect(problems.map(({ code }) => code)).toEqual(Array(dropped).fill('SERVER_ITEM_DROPPED'));
});

it.each([
  ['no result and no error', 'empty', { problem: { code: 'SERVER_PROTOCOL' } }],
  ['null for both', 'nulls', { problem: { code: 'SERVER_PROTOCOL' } }],
  ['an error of no known shape', 'shapeless', { code: -32603, message: 'an error without a message' }],
  ['more levels than can be written again', 'deep', { problem: { code: 'SERVER_PROTOCOL' } }],
])('an answer with %s fails that call only', async (_situation, mode, expected) => {
  const { upstream } = await connected(['odd.mjs', mode]);
  await expect(upstream.request('tools/call', { name: 'echo' })).rejects.toMatchObject(expected);
  await expect(upstream.request('tools/call', { name: 'echo' })).rejects.toMatchObject(expected);
});

it.each([['cut'], ['end']])('a call whose stream is over (%s) without an answer fails at once', async how => {
  const { upstream } = await connected(['odd-http.mjs', how], { http: true });
  const call = upstream.request('tools/call', { name: 'echo' });
  await expect(call).rejects.toThrow('srv broke off before it had answered tools/call');
});

it('a line of 100 MB later ends the connection, and the open call with it', async () => {
  const { upstream } = await connected(['odd.mjs', 'later']);
  await expect(upstream.request('tools/call', { name: 'echo' })).rejects.toThrow(/more than 16777216 bytes/);
  expect((await upstream.closed).code).toBe('SERVER_PROTOCOL');
});

it('a server that does not read any more ends the connection, not the daemon', async () => {
  const { upstream } = await connected(['odd.mjs', 'deaf']);
  const calls = Array.from({ length: 50 }, () =>
    upstream.request('tools/call', { name: 'echo' }, { timeoutMs: 3_000 }),
  );
  const settled = await Promise.allSettled(calls);
  expect(settled.every(({ status }) => status === 'rejected')).toBe(true);
});

it('a call that is not answered ends at its limit, and the server is told', async () => {
  const { upstream, stderr } = await connected(['odd.mjs', 'hung']);
  const call = upstream.request('tools/call', { name: 'echo' }, { timeoutMs: 100 });
  await expect(call).rejects.toMatchObject({ problem: { code: 'SERVER_TIMEOUT' } });
  await expect.poll(stderr).toContain('notifications/cancelled');
});

it('a ping of the server is answered', async () => {
  const { stderr } = await connected(['odd.mjs', 'stray']);
  await expect.poll(stderr).toContain('result {}');
});

const metadata = '169.254.169.254';
it.each([
  ['nothing listens', 'http://127.0.0.1:PORT/mcp', false, /ECONNREFUSED/],
  ['nothing listens, for events', 'http://127.0.0.1:PORT/sse', true, /ECONNREFUSED/],
  ['the address is cloud metadata', `http://${metadata}/mcp`, false, /not allowed/],
  ['the address is cloud metadata, for events', `http://${metadata}/sse`, true, /not allowed/],
  ['the address is cloud metadata in another form', `http://[::ffff:${metadata}]/mcp`, false, /not allowed/],
])('no connection when %s', async (_situation, url, sse, message) => {
  const address = url.replace('PORT', String(await freePort()));
  const result = await connectUpstream(
    { kind: 'http', url: address, sse },
    { timeoutMs: 200, name: 'srv', secrets: [] },
  );
  const expected = { problem: { code: 'SERVER_UNREACHABLE', message: expect.stringMatching(message) } };
  expect(result).toMatchObject(expected);
});

const endless = 'x'.repeat(17 * 1024 * 1024);
it.each([
  ['says nothing', 200, [], 'SERVER_INITIALIZE_TIMEOUT', /did not answer/],
  [
    'sends its client elsewhere',
    200,
    ['event: endpoint', `data: http://${metadata}/x`],
    'SERVER_UNREACHABLE',
    /origin/,
  ],
  ['sends its client nowhere', 200, ['event: endpoint', 'data: http://['], 'SERVER_UNREACHABLE', /Invalid URL/],
  ['is not to be entered', 401, [], 'SERVER_UNREACHABLE', /401/],
  ['is not there', 404, [], 'SERVER_UNREACHABLE', /404/],
  ['redirects', 302, [], 'SERVER_UNREACHABLE', /./],
  ['sends one event without end', 200, [`data: ${endless}`], 'SERVER_UNREACHABLE', /bytes/],
])('a stream of events that %s is a problem', async (_situation, status, lines, code, message) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(status, { 'content-type': 'text/event-stream', location: `http://${metadata}/sse` });
    response.write(lines.map(line => `${line}\n`).join(''));
    if (lines.length > 1) response.write('\n');
    if (status !== 200) response.end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const connection = { kind: 'http', url: `http://127.0.0.1:${port}/sse`, sse: true } as const;
  const result = await connectUpstream(connection, { timeoutMs: 3_000, name: 'srv', secrets: [] });
  server.close().closeAllConnections();
  expect(result).toMatchObject({ problem: { code, message: expect.stringMatching(message) } });
  expect(new Set(asked)).toEqual(new Set(['GET /sse']));
});
