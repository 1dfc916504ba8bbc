import { SdkHttpError, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { createHttpClient, type HttpOptions, isLoopbackHost, redact } from '../../host/index.ts';
import { type Problem, ProblemError, problem } from '../../schema/index.ts';
import type { Connection } from '../runtimes/index.ts';
import { type Handshake, shakeHands } from './handshake.ts';
import { isNotListening, whyLost } from './http-trouble.ts';
import { createPeer, type Peer } from './peer.ts';
import { createSseTransport } from './sse-transport.ts';
import { createStdioTransport } from './stdio-transport.ts';
import { subscribe } from './subscription.ts';
import { type SurfaceWatch, watchSurface } from './surface-watch.ts';
import type { Upstream } from './upstream.ts';

export interface ConnectOptions {
  /** Milliseconds for everything until the lists are there. */
  timeoutMs: number;
  /** The server or instance, for messages. */
  name: string;
  /** Values that must not appear in messages. */
  secrets: readonly string[];
  signal?: AbortSignal;
  /** Told of what is wrong but ends nothing: a dropped tool, lines that are not JSON-RPC. */
  onProblem?: (problem: Problem) => void;
  /** Networks an HTTP server may be on. By default private ones, and loopback where the URL says so itself. */
  network?: Pick<HttpOptions, 'allowLoopback' | 'allowPrivate'>;
}

interface Line {
  transport: Transport;
  failure: () => Problem | undefined;
  /** What the server wrote that is not JSON-RPC; only a stream shows it. */
  rubbish: () => string | undefined;
  release: () => Promise<void>;
}

const RETRY_MS = [20, 30, 50];
const MAX_MESSAGE_LENGTH = 500;

/**
 * Connect to a running server, agree on a protocol version, list its tools and prompts, and keep the lists current.
 * A connection that is refused is tried again until the time is up: a process may not listen yet.
 * @returns the problem when there is no connection: SERVER_INITIALIZE_TIMEOUT, SERVER_PROTOCOL, SERVER_EXITED or
 *   SERVER_UNREACHABLE. The streams of a stdio connection stay the caller's.
 */
export async function connectUpstream(
  connection: Connection,
  options: ConnectOptions,
): Promise<Upstream | { problem: Problem }> {
  const timeout = AbortSignal.timeout(Math.max(1, options.timeoutMs));
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const line = connection.kind === 'stdio' ? stdioLine(connection, options) : httpLine(connection, options, signal);
  const peer = createPeer(line.transport, options.name, line.failure);
  try {
    await whenListening(() => line.transport.start(), signal);
    const onProblem = (found: Problem) => options.onProblem?.(printable(found, options));
    const common = { name: options.name, timeoutMs: Number.POSITIVE_INFINITY, signal };
    const keepsSession = () =>
      connection.kind === 'stdio' || connection.sse === true || line.transport.sessionId !== undefined;
    const handshake = await whenListening(() => shakeHands(peer, { ...common, keepsSession }), signal);
    line.transport.setProtocolVersion?.(handshake.protocolVersion);
    const rubbish = line.rubbish();
    if (rubbish !== undefined) {
      onProblem(problem('SERVER_PROTOCOL', `${options.name} wrote a line that is not JSON-RPC: "${rubbish}"`));
    }
    const watch = watchSurface(peer, handshake, { ...common, timeoutMs: options.timeoutMs, onProblem });
    follow(peer, handshake, watch, connection.kind);
    await watch.ready;
    peer.lostBy = error => whyLost(error, options.name, line.transport.sessionId !== undefined);
    void peer.closed.then(line.release);
    return upstreamOf(peer, handshake, watch, line.transport);
  } catch (error) {
    const why = printable(whyNot(error, timeout.aborted, line, options), options);
    peer.end(why);
    await line.release();
    return { problem: why };
  }
}

function stdioLine({ stdin, stdout }: Connection & { kind: 'stdio' }, { name, secrets }: ConnectOptions): Line {
  const transport = createStdioTransport(stdin, stdout, name, secrets);
  return {
    transport,
    failure: () => transport.failure,
    rubbish: () => transport.rubbish,
    release: async () => undefined,
  };
}

function httpLine(
  { url, headers, sse }: Connection & { kind: 'http' },
  { name, network }: ConnectOptions,
  signal: AbortSignal,
): Line {
  const target = new URL(url);
  const client = createHttpClient({
    allowLoopback: isLoopbackHost(target.hostname),
    allowPrivate: true,
    ...network,
    // Requests have their own limits, and a tool may take its time before it says anything.
    headersTimeoutMs: 0,
    bodyTimeoutMs: 0,
  });
  if (sse) {
    const transport = createSseTransport(target, name, { fetch: client.fetch, headers: headers ?? {}, signal });
    return { transport, failure: () => transport.failure, rubbish: () => undefined, release: client.close };
  }
  const transport = new StreamableHTTPClientTransport(target, {
    fetch: client.fetch,
    ...(headers && { requestInit: { headers: { ...headers } } }),
    reconnectionOptions: {
      initialReconnectionDelay: 500,
      maxReconnectionDelay: 30_000,
      reconnectionDelayGrowFactor: 2,
      maxRetries: Number.MAX_SAFE_INTEGER,
    },
  });
  return { transport, failure: () => undefined, rubbish: () => undefined, release: client.close };
}

/** Run the attempt again while nothing listens at the address. */
async function whenListening<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isNotListening(error)) throw error;
      await new Promise(resolve => setTimeout(resolve, RETRY_MS[tries] ?? 50));
      if (signal.aborted) throw error;
    }
  }
}

/** List again when the server says that a list changed; a modern server has to be asked to say so. */
function follow(peer: Peer, { era, capabilities }: Handshake, watch: SurfaceWatch, kind: Connection['kind']): void {
  peer.onNotification = method => {
    if (method === 'notifications/tools/list_changed') watch.refresh('tools');
    if (method === 'notifications/prompts/list_changed') watch.refresh('prompts');
  };
  if (era === 'legacy') return;
  const toolsListChanged = capabilities.tools?.listChanged === true;
  const promptsListChanged = capabilities.prompts?.listChanged === true;
  if (!toolsListChanged && !promptsListChanged) return;
  subscribe(peer, { toolsListChanged, promptsListChanged }, kind === 'http', () => {
    watch.refresh('tools');
    watch.refresh('prompts');
  });
}

function upstreamOf(peer: Peer, handshake: Handshake, watch: SurfaceWatch, transport: Transport): Upstream {
  const { era, protocolVersion, serverInfo, instructions } = handshake;
  return {
    era,
    protocolVersion,
    serverInfo,
    instructions,
    get surface() {
      return watch.current;
    },
    onSurfaceChanged: watch.onChanged,
    closed: peer.closed,
    request: peer.request,
    probe: options => peer.request(probeMethod(handshake), {}, options),
    async close() {
      if (transport instanceof StreamableHTTPClientTransport) {
        await Promise.race([
          transport.terminateSession().catch(() => undefined),
          new Promise(r => setTimeout(r, 500).unref()),
        ]);
      }
      await transport.close();
    },
  };
}

function probeMethod({ era, capabilities }: Handshake): string {
  if (capabilities.tools) return 'tools/list';
  if (capabilities.prompts) return 'prompts/list';
  return era === 'legacy' ? 'ping' : 'server/discover';
}

/** A problem that may hold the server's own words: on one line, bounded, and without its secrets. */
function printable(found: Problem, { secrets }: ConnectOptions): Problem {
  return { ...found, message: redact(found.message.replace(/\s+/g, ' '), secrets, MAX_MESSAGE_LENGTH) };
}

function whyNot(error: unknown, timedOut: boolean, line: Line, options: ConnectOptions): Problem {
  const { name, timeoutMs } = options;
  const failure = line.failure();
  if (failure) return failure;
  const rubbish = line.rubbish();
  if (timedOut && !isNotListening(error)) {
    const hint = rubbish === undefined ? '' : `; it wrote "${rubbish}", which is not JSON-RPC`;
    return problem('SERVER_INITIALIZE_TIMEOUT', `${name} did not answer \`initialize\` within ${timeoutMs} ms${hint}`);
  }
  if (error instanceof ProblemError) return error.problem;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
  const status = error instanceof SdkHttpError ? `HTTP ${error.status}` : '';
  const word = [status, error instanceof Error ? error.message : String(error), cause].filter(Boolean).join(': ');
  return problem('SERVER_UNREACHABLE', `No connection with ${name}: ${word}`);
}
