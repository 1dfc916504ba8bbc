import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { condition, type UpProcess } from '../e2e/daemon.ts';
import type { Files } from '../temp-repository.ts';
import { type Figure, median, quietMedian } from './figures.ts';
import { benchProject, inScene, repositoryFiles, withCleanUp } from './scene.ts';

const ROUNDS = 60;
const CALLS_A_ROUND = 100;
const TARGET_MS = 0.5;
const clientInfo = { name: 'bench', version: '1' };
const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
const bareEcho = fileURLToPath(import.meta.resolve('./bare-echo.ts'));
const echoServer = fileURLToPath(import.meta.resolve('../fixtures/servers/sdk2-stdio.mjs'));

/** `tools/call` through the gateway to a server over stdio, over the least an HTTP round trip takes. */
export function benchCall(): Promise<Figure[]> {
  const bare = spawn(process.execPath, [bareEcho], { stdio: ['ignore', 'pipe', 'inherit'] });
  const direct = spawn(process.execPath, [echoServer], { stdio: ['pipe', 'pipe', 'inherit'] });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const cleanUp = () => {
    agent.destroy();
    bare.kill();
    direct.kill();
  };
  return withCleanUp(cleanUp, () =>
    inScene({ files: echoFiles() }, async ({ up }) => {
      await up.until('everything to be Ready', status => condition(status, 'Ready') === 'True');
      const [port] = (await once(bare.stdout, 'data')) as [Buffer];
      const url = `http://127.0.0.1:${String(port).trim()}/`;
      const body = JSON.stringify(toolCall('echo__echo', 1));
      const times = await takeTurns({
        bare: () => post(url, agent, {}, body),
        stdio: await stdioCall(direct),
        modern: modernCall(up, agent, 'echo__echo'),
        legacy: await legacyCall(up, agent, 'echo__echo'),
      });
      return [figureOf('modern', times), figureOf('legacy', times)];
    }),
  );
}

function echoFiles(): Files {
  const command = JSON.stringify([process.execPath, echoServer]);
  return {
    ...repositoryFiles(0, []),
    ...benchProject(['echo']),
    'servers/echo.yaml': `apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n  transport: stdio\n  command: ${command}\n`,
  };
}

function figureOf(era: 'modern' | 'legacy', times: Record<string, number[]>): Figure {
  const { [era]: ours = [], bare = [], stdio = [] } = times;
  return {
    bench: 'call',
    name: `tools/call echo over stdio, ${era} client`,
    measured: quietMedian(ours, CALLS_A_ROUND),
    baseline: { name: 'bare HTTP echo', value: quietMedian(bare, CALLS_A_ROUND) },
    unit: 'ms',
    compare: 'difference',
    target: TARGET_MS,
    detail: {
      calls: ours.length,
      serverAlone: quietMedian(stdio, CALLS_A_ROUND),
      overallMedian: median(ours),
      overallMedianOfBareEcho: median(bare),
    },
  };
}

/** So many calls of each in a row, then of the next, so that a noisy minute meets all of them. */
async function takeTurns(calls: Record<string, () => Promise<unknown>>): Promise<Record<string, number[]>> {
  const turns = Object.entries(calls).map(([name, call]) => ({ name, call, own: [] as number[] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { call, own } of turns) {
      for (let turn = 0; turn < CALLS_A_ROUND; turn++) {
        const began = performance.now();
        await call();
        own.push(performance.now() - began);
      }
    }
  }
  return Object.fromEntries(turns.map(({ name, own }) => [name, own]));
}

function toolCall(name: string, id: number, meta?: object) {
  const params = { name, arguments: { message: 'hello' }, ...(meta && { _meta: meta }) };
  return { jsonrpc: '2.0', id, method: 'tools/call', params };
}

/** The same server without a gateway: one line to it, one line back. */
async function stdioCall({
  stdin,
  stdout,
}: ChildProcessByStdio<Writable, Readable, null>): Promise<() => Promise<void>> {
  const lines = createInterface({ input: stdout });
  const ask = async (message: object): Promise<string> => {
    stdin.write(`${JSON.stringify(message)}\n`);
    const [line] = await once(lines, 'line');
    return line;
  };
  await ask({ jsonrpc: '2.0', id: 0, method: 'initialize', params: initialize });
  stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);
  let id = 1;
  return async () => expectEcho(await ask(toolCall('echo', id++)));
}

/** A client of the modern era, that calls a tool which gives back what it was told. */
export function modernCall(up: UpProcess, agent: Agent, tool: string): () => Promise<void> {
  const version = '2026-07-28';
  const meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': clientInfo,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const headers = { 'mcp-protocol-version': version, 'mcp-method': 'tools/call', 'mcp-name': tool };
  let id = 1;
  return async () => expectEcho((await mcpPost(up, agent, headers, toolCall(tool, id++, meta))).text);
}

/** A client of the legacy era, with a session of its own. */
export async function legacyCall(up: UpProcess, agent: Agent, tool: string): Promise<() => Promise<void>> {
  const hello = { jsonrpc: '2.0', id: 0, method: 'initialize', params: initialize };
  const { headers: given } = await mcpPost(up, agent, {}, hello);
  const session = String(given['mcp-session-id']);
  const headers = { 'mcp-session-id': session, 'mcp-protocol-version': initialize.protocolVersion };
  await mcpPost(up, agent, headers, { jsonrpc: '2.0', method: 'notifications/initialized' });
  let id = 1;
  return async () => expectEcho((await mcpPost(up, agent, headers, toolCall(tool, id++))).text);
}

function expectEcho(text: string): void {
  if (!text.includes('"text":"hello"')) throw new Error(`not an echo: ${text}`);
}

interface Answer {
  headers: IncomingHttpHeaders;
  text: string;
}

function mcpPost(up: UpProcess, agent: Agent, headers: Record<string, string>, message: object): Promise<Answer> {
  const authorization = `Bearer ${up.token}`;
  return post(`${up.url}/mcp/bench`, agent, { authorization, ...headers }, JSON.stringify(message));
}

/** The same plain client for both sides, on a connection that is kept. */
function post(url: string, agent: Agent, headers: Record<string, string>, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
    };
    const sent = request(url, { method: 'POST', agent, headers: all }, response => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ headers: response.headers, text })).on('error', reject);
    });
    sent.on('error', reject).end(body);
  });
}
