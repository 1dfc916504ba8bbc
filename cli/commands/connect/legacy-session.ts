import { isJSONRPCResultResponse, type JSONRPCMessage, type JSONRPCRequest } from '@modelcontextprotocol/client';
import { type GatewayLink, isRefused, type LinkHandlers, statusOf } from './gateway-link.ts';
import { withPatience } from './patience.ts';

/** A session of the legacy era (`initialize`), made again for a client that knows nothing of it. */
export interface LegacySession {
  /** Send a message, after `initialize` in whatever session there is. @throws the transport's own error */
  send(message: JSONRPCMessage, onEnd?: () => void): Promise<void>;
  close(): Promise<void>;
}

export interface LegacyOptions {
  open(handlers: LinkHandlers): Promise<GatewayLink>;
  /** To the client. */
  write(message: JSONRPCMessage): void;
  /** Aborts when the bridge ends. */
  signal: AbortSignal;
  /** How long a message waits for a gateway that is gone. In milliseconds. */
  patienceMs: number;
  /** Whether an error means that the gateway is away and may come back. */
  isAway: (error: unknown) => boolean;
}

/** Ids of requests that the client does not know of. */
const OWN_ID = 'mcpctl-connect';

/** @returns a session that begins with the client's `initialize` */
export function createLegacySession(options: LegacyOptions): LegacySession {
  const { open, write, signal, patienceMs, isAway } = options;
  let greeting: JSONRPCRequest | undefined;
  let initialized: JSONRPCMessage | undefined;
  let link: GatewayLink | undefined;
  let renewal: Promise<GatewayLink> | undefined;
  /** Why the renewal that is under way has not come about. */
  let trouble: unknown;

  /** A new link that has been greeted as the client did; then the client lists again. */
  async function renew(): Promise<GatewayLink> {
    const answered = Promise.withResolvers<JSONRPCMessage>();
    const next: GatewayLink = await open({
      onMessage(message) {
        if ('id' in message && message.id === OWN_ID) answered.resolve(message);
        else write(message);
      },
      onError: error => whenLost(next, error),
    });
    try {
      if (greeting) {
        await next.send({ ...greeting, id: OWN_ID }, { onEnd: () => answered.reject(new Error('no answer')) });
        const answer = await answered.promise;
        if (initialized) await next.send(initialized);
        for (const method of changedLists(answer)) write({ jsonrpc: '2.0', method });
      }
      return next;
    } catch (error) {
      await next.close();
      throw error;
    }
  }

  /** Make a new session in the place of one that is lost; once, however many ask. */
  function replace(lost: GatewayLink | undefined): Promise<GatewayLink> {
    if (link !== lost && link) return Promise.resolve(link);
    renewal ??= withPatience(renew, { patienceMs: Number.POSITIVE_INFINITY, signal, isPassing: mayPass })
      .then(async next => {
        const before = link;
        link = next;
        await before?.close();
        return next;
      })
      .finally(() => {
        renewal = undefined;
      });
    return renewal;
  }

  /** In time, a project may come back, too. */
  function mayPass(error: unknown): boolean {
    trouble = error;
    return isAway(error) || statusOf(error) === 404;
  }

  /** A renewal goes on for as long as it takes; a message does not wait that long. */
  async function renewed(lost: GatewayLink | undefined): Promise<GatewayLink> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(trouble), patienceMs);
    return Promise.race([replace(lost), late]).finally(() => clearTimeout(timer));
  }

  function whenLost(which: GatewayLink, error: Error): void {
    const isLost = isRefused(error) || statusOf(error) === 404 || /^Maximum reconnection/.test(error.message);
    // Nobody waits for it: what a later message meets is told then.
    if (isLost && which === link && !signal.aborted) replace(which).catch(() => undefined);
  }

  async function begin(message: JSONRPCRequest): Promise<void> {
    greeting = message;
    initialized = undefined;
    await link?.close();
    link = undefined;
    await withPatience(
      async () => {
        const next: GatewayLink = await open({ onMessage: write, onError: error => whenLost(next, error) });
        await next.send(message);
        link = next;
      },
      { patienceMs, signal, isPassing: isAway },
    );
  }

  return {
    async send(message, onEnd) {
      if ('method' in message && message.method === 'initialize' && 'id' in message) return begin(message);
      const isGreeted = 'method' in message && message.method === 'notifications/initialized';
      const current = link ?? (await renewed(undefined));
      try {
        await current.send(message, { ...(onEnd && { onEnd }) });
      } catch (error) {
        if (!isRefused(error) && statusOf(error) !== 404) throw error;
        const next = await renewed(current);
        await next.send(message, { ...(onEnd && { onEnd }) });
      } finally {
        if (isGreeted) initialized = message;
      }
    },
    async close() {
      await link?.close();
    },
  };
}

/** The notifications that make a client list again, of those that the server said it would send. */
function changedLists(answer: JSONRPCMessage): string[] {
  if (!isJSONRPCResultResponse(answer)) throw new Error('the gateway refused `initialize`');
  const capabilities = (answer.result as { capabilities?: Record<string, { listChanged?: boolean } | undefined> })
    .capabilities;
  return ['tools', 'prompts', 'resources'].flatMap(list =>
    capabilities?.[list]?.listChanged === true ? [`notifications/${list}/list_changed`] : [],
  );
}
