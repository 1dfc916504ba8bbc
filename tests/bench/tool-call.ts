import { Agent, createServer, request as httpRequest, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createGateway } from '../../gateway/index.ts';
import { projectOf, startServer, testView } from '../served-view.ts';

/** Milliseconds of one call at the quiet median, by who is called with which client. */
export interface ToolCallFigures {
  /** A bare node:http server that answers the call itself; a plain keep-alive client. */
  bare: number;
  /** The stdio upstream alone, without HTTP. */
  upstream: number;
  gatewayLegacy: number;
  gatewayModern: number;
  /** The same bare server and the gateway, with the SDK's client. */
  sdkBare: number;
  sdkGatewayLegacy: number;
  sdkGatewayModern: number;
}

const TOKEN = 'bench';
const AUTHORIZED = { Authorization: `Bearer ${TOKEN}` };
const clientInfo = { name: 'bench', version: '1' };
const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': clientInfo,
  'io.modelcontextprotocol/clientCapabilities': {},
};

/**
 * `tools/call` of an echo tool through the gateway over a stdio upstream, against a bare Node HTTP echo, in one run.
 * The quiet median is the lowest median of 100 calls in a row.
 */
export async function benchToolCall(calls = 3_000): Promise<ToolCallFigures> {
  const view = testView();
  const server = await startServer('sdk', ['sdk2-stdio.mjs']);
  view.projects.set('demo', projectOf('demo', [server]));
  const gateway = await createGateway(view, { token: TOKEN, hookSecret: 'h', host: '127.0.0.1', port: 0 });
  const bare = await startBareEcho();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const endpoint = `${gateway.url}/mcp/demo`;
  const post = (url: string, body: object, headers = {}) => send(agent, url, { jsonrpc: '2.0', ...body }, headers);
  const args = { message: 'hi' };

  const opened = await post(endpoint, { id: 0, method: 'initialize', params: initialize });
  const session = { 'mcp-session-id': opened['mcp-session-id'], 'mcp-protocol-version': '2025-11-25' };
  const standard = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'sdk__echo' };
  const call = (name: string, _meta?: object) => {
    return { id: 1, method: 'tools/call', params: { name, arguments: args, ...(_meta && { _meta }) } };
  };
  const [sdkBare, sdkLegacy, sdkModern] = await Promise.all([
    connect(bare.url, 'legacy'),
    connect(endpoint, 'legacy'),
    connect(endpoint, 'auto'),
  ]);

  const figures = {
    bare: await quietMedian(calls, () => post(bare.url, call('echo'))),
    upstream: await quietMedian(calls, () =>
      server.connection.request('tools/call', { name: 'echo', arguments: args }),
    ),
    gatewayLegacy: await quietMedian(calls, () => post(endpoint, call('sdk__echo'), session)),
    gatewayModern: await quietMedian(calls, () => post(endpoint, call('sdk__echo', envelope), standard)),
    sdkBare: await quietMedian(calls, () => sdkBare.callTool({ name: 'echo', arguments: args })),
    sdkGatewayLegacy: await quietMedian(calls, () => sdkLegacy.callTool({ name: 'sdk__echo', arguments: args })),
    sdkGatewayModern: await quietMedian(calls, () => sdkModern.callTool({ name: 'sdk__echo', arguments: args })),
  };

  await Promise.all([sdkBare.close(), sdkLegacy.close(), sdkModern.close()]);
  agent.destroy();
  bare.close();
  await gateway.close();
  server.child.kill();
  return figures;
}

async function connect(url: string, mode: 'legacy' | 'auto'): Promise<Client> {
  const client = new Client(clientInfo, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: AUTHORIZED } }));
  return client;
}

async function quietMedian(calls: number, run: () => Promise<unknown>): Promise<number> {
  const medians: number[] = [];
  for (let done = 0; done < calls; done += 100) {
    const times: number[] = [];
    for (let index = 0; index < 100; index++) {
      const startedAt = performance.now();
      await run();
      times.push(performance.now() - startedAt);
    }
    medians.push(times.sort((a, b) => a - b)[50] ?? Number.NaN);
  }
  return Math.min(...medians);
}

/** One request over the agent's connection. @returns the response's headers, once its body was read */
function send(agent: Agent, url: string, body: object, more: object): Promise<IncomingHttpHeaders> {
  const data = JSON.stringify(body);
  const headers = {
    ...AUTHORIZED,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': Buffer.byteLength(data),
    ...more,
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { agent, method: 'POST', headers }, response => {
      let text = '';
      response.on('data', chunk => {
        text += String(chunk);
      });
      response.on('end', () => {
        if (text.includes('"result"')) resolve(response.headers);
        else reject(new Error(`HTTP ${response.statusCode}: ${text}`));
      });
    });
    request.on('error', reject);
    request.end(data);
  });
}

/** The least that can answer the call: no framework, no checks, no second process. */
async function startBareEcho(): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => answer(Buffer.concat(chunks).toString(), response));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const close = () => void server.close().closeAllConnections();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close };
}

function answer(text: string, response: ServerResponse): void {
  const { id, method, params } = text === '' ? {} : JSON.parse(text);
  if (id === undefined) {
    response.writeHead(method === undefined ? 405 : 202).end();
    return;
  }
  const result =
    method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: clientInfo }
      : { content: [{ type: 'text', text: params.arguments.message }] };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}

if (import.meta.main) {
  const figures = await benchToolCall();
  const { bare, gatewayLegacy, gatewayModern, sdkBare, sdkGatewayLegacy, sdkGatewayModern } = figures;
  console.table(figures);
  console.table({
    'legacy over bare': gatewayLegacy - bare,
    'modern over bare': gatewayModern - bare,
    'SDK client, legacy over bare': sdkGatewayLegacy - sdkBare,
    'SDK client, modern over bare': sdkGatewayModern - sdkBare,
  });
}
