import { z } from 'zod';
import { startServer } from './git-server.ts';

const Value = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const Pairs = z
  .array(z.object({ key: z.string(), value: Value }))
  .transform(pairs => Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]])));
const ReceivedSpan = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.int(),
  startTimeUnixNano: z.string().regex(/^\d+$/),
  endTimeUnixNano: z.string().regex(/^\d+$/),
  attributes: Pairs,
  status: z.object({ code: z.int().optional(), message: z.string().optional() }),
});
const ExportRequest = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Pairs }),
      scopeSpans: z.array(z.object({ scope: z.object({ name: z.string() }), spans: z.array(ReceivedSpan) })),
    }),
  ),
});
export type ReceivedSpan = z.infer<typeof ReceivedSpan>;

export interface OtlpReceiver {
  url: string;
  spans: ReceivedSpan[];
  /** What the resource said of itself, last. */
  resource: Record<string, unknown>;
  headers: Record<string, unknown>[];
  /** What was wrong with what was received. */
  faults: string[];
  close(): Promise<void>;
}

/** A collector that takes OTLP over HTTP with JSON and checks what it gets. @param status what it answers */
export async function startOtlpReceiver(status = () => 200): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const receiver = { spans, resource: {}, headers: [] as Record<string, unknown>[], faults: [] as string[] };
  const server = await startServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', chunk => {
      body += chunk;
    });
    request.on('end', () => {
      receiver.headers.push(request.headers);
      const parsed = ExportRequest.safeParse(JSON.parse(body));
      if (!parsed.success || request.url !== '/v1/traces') receiver.faults.push(`${request.url}: ${parsed.error}`);
      else if (status() === 200) {
        for (const { resource, scopeSpans } of parsed.data.resourceSpans) {
          receiver.resource = resource.attributes;
          spans.push(...scopeSpans.flatMap(scope => scope.spans));
        }
      }
      response.writeHead(status(), { 'content-type': 'application/json' }).end('{}');
    });
  });
  return Object.assign(receiver, { url: server.url, close: server.close });
}
