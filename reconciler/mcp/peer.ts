import {
  type JSONRPCMessage,
  type JSONRPCRequest,
  type JSONRPCResponse,
  ProtocolError,
  ProtocolErrorCode,
  SdkHttpError,
  type Transport,
} from '@modelcontextprotocol/client';
import { type Problem, ProblemError, problem } from '../../schema/index.ts';
import type { RequestOptions } from './upstream.ts';

type Params = Record<string, unknown>;

export interface PeerRequestOptions extends Omit<RequestOptions, 'signal'> {
  signal?: AbortSignal | undefined;
}

/**
 * The client's side of JSON-RPC over a transport. Results pass as they came: nothing is validated, copied or lost,
 * which is what a gateway needs and the SDK's Client, made for end users, does not offer.
 */
export interface Peer {
  /** `_meta` entries for every message; set once the handshake chose the modern era. */
  envelope: Params | undefined;
  onNotification: ((method: string, params: Params) => void) | undefined;
  /** Tells of a failed request whether the connection as a whole is lost, and why. */
  lostBy: ((error: unknown) => Problem | undefined) | undefined;
  /** Settles with the reason when the connection is lost. */
  readonly closed: Promise<Problem>;
  request(method: string, params: Params, options?: PeerRequestOptions): Promise<Params>;
  notify(method: string, params?: Params): Promise<void>;
  /** Give the connection up for the reason given; what is open is rejected with it. */
  end(why: Problem): void;
}

interface Pending {
  resolve: (result: Params) => void;
  reject: (error: unknown) => void;
  onProgress: RequestOptions['onProgress'];
}

const DEFAULT_TIMEOUT_MS = 60_000;
/** What is nested deeper can be read as JSON, but not be written again. */
const MAX_DEPTH = 500;

/**
 * @param name the server, for messages
 * @param failure why the transport closed, where the transport knows
 */
export function createPeer(transport: Transport, name: string, failure: () => Problem | undefined): Peer {
  const pending = new Map<number, Pending>();
  const closed = Promise.withResolvers<Problem>();
  let lost: Problem | undefined;
  let nextId = 1;

  transport.onmessage = receive;
  transport.onclose = () => end(failure() ?? problem('SERVER_UNREACHABLE', `The connection to ${name} was closed`));

  const peer: Peer = {
    envelope: undefined,
    onNotification: undefined,
    lostBy: undefined,
    closed: closed.promise,
    request,
    notify,
    end,
  };
  return peer;

  function request(method: string, params: Params, options: PeerRequestOptions = {}): Promise<Params> {
    if (lost) return Promise.reject(new ProblemError(lost));
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    const id = nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<Params>();
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const stream = transport.hasPerRequestStream ? new AbortController() : undefined;
    const timer = Number.isFinite(timeoutMs) ? setTimeout(onTimeout, timeoutMs) : undefined;
    signal?.addEventListener('abort', onAbort, { once: true });
    pending.set(id, {
      onProgress: options.onProgress,
      resolve(result) {
        settle();
        resolve(result);
      },
      reject(error) {
        settle();
        reject(error);
      },
    });
    const message: JSONRPCRequest = { jsonrpc: '2.0', id, method, params: withMeta(params, id, options) };
    transport
      .send(message, { ...(stream && { requestSignal: stream.signal }), onRequestStreamEnd: onStreamEnd })
      .catch(onSendError);
    return promise;

    function settle(): void {
      pending.delete(id);
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
    function onTimeout(): void {
      cancel(new ProblemError(problem('SERVER_TIMEOUT', `${name} did not answer ${method} within ${timeoutMs} ms`)));
    }
    function onAbort(): void {
      cancel(signal?.reason);
    }
    /** Before 2026-07-28, and on a shared channel always, a notification cancels; else the end of the stream does. */
    function cancel(reason: unknown): void {
      if (!pending.has(id)) return;
      pending.get(id)?.reject(reason);
      if (stream && peer.envelope) {
        stream.abort();
        return;
      }
      const word = reason instanceof Error ? reason.message : String(reason);
      const told =
        method === 'initialize' ? undefined : notify('notifications/cancelled', { requestId: id, reason: word });
      void Promise.resolve(told).finally(() => stream?.abort());
    }
    /** HTTP only: the stream that carried the request is over, and nothing can come any more. */
    function onStreamEnd(): void {
      const why = problem('SERVER_UNREACHABLE', `${name} broke off before it had answered ${method}`);
      pending.get(id)?.reject(new ProblemError(why));
    }
    function onSendError(error: unknown): void {
      if (!pending.has(id)) return;
      const why = peer.lostBy?.(error);
      if (why) end(why);
      else pending.get(id)?.reject(asRequestError(error));
    }
  }

  function notify(method: string, params: Params = {}): Promise<void> {
    if (lost) return Promise.resolve();
    const meta = peer.envelope && { _meta: { ...(params._meta as Params | undefined), ...peer.envelope } };
    return transport.send({ jsonrpc: '2.0', method, params: { ...params, ...meta } }).catch(() => undefined);
  }

  function withMeta(params: Params, id: number, options: PeerRequestOptions): Params {
    const given = params._meta as Params | undefined;
    if (!peer.envelope && !options.onProgress && given?.progressToken === undefined) return params;
    const { progressToken: _theirs, ...meta } = given ?? {};
    return { ...params, _meta: { ...meta, ...(options.onProgress && { progressToken: id }), ...peer.envelope } };
  }

  function receive(message: JSONRPCMessage): void {
    if (!('method' in message)) receiveAnswer(message);
    else if ('id' in message) answer(message);
    else if (message.method === 'notifications/progress') progress((message.params ?? {}) as Params);
    else peer.onNotification?.(message.method, (message.params ?? {}) as Params);
  }

  function receiveAnswer(message: JSONRPCResponse): void {
    const waiting = pending.get(Number(message.id));
    if (!waiting) return;
    const { result, error } = message as { result?: unknown; error?: unknown };
    if (isDeeper(message, MAX_DEPTH)) waiting.reject(unusable(`nested in more than ${MAX_DEPTH} levels`));
    else if (isObject(result)) waiting.resolve(result);
    else if (isObject(error)) waiting.reject(asProtocolError(error));
    else waiting.reject(unusable('without result or error'));
  }

  function unusable(how: string): ProblemError {
    return new ProblemError(problem('SERVER_PROTOCOL', `${name} sent an answer ${how}`));
  }

  function progress({ progressToken, ...params }: Params): void {
    pending.get(Number(progressToken))?.onProgress?.(params);
  }

  /** What a server may ask of a client that declared no capability: whether it is there. */
  function answer(request: JSONRPCRequest): void {
    const { id, method } = request;
    const error = { code: ProtocolErrorCode.MethodNotFound, message: 'Method not found' };
    const reply = method === 'ping' ? { result: {} } : { error };
    transport.send({ jsonrpc: '2.0', id, ...reply } as JSONRPCMessage).catch(() => undefined);
  }

  function end(why: Problem): void {
    if (lost) return;
    lost = why;
    closed.resolve(why);
    for (const waiting of [...pending.values()]) waiting.reject(new ProblemError(why));
    transport.close().catch(() => undefined);
  }
}

/** An HTTP error whose body is a JSON-RPC error is that error. */
function asRequestError(error: unknown): unknown {
  if (!(error instanceof SdkHttpError) || typeof error.data.text !== 'string') return error;
  try {
    const { error: inner } = JSON.parse(error.data.text) as { error?: unknown };
    return isObject(inner) && typeof inner.code === 'number' ? asProtocolError(inner) : error;
  } catch {
    return error;
  }
}

/** A server's error as it came; what is no code or no text becomes one. */
function asProtocolError({ code, message, data }: Params): ProtocolError {
  const number = Number.isInteger(code) ? Number(code) : ProtocolErrorCode.InternalError;
  return new ProtocolError(number, typeof message === 'string' ? message : 'an error without a message', data);
}

function isObject(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const parts: unknown[] = Array.isArray(value) ? value : Object.values(value);
  return levels === 0 || parts.some(part => isDeeper(part, levels - 1));
}
