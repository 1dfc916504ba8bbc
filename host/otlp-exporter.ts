import { createHttpClient } from './http.ts';
import type { OtlpExporter, OtlpOptions } from './otlp.ts';
import type { Attributes, EndedSpan, SpanKind } from './tracing.ts';

const MAX_QUEUE = 2_048;
const MAX_BATCH = 512;
const TIMEOUT_MS = 10_000;
const CLOSE_MS = 2_000;
const KINDS: Record<SpanKind, number> = { internal: 1, server: 2, client: 3 };

/**
 * Sends spans in batches, as OTLP over HTTP with JSON. Nobody waits for it: what the queue has no room for, and what
 * cannot be delivered twice, is dropped and counted.
 */
export function startExporter(options: OtlpOptions): OtlpExporter {
  const { delayMs = 5_000 } = options;
  // The address is the operator's own: collectors run next door.
  const http = createHttpClient({ allowLoopback: true, allowPrivate: true, headersTimeoutMs: TIMEOUT_MS });
  let queue: EndedSpan[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let failing = false;

  async function post(batch: readonly EndedSpan[]): Promise<string | undefined> {
    const response = await http
      .fetch(options.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...options.headers },
        body: JSON.stringify(encode(batch, options.resource)),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      .catch((error: Error & { cause?: Error }) => error.cause?.message ?? error.message);
    if (typeof response === 'string') return response;
    await response.body?.cancel();
    return response.ok ? undefined : `HTTP ${response.status}`;
  }

  async function send(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0, MAX_BATCH);
      const why = (await post(batch)) && (await post(batch));
      // Once for each time that it stops working.
      if (why !== undefined && !failing) options.log(`Traces could not be sent: ${why}`);
      failing = why !== undefined;
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    sending ??= send().finally(() => {
      sending = undefined;
    });
    return sending;
  }

  return {
    add(span) {
      if (queue.length >= MAX_QUEUE) return;
      queue.push(span);
      if (queue.length >= MAX_BATCH) void flush();
      else timer ??= setTimeout(() => void flush(), delayMs).unref();
    },
    async close() {
      const patience = new Promise<void>(resolve => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([flush(), patience]);
      queue = [];
      await http.close();
    },
  };
}

function encode(spans: readonly EndedSpan[], resource: Attributes): object {
  const scope = { name: 'mcpctl' };
  return {
    resourceSpans: [
      { resource: { attributes: pairs(resource) }, scopeSpans: [{ scope, spans: spans.map(encodeSpan) }] },
    ],
  };
}

function encodeSpan(span: EndedSpan): object {
  const { traceId, spanId, parentId, name, kind, start, end, attributes, error } = span;
  return {
    traceId,
    spanId,
    ...(parentId !== undefined && { parentSpanId: parentId }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: pairs(attributes),
    status: error === undefined ? {} : { code: 2, message: error },
  };
}

/** As a decimal text: JSON's numbers lose the last digits. */
function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1000)) * 1000n);
}

function pairs(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: encodeValue(value) }));
}

function encodeValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
