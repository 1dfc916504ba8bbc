import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
} from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { type Clock, systemClock } from '../../../host/index.ts';
import { FIELD_MANAGER } from './marks.ts';
import { type Applied, pathOf } from './objects.ts';
import { KubeRefusal } from './refusal.ts';

/** A cluster's API over its documented HTTP; what comes back is unknown until it is parsed. */
export interface KubeApi {
  get(path: string): Promise<unknown>;
  /**
   * Server-side apply under our name.
   * @param force take over fields that another manager has
   * @param version only if it is still the version that was read
   * @param uid only if it is there, and still the same
   * @param path where the API has it, for kinds that are not a server's
   */
  apply(object: Applied, options?: ApplyOptions): Promise<unknown>;
  merge(path: string, patch: unknown): Promise<unknown>;
  create(path: string, object: unknown): Promise<unknown>;
  update(path: string, object: unknown): Promise<unknown>;
  /** It is no mistake when there is nothing. */
  remove(path: string, options?: Record<string, unknown>): Promise<void>;
  /** Whole lines of an endless answer, until it ends or is aborted. @param onOpen told when it begins */
  lines(path: string, signal: AbortSignal, onLine: (line: string) => void, onOpen?: () => void): Promise<void>;
  socket(path: string, onFrame: (channel: number, data: Buffer) => void): Promise<Socket>;
  /** What was sent so far, by method. */
  readonly sent: Readonly<Record<string, number>>;
  /** How far the cluster's clock was before ours at its last answer. Milliseconds, to the second. */
  ahead(): number;
  close(): void;
}

interface ApplyOptions {
  force?: boolean;
  version?: string | undefined;
  uid?: string | undefined;
  path?: string;
}

/** A WebSocket of exec, attach or port-forward: channels of bytes. */
export interface Socket {
  send(channel: number, data: Uint8Array): void;
  pause(): void;
  resume(): void;
  close(): void;
  /** Settles when it has ended, however. */
  closed: Promise<void>;
}

const TRIES = 6;
const MAX_SOCKETS = 32;
const MAX_WAIT_SECONDS = 30;
const REQUEST_MS = 30_000;
/** So much is read of a refusal. */
const MAX_REFUSAL_BYTES = 64 * 1024;

export function createApi(config: KubeConfig, clock: Clock = systemClock): KubeApi {
  const server = new URL(config.getCurrentCluster()?.server ?? 'https://kubernetes.invalid');
  const sent: Record<string, number> = {};
  let ahead = 0;
  let agent: Agent | HttpAgent | undefined;
  /** Of answers without an end, each of which has its connection for itself: they must not use up the others'. */
  let endless: Agent | HttpAgent | undefined;

  /** Credentials may change from one request to the next: tokens expire. */
  async function optionsFor(method: string, path: string, type?: string, ends = true): Promise<RequestOptions> {
    const options: Record<string, unknown> = {};
    await config.applyToHTTPSOptions(options as Parameters<KubeConfig['applyToHTTPSOptions']>[0]);
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    const tls = { ca, cert, key, servername, ...(rejectUnauthorized !== undefined && { rejectUnauthorized }) };
    const proxied = config.getCurrentCluster()?.proxyUrl !== undefined;
    const make = (how: object) =>
      server.protocol === 'https:' ? new Agent({ ...how, ...tls } as object) : new HttpAgent(how);
    if (ends) agent ??= make({ keepAlive: true, maxSockets: MAX_SOCKETS });
    else endless ??= make({ keepAlive: false });
    return {
      ...options,
      agent: proxied ? (options.agent as Agent) : ends ? agent : endless,
      method,
      hostname: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port,
      path: `${server.pathname.replace(/\/$/, '')}${path}`,
      headers: {
        ...(options.headers as Record<string, string> | undefined),
        accept: 'application/json',
        'user-agent': FIELD_MANAGER,
        ...(type !== undefined && { 'content-type': type }),
      },
    } as RequestOptions;
  }

  async function open(method: string, path: string, body?: { type: string; content: unknown }, signal?: AbortSignal) {
    const options = await optionsFor(method, path, body?.type, signal === undefined);
    const content = body && Buffer.from(JSON.stringify(body.content));
    // Without it a DELETE's body would be taken for the next request.
    const length = content && { 'content-length': String(content.length) };
    sent[method] = (sent[method] ?? 0) + 1;
    const start = server.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { ...options.headers, ...length } as OutgoingHttpHeaders;
      const request = start({ ...options, headers, ...(signal && { signal }) }, resolve);
      request.on('error', reject);
      if (!signal) request.setTimeout(REQUEST_MS, () => request.destroy(new Error('no answer in time')));
      request.end(content);
    });
  }

  async function once(method: string, path: string, body?: { type: string; content: unknown }): Promise<unknown> {
    const answer = await open(method, path, body);
    const status = answer.statusCode ?? 0;
    const date = Date.parse(answer.headers.date ?? '');
    if (Number.isFinite(date)) ahead = date - clock.now();
    const text = await textOf(answer, status < 300 ? Number.POSITIVE_INFINITY : MAX_REFUSAL_BYTES);
    if (status >= 200 && status < 300) return parsed(text);
    throw new KubeRefusal(status, parsed(text), secondsOf(answer.headers['retry-after']));
  }

  /** The API's own priority and fairness asks to come again later; so does one that is just starting. */
  async function ask(method: string, path: string, body?: { type: string; content: unknown }): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      try {
        return await once(method, path, body);
      } catch (error) {
        const again = error instanceof KubeRefusal && (error.status === 429 || error.status === 503);
        if (!again || tries >= TRIES) throw error;
        await sleep(1000 * Math.min(error.retryAfter ?? 2 ** (tries - 1) / 4, MAX_WAIT_SECONDS));
      }
    }
  }

  /** A handshake that fails says no more than a number: the same request without one is refused for the same reason. */
  async function whyNoSocket(path: string, error: unknown): Promise<unknown> {
    const words = (error as { message?: unknown } | undefined)?.message;
    const status = Number(/^Unexpected server response: (\d+)/.exec(String(words))?.[1]);
    if (Number.isNaN(status)) return error instanceof Error ? error : new Error(String(words ?? error));
    const why = await once('GET', path).catch((refusal: unknown) => refusal);
    return why instanceof KubeRefusal && why.status === status ? why : new KubeRefusal(status, undefined);
  }

  return {
    sent,
    ahead: () => ahead,
    get: path => ask('GET', path),
    apply(object, { force = false, version, uid, path = pathOf(object) } = {}) {
      const only = { ...(version !== undefined && { resourceVersion: version }), ...(uid !== undefined && { uid }) };
      return ask('PATCH', `${path}?fieldManager=${FIELD_MANAGER}&force=${force}`, {
        type: 'application/apply-patch+yaml',
        content: { ...object, metadata: { ...object.metadata, ...only } },
      });
    },
    merge: (path, patch) =>
      ask('PATCH', `${path}?fieldManager=${FIELD_MANAGER}`, { type: 'application/merge-patch+json', content: patch }),
    create: (path, object) => ask('POST', path, { type: 'application/json', content: object }),
    update: (path, object) => ask('PUT', path, { type: 'application/json', content: object }),
    async remove(path, options = {}) {
      const content = { apiVersion: 'v1', kind: 'DeleteOptions', ...options };
      await ask('DELETE', path, { type: 'application/json', content }).catch((error: unknown) => {
        if (!(error instanceof KubeRefusal && error.status === 404)) throw error;
      });
    },
    async lines(path, signal, onLine, onOpen) {
      const answer = await open('GET', path, undefined, signal);
      const status = answer.statusCode ?? 0;
      if (status !== 200) throw new KubeRefusal(status, parsed(await textOf(answer, MAX_REFUSAL_BYTES)));
      onOpen?.();
      await readLines(answer, onLine);
    },
    async socket(path, onFrame) {
      const { WebSocketHandler } = await import('@kubernetes/client-node/dist/web-socket-handler.js');
      return openSocket(new WebSocketHandler(config), path, onFrame).catch(async (error: unknown) => {
        throw await whyNoSocket(path, error);
      });
    },
    close() {
      agent?.destroy();
      endless?.destroy();
    },
  };
}

/** The part of a WebSocket that is used here. */
interface Wire {
  send(data: Uint8Array): void;
  pause?(): void;
  resume?(): void;
  close(): void;
  terminate?(): void;
  readyState: number;
  onclose: (() => void) | null;
  onerror: (() => void) | null;
}

const CLOSE_CHANNEL = 255;
const OPEN = 1;

async function openSocket(
  handler: { connect(path: string, text: null, binary: (channel: number, data: Buffer) => boolean): Promise<unknown> },
  path: string,
  onFrame: (channel: number, data: Buffer) => void,
): Promise<Socket> {
  const wire = (await handler.connect(path, null, (channel, data) => {
    if (channel !== CLOSE_CHANNEL && data.length > 0) onFrame(channel, data);
    return true;
  })) as Wire;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  wire.onclose = () => resolve();
  wire.onerror = () => resolve();
  if (wire.readyState > OPEN) resolve();
  return {
    send(channel, data) {
      if (wire.readyState === OPEN) wire.send(Buffer.concat([Buffer.from([channel]), data]));
    },
    pause: () => wire.pause?.(),
    resume: () => wire.resume?.(),
    close() {
      resolve();
      if (wire.terminate) wire.terminate();
      else wire.close();
    },
    closed,
  };
}

async function textOf(answer: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    if (size < limit) chunks.push(chunk);
    size += chunk.length;
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readLines(answer: IncomingMessage, onLine: (line: string) => void): Promise<void> {
  let rest = '';
  answer.setEncoding('utf8');
  for await (const chunk of answer) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(line);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function secondsOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d+$/.test(header) ? Number(header) : undefined;
}
