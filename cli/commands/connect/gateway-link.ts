import {
  type JSONRPCMessage,
  SdkHttpError,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { createHttpClient, isLoopbackHost } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import type { Gateway } from '../../contexts.ts';

/** One line to a project's endpoint: at most one legacy session, any number of requests. */
export interface GatewayLink {
  /**
   * Send a message; what comes back goes to `onMessage`. Resolves when the gateway has taken it, which for a request
   * may be when it is answered; rejects with the transport's own error, or with DAEMON_NOT_RUNNING while the gateway
   * starts.
   * @param options.onEnd called when the stream of a request has ended, whether or not with an answer
   */
  send(message: JSONRPCMessage, options?: { signal?: AbortSignal; onEnd?: () => void }): Promise<void>;
  /** End the session, if there is one, and every stream. */
  close(): Promise<void>;
}

export interface LinkHandlers {
  onMessage(message: JSONRPCMessage): void;
  /** Trouble with the stream that the gateway speaks on by itself. */
  onError(error: Error): void;
}

const GOODBYE_MS = 500;
const READY_MS = 5_000;

/** Open a line to a project of a gateway; nothing is sent yet. */
export async function openLink(gateway: Gateway, project: string, handlers: LinkHandlers): Promise<GatewayLink> {
  const url = new URL(`${gateway.url}/mcp/${encodeURIComponent(project)}`);
  const http = createHttpClient({
    allowLoopback: isLoopbackHost(url.hostname),
    allowPrivate: true,
    // A tool may take its time before it says anything, and a stream may be silent for hours.
    headersTimeoutMs: 0,
    bodyTimeoutMs: 0,
  });
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: http.fetch,
    requestInit: { headers: { Authorization: `Bearer ${gateway.token}` } },
    reconnectionOptions: {
      initialReconnectionDelay: 100,
      maxReconnectionDelay: 1_000,
      reconnectionDelayGrowFactor: 2,
      maxRetries: 2,
    },
  });
  transport.onmessage = handlers.onMessage;
  transport.onerror = handlers.onError;
  await transport.start();

  /** A gateway that has just started has no project yet. */
  async function isStarting(): Promise<boolean> {
    const answer = await http.fetch(`${gateway.url}/readyz`, { signal: AbortSignal.timeout(READY_MS) });
    await answer.body?.cancel();
    return answer.status === 503;
  }

  return {
    async send(message, { signal, onEnd } = {}) {
      const streams = { ...(signal && { requestSignal: signal }), ...(onEnd && { onRequestStreamEnd: onEnd }) };
      try {
        await transport.send(message, streams);
      } catch (error) {
        if (statusOf(error) !== 404 || transport.sessionId !== undefined) throw error;
        if (!(await isStarting().catch(() => false))) throw error;
        throw new ProblemError(problem('DAEMON_NOT_RUNNING', 'the gateway is starting'), { cause: error });
      }
    },
    async close() {
      transport.onerror = () => undefined;
      const goodbye = transport.terminateSession().catch(() => undefined);
      await Promise.race([goodbye, new Promise(resolve => setTimeout(resolve, GOODBYE_MS).unref())]);
      await transport.close();
      await http.close();
    },
  };
}

/** Nothing was sent: nobody listens at the address. */
export function isRefused(error: unknown): boolean {
  return codes(error).some(code => code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT');
}

/** The connection ended in the middle: whether the gateway has done something is not known. */
export function isCutOff(error: unknown): boolean {
  return codes(error).some(code => code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET');
}

/** The HTTP status that the gateway answered with. */
export function statusOf(error: unknown): number | undefined {
  if (error instanceof UnauthorizedError) return 401;
  return error instanceof SdkHttpError ? error.status : undefined;
}

/** The codes of an error, its causes, and what an AggregateError (one per address tried) holds. */
function codes(error: unknown): unknown[] {
  if (typeof error !== 'object' || error === null) return [];
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return [code, ...(error instanceof AggregateError ? error.errors.flatMap(codes) : []), ...codes(cause)];
}
