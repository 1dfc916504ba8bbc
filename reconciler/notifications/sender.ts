import { createHmac, randomUUID } from 'node:crypto';
import type { HttpClient } from '../../host/index.ts';

export interface Delivery {
  url: string;
  /** Asked for at each try: what is missing now may be there later. Rejects with the reason. */
  secret(): Promise<string>;
  http: HttpClient;
  body: object;
}

export interface Sender {
  /** Take it over; it is delivered in the background, after those taken over before. */
  add(delivery: Delivery): void;
  /** Nothing is sent any more. */
  close(): void;
}

export interface SenderOptions {
  /** Milliseconds before each further try; a delivery is given up after the last. */
  pauses?: readonly number[];
  /** Told why a delivery was given up; the text holds no secret. */
  failed(url: string, why: string): void;
}

const PAUSES = [1_000, 5_000, 30_000, 120_000];
const MAX_QUEUE = 100;
const TIMEOUT_MS = 10_000;

/**
 * Delivers in order, one at a time. The queue is bounded: the oldest make room, because the newest say how things are.
 * Requests are signed as the Standard Webhooks specification has it: HMAC-SHA256 over id, time and body.
 */
export function createSender({ pauses = PAUSES, failed }: SenderOptions): Sender {
  const queue: Delivery[] = [];
  const closing = new AbortController();
  let working = false;

  async function work(): Promise<void> {
    for (let next = queue.shift(); next && !closing.signal.aborted; next = queue.shift()) {
      const why = await deliver(next);
      if (why !== undefined && !closing.signal.aborted) failed(next.url, why);
    }
    working = false;
  }

  async function deliver(delivery: Delivery): Promise<string | undefined> {
    const id = `msg_${randomUUID()}`;
    const body = JSON.stringify(delivery.body);
    for (let attempt = 0; ; attempt++) {
      const outcome = await post(delivery, id, body, closing.signal);
      const pause = pauses[attempt];
      if (outcome === 'delivered') return undefined;
      if (outcome.final || pause === undefined) return outcome.why;
      await sleep(pause, closing.signal);
      if (closing.signal.aborted) return outcome.why;
    }
  }

  return {
    add(delivery) {
      if (queue.length >= MAX_QUEUE) {
        queue.shift();
        failed(delivery.url, 'too many are waiting, so the oldest was dropped');
      }
      queue.push(delivery);
      if (working) return;
      working = true;
      void work();
    },
    close() {
      closing.abort();
      queue.length = 0;
    },
  };
}

type Outcome = 'delivered' | { why: string; final: boolean };

async function post({ url, secret, http }: Delivery, id: string, body: string, closing: AbortSignal): Promise<Outcome> {
  try {
    const time = String(Math.floor(Date.now() / 1000));
    const signature = sign(await secret(), `${id}.${time}.${body}`);
    const response = await http.fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'mcpctl',
        'webhook-id': id,
        'webhook-timestamp': time,
        'webhook-signature': `v1,${signature}`,
      },
      body,
      signal: AbortSignal.any([closing, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    if (response.ok) return 'delivered';
    // What the receiver will not have, it will not have later either; a redirect is not followed.
    const final = response.status < 500 && response.status !== 429 && response.status !== 408;
    return { why: `HTTP ${response.status}`, final };
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? cause : (error as Error);
    const final = 'code' in reason && reason.code === 'EADDRNOTALLOWED';
    return { why: cause instanceof Error && cause.message !== '' ? cause.message : message, final };
  }
}

/** @param secret as it is, or `whsec_` and base64, as tools for Standard Webhooks make it */
function sign(secret: string, text: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret;
  return createHmac('sha256', key).update(text).digest('base64');
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(done, ms).unref();
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
