import {
  type JSONRPCMessage,
  type JSONRPCRequest,
  PROTOCOL_VERSION_META_KEY,
  type RequestId,
  SUBSCRIPTION_ID_META_KEY,
} from '@modelcontextprotocol/client';
import { type GatewayLink, isRefused, type LinkHandlers } from './gateway-link.ts';
import { withPatience } from './patience.ts';

/** Requests of the modern era: each stands by itself, and a subscription is a request that stays open. */
export interface ModernRequests {
  /** @throws the transport's own error; resolves early for a subscription, which is kept up until it is cancelled */
  send(message: JSONRPCRequest, onEnd: () => void): Promise<void>;
  /** Whether there was such a request; it is not waited for any more. */
  cancel(id: RequestId): boolean;
  close(): Promise<void>;
}

export interface ModernOptions {
  open(handlers: LinkHandlers): Promise<GatewayLink>;
  write(message: JSONRPCMessage): void;
  signal: AbortSignal;
  patienceMs: number;
  isAway: (error: unknown) => boolean;
}

interface Subscription {
  lists: string[];
  /** Whether the client knows that it is open. */
  acknowledged: boolean;
}

const FILTERS: Record<string, string> = {
  toolsListChanged: 'notifications/tools/list_changed',
  promptsListChanged: 'notifications/prompts/list_changed',
  resourcesListChanged: 'notifications/resources/list_changed',
};

/** Whether a request says its protocol version itself, as the modern era has it. */
export function isModern(message: JSONRPCMessage): message is JSONRPCRequest {
  if (!('method' in message) || !('id' in message)) return false;
  return typeof message.params?._meta?.[PROTOCOL_VERSION_META_KEY] === 'string';
}

export function createModernRequests(options: ModernOptions): ModernRequests {
  const { open, write, signal, patienceMs, isAway } = options;
  const inFlight = new Map<RequestId, AbortController>();
  const subscriptions = new Map<RequestId, Subscription>();
  let link: GatewayLink | undefined;

  async function attempt(message: JSONRPCRequest, abort: AbortSignal, onEnd: () => void): Promise<void> {
    const current = link ?? (await open({ onMessage: receive, onError: () => undefined }));
    link = current;
    try {
      await current.send(message, { signal: abort, onEnd });
    } catch (error) {
      // Started again, the gateway may listen elsewhere.
      if (isRefused(error) && link === current) {
        link = undefined;
        void current.close();
      }
      throw error;
    }
  }

  function receive(message: JSONRPCMessage): void {
    const id = subscriptionOf(message);
    const subscription = id === undefined ? undefined : subscriptions.get(id);
    if (!subscription || id === undefined) {
      write(message);
      return;
    }
    // Its end is ours to mend; the client is told nothing of it.
    if (!('method' in message)) return;
    const isOpening = message.method === 'notifications/subscriptions/acknowledged';
    if (!isOpening || !subscription.acknowledged) write(message);
    else {
      const params = { _meta: { [SUBSCRIPTION_ID_META_KEY]: id } };
      for (const method of subscription.lists) write({ jsonrpc: '2.0', method, params });
    }
    if (isOpening) subscription.acknowledged = true;
  }

  /** Open the subscription's stream again whenever it ends, for as long as the client wants it. */
  async function keepUp(message: JSONRPCRequest, abort: AbortSignal): Promise<void> {
    while (!abort.aborted) {
      const ended = Promise.withResolvers<void>();
      abort.addEventListener('abort', () => ended.resolve(), { once: true });
      const once = () => attempt(message, abort, ended.resolve);
      await withPatience(once, { patienceMs: Number.POSITIVE_INFINITY, signal: abort, isPassing: () => true });
      await ended.promise;
    }
  }

  return {
    async send(message, onEnd) {
      const { id } = message;
      const own = new AbortController();
      const abort = AbortSignal.any([own.signal, signal]);
      inFlight.set(id, own);
      if (message.method === 'subscriptions/listen') {
        subscriptions.set(id, { lists: listsOf(message), acknowledged: false });
        keepUp(message, abort).catch(() => undefined);
        return;
      }
      await withPatience(() => attempt(message, abort, onEnd), { patienceMs, signal: abort, isPassing: isAway });
    },
    cancel(id) {
      const found = inFlight.get(id);
      inFlight.delete(id);
      subscriptions.delete(id);
      found?.abort();
      return found !== undefined;
    },
    async close() {
      for (const one of inFlight.values()) one.abort();
      await link?.close();
    },
  };
}

/** The subscription that a message belongs to: its answer, or a notification on its stream. */
function subscriptionOf(message: JSONRPCMessage): RequestId | undefined {
  if (!('method' in message)) return message.id;
  const id = message.params?._meta?.[SUBSCRIPTION_ID_META_KEY];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

function listsOf({ params }: JSONRPCRequest): string[] {
  const filter = (params as { notifications?: Record<string, unknown> } | undefined)?.notifications ?? {};
  return Object.entries(FILTERS).flatMap(([name, method]) => (filter[name] === true ? [method] : []));
}
