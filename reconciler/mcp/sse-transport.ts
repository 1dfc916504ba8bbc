import { SSEClientTransport, SseError, type Transport } from '@modelcontextprotocol/client';
import { type Problem, problem } from '../../schema/index.ts';

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

interface SseTransport extends Transport {
  /** Why it was closed, when that was the server's doing. */
  readonly failure: Problem | undefined;
}

/**
 * HTTP with server-sent events, as the protocol had it in 2024: one stream of events for everything that the server says.
 * A stream that ends is the end of the session: nobody would answer what is under way, and a new stream is a new session.
 */
export function createSseTransport(
  url: URL,
  name: string,
  options: { fetch: Fetch; headers: Readonly<Record<string, string>>; signal: AbortSignal },
): SseTransport {
  let inner: SSEClientTransport | undefined;
  let started = false;
  let failure: Problem | undefined;
  /** The transport's own error has no cause any more. */
  let failed: unknown;

  async function remembering(address: string | URL, init?: RequestInit): Promise<Response> {
    try {
      return await options.fetch(address, init);
    } catch (error) {
      failed = error;
      throw error;
    }
  }

  function lose(words: string): void {
    if (!started || failure) return;
    failure = problem('SERVER_UNREACHABLE', `${name} ${words}`);
    void transport.close();
  }

  const transport: SseTransport = {
    get failure() {
      return failure;
    },
    /** May be called again when it failed. */
    async start() {
      failed = undefined;
      const attempt = new SSEClientTransport(url, {
        fetch: remembering,
        requestInit: { headers: { ...options.headers } },
      });
      attempt.onmessage = message => transport.onmessage?.(message);
      attempt.onerror = error => {
        if (error instanceof SseError) lose('has ended its stream of events');
      };
      inner = attempt;
      try {
        await unlessAborted(attempt.start(), options.signal);
        started = true;
      } catch (error) {
        // It would try again by itself, for ever.
        await attempt.close();
        throw failed ?? error;
      }
    },
    async send(message) {
      if (!inner) throw new Error(`${name} is not connected`);
      await inner.send(message);
    },
    async close() {
      await inner?.close();
      transport.onclose?.();
    },
    setProtocolVersion: version => inner?.setProtocolVersion(version),
  };
  return transport;
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    const give = () => reject(signal.reason);
    if (signal.aborted) give();
    signal.addEventListener('abort', give, { once: true });
  });
  return Promise.race([work, aborted]);
}
