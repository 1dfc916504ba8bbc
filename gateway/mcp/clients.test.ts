import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Prompt } from '../../schema/index.ts';
import {
  absentServer,
  projectOf,
  startServer,
  type TestServer,
  type TestView,
  testView,
} from '../../tests/served-view.ts';
import { createGateway, type Gateway } from '../index.ts';

const TOKEN = 'test-token-0123456789';
const requestInit = { headers: { Authorization: `Bearer ${TOKEN}` } };
const greeting: Prompt = {
  title: 'Greeting',
  description: 'Greets',
  arguments: [
    { name: 'who', description: 'Whom', required: true },
    { name: 'how', required: false },
  ],
  tags: [],
  content: 'Hello {{who}} {{ how }}! {{other}}',
};

let view: TestView;
let gateway: Gateway;
let servers: TestServer[];

beforeAll(async () => {
  servers = await Promise.all([
    startServer('asks', ['odd.mjs', 'asks']),
    startServer('http-2', ['sdk2-http.mjs'], true),
    startServer('hung', ['odd.mjs', 'hung']),
    startServer('modern', ['sdk2-stdio.mjs', 'modern']),
    startServer('odd', ['odd.mjs', 'odd']),
    startServer('old', ['sdk1-stdio.mjs']),
    startServer('oops', ['odd.mjs', 'error']),
  ]);
  view = testView();
  const gone = absentServer('gone', { tools: [{ name: 'dig', inputSchema: { type: 'object' } }], prompts: [] });
  const all = [...servers, gone, absentServer('never')].sort((a, b) => (a.name < b.name ? -1 : 1));
  view.projects.set(
    'demo',
    projectOf('demo', all, [
      { name: 'greeting', spec: greeting },
      { name: 'zero', spec: { arguments: [], tags: [], content: 'Nothing' } },
    ]),
  );
  view.projects.set('other', projectOf('other', []));
  gateway = await createGateway(view, { token: TOKEN, hookSecret: 'h', host: '127.0.0.1', port: 0 });
});

afterAll(async () => {
  await gateway.close();
  for (const { child } of servers) child.kill('SIGKILL');
});

/** What the tests ask of a client, whatever its generation. */
type AnyClient = Pick<Client, 'close' | 'getInstructions' | 'getServerCapabilities' | 'getPrompt' | 'listPrompts'> & {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(
    params: { name: string; arguments?: Record<string, unknown> },
    options?: { signal?: AbortSignal; onprogress?: (progress: { progress: number }) => void },
  ): Promise<Record<string, unknown>>;
};

const endpoint = () => new URL(`${gateway.url}/mcp/demo`);

const connectors: [string, () => Promise<AnyClient>][] = [
  ['SDK v2, modern', () => connectV2('auto')],
  ['SDK v2, legacy', () => connectV2('legacy')],
  ['SDK v1', connectV1],
];

async function connectV2(mode: 'auto' | 'legacy'): Promise<AnyClient> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(endpoint(), { requestInit }));
  expect(client.getProtocolEra()).toBe(mode === 'auto' ? 'modern' : 'legacy');
  return client as unknown as AnyClient;
}

async function connectV1(): Promise<AnyClient> {
  const client = new ClientV1({ name: 'test', version: '1' });
  await client.connect(new TransportV1(endpoint(), { requestInit }) as Parameters<ClientV1['connect']>[0]);
  const adapted = {
    callTool: (params: { name: string }, options?: object) => client.callTool(params, undefined, options),
  };
  return Object.assign(Object.create(client), adapted) as AnyClient;
}

describe.each(connectors)('%s', (_client, connect) => {
  let client: AnyClient;

  beforeAll(async () => {
    client = await connect();
  });

  afterAll(() => client.close());

  it('is told the instructions and that lists may change', () => {
    expect(client.getInstructions()).toBe('Instructions of demo');
    expect(client.getServerCapabilities()).toMatchObject({
      tools: { listChanged: true },
      prompts: { listChanged: true },
    });
  });

  it('lists the tools of every server, in order, whatever the others do', async () => {
    const names = (await client.listTools()).tools.map(({ name }) => name);
    const common = ['echo', 'fail', 'grow', 'steps', 'wait'];
    expect(names).toEqual([
      'asks__echo',
      'gone__dig',
      ...['echo', 'fail', 'grow', 'sprout', 'steps', 'wait'].map(name => `http-2__${name}`),
      'hung__echo',
      ...common.map(name => `modern__${name}`),
      'odd__echo',
      ...common.map(name => `old__${name}`),
      'oops__echo',
    ]);
  });

  it('lists and gets prompts: the project’s own and the servers’', async () => {
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual([
      'greeting',
      'http-2__greet',
      'modern__greet',
      'old__greet',
      'zero',
    ]);
    expect(prompts[0]).toEqual({
      name: 'greeting',
      title: 'Greeting',
      description: 'Greets',
      arguments: [
        { name: 'who', description: 'Whom', required: true },
        { name: 'how', required: false },
      ],
    });
    const own = await client.getPrompt({ name: 'greeting', arguments: { who: '{{how}}' } });
    expect(own.messages).toEqual([{ role: 'user', content: { type: 'text', text: 'Hello {{how}} ! ' } }]);
    const theirs = await client.getPrompt({ name: 'old__greet', arguments: { who: 'you' } });
    expect(theirs.messages).toEqual([{ role: 'user', content: { type: 'text', text: 'Hello you' } }]);
  });

  it.each(['http-2', 'modern', 'old'])('calls a tool of %s', async server => {
    const result = await client.callTool({ name: `${server}__echo`, arguments: { message: 'hello' } });
    expect(result).toMatchObject({ content: [{ type: 'text', text: 'hello' }], _meta: { 'example.com/trace': 5 } });
    const failing = await client.callTool({ name: `${server}__fail` });
    expect(failing).toMatchObject({ isError: true, content: [{ type: 'text', text: 'it failed' }] });
  });

  it.each(['http-2', 'modern', 'old'])('sees the progress of a tool of %s', async server => {
    const seen: number[] = [];
    const onprogress = ({ progress }: { progress: number }) => seen.push(progress);
    await client.callTool({ name: `${server}__steps`, arguments: { count: 4 } }, { onprogress });
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it.each(['http-2', 'modern', 'old'])('cancels a call of a tool of %s', async name => {
    const server = servers.find(candidate => candidate.name === name);
    const before = count(server?.stderr() ?? '');
    const stop = new AbortController();
    const call = client.callTool({ name: `${name}__wait` }, { signal: stop.signal });
    setTimeout(() => stop.abort('enough'), 200);
    await expect(call).rejects.toThrow();
    await expect.poll(() => count(server?.stderr() ?? ''), { timeout: 5_000 }).toBe(before + 1);
  });

  it('is not delayed by a server that hangs', async () => {
    const stop = new AbortController();
    const hung = client.callTool({ name: 'hung__echo' }, { signal: stop.signal });
    const result = await client.callTool({ name: 'old__echo', arguments: { message: 'meanwhile' } });
    expect(result).toMatchObject({ content: [{ text: 'meanwhile' }] });
    stop.abort('enough');
    await expect(hung).rejects.toThrow();
  });

  it.each([
    ['an unknown tool', 'old__none', -32602, /Unknown tool: old__none/],
    ['an unknown server', 'none__echo', -32602, /Unknown tool/],
    ['a name without a server', 'echo', -32602, /Unknown tool/],
    ['a server that does not run', 'gone__dig', -32603, /Server gone: gone ended with code 3/],
    ['a server that never ran', 'never__dig', -32603, /Server never: never ended with code 3/],
    ['an error of the server’s own', 'oops__echo', -32077, /no such mood/],
  ])('%s is a protocol error', async (_situation, name, code, message) => {
    const call = client.callTool({ name });
    await expect(call).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each([
    ['a missing argument', { name: 'greeting', arguments: { how: 'x' } }, /greeting needs the argument who/],
    ['an unknown prompt', { name: 'none' }, /Unknown prompt: none/],
    ['an unknown prompt of a server', { name: 'old__none' }, /Unknown prompt: old__none/],
  ])('%s is invalid params', async (_situation, params, message) => {
    const get = client.getPrompt(params);
    await expect(get).rejects.toMatchObject({ code: -32602, message: expect.stringMatching(message) });
  });
});

function count(text: string): number {
  return text.split('cancelled\n').length - 1;
}

describe('the MCP inspector', () => {
  const inspector = fileURLToPath(new URL('../../node_modules/.bin/inspector', import.meta.url));

  async function inspect(...args: string[]): Promise<unknown> {
    const target = ['--cli', endpoint().href, '--transport', 'http', '--header', `Authorization: Bearer ${TOKEN}`];
    const { stdout } = await promisify(execFile)(process.execPath, [inspector, ...target, ...args]);
    return JSON.parse(stdout);
  }

  it('lists tools', async () => {
    const { tools } = (await inspect('--method', 'tools/list')) as { tools: { name: string }[] };
    expect(tools.map(({ name }) => name)).toContain('old__echo');
  });

  it('calls one', async () => {
    const result = await inspect('--method', 'tools/call', '--tool-name', 'modern__echo', '--tool-arg', 'message=hi');
    expect(result).toMatchObject({ content: [{ type: 'text', text: 'hi' }] });
  });
});

describe.each([['legacy'], ['modern']])('a raw %s client', era => {
  it('gets a result whole that no SDK knows', async () => {
    const call = await caller(era);
    const answer = await call(1, 'odd__echo');
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    const { result } = (await answer.json()) as { result: object };
    expect(result).toMatchObject({
      content: [{ type: 'hologram', depth: 3, extra: null }],
      structuredContent: [1],
      _meta: { a: { b: 1 } },
      'x-more': true,
    });
  });
});

it('a server that asks for a request once more gets it, from a client that can', async () => {
  const [modern, legacy] = await Promise.all([connectV2('auto'), connectV2('legacy')]);
  const result = await modern.callTool({ name: 'asks__echo' });
  expect(result).toMatchObject({ content: [{ type: 'text', text: 'state-1' }] });
  await expect(legacy.callTool({ name: 'asks__echo' })).rejects.toThrow(/Server asks asks for input/);
  await Promise.all([modern.close(), legacy.close()]);
});

it('the stream of a request that a legacy client cancels is ended', async () => {
  const call = await caller('legacy');
  const hung = servers.find(({ name }) => name === 'hung');
  const calls = () => (hung?.stderr() ?? '').split('tools/call').length;
  const before = calls();
  const answer = call(7, 'hung__echo');
  await expect.poll(calls).toBeGreaterThan(before);
  await call(undefined, '', { method: 'notifications/cancelled', params: { requestId: 7, reason: 'enough' } });
  expect(await (await answer).text()).toBe('');
});

it.each([['legacy'], ['modern']])('a %s client that goes away cancels its call', async era => {
  const call = await caller(era);
  const stderr = () => servers.find(({ name }) => name === 'old')?.stderr() ?? '';
  const before = count(stderr());
  const stop = new AbortController();
  const answer = call(9, 'old__wait', { signal: stop.signal });
  setTimeout(() => stop.abort(), 300);
  await expect(answer.then(({ text }) => text())).rejects.toThrow();
  await expect.poll(() => count(stderr()), { timeout: 5_000 }).toBe(before + 1);
});

it('a slow answer begins as a stream that is kept alive', async () => {
  const call = await caller('legacy');
  const stop = new AbortController();
  const answer = await call(8, 'hung__echo', { signal: stop.signal });
  expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
  stop.abort();
});

type Caller = (
  id: number | undefined,
  tool: string,
  more?: { method?: string; params?: object; signal?: AbortSignal },
) => Promise<Response>;

/** Calls tools with plain requests, after the handshake where the era has one. */
async function caller(era: string): Promise<Caller> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${TOKEN}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  const clientInfo = { name: 'test', version: '1' };
  const post = (body: object, more: Record<string, string>, signal?: AbortSignal) =>
    fetch(endpoint(), {
      method: 'POST',
      headers: { ...headers, ...more },
      body: JSON.stringify({ jsonrpc: '2.0', ...body }),
      ...(signal && { signal }),
    });
  if (era === 'legacy') {
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
    const opened = await post({ id: 0, method: 'initialize', params }, {});
    headers['mcp-session-id'] = opened.headers.get('mcp-session-id') ?? '';
    expect(await opened.json()).toMatchObject({ result: { protocolVersion: '2025-06-18' } });
    return (id, name, { method = 'tools/call', params: other, signal } = {}) =>
      post({ id, method, params: other ?? { name, arguments: {} } }, {}, signal);
  }
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': clientInfo,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const standard = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' };
  return (id, name, { signal } = {}) =>
    post(
      { id, method: 'tools/call', params: { name, arguments: {}, _meta } },
      { ...standard, 'mcp-name': name },
      signal,
    );
}
