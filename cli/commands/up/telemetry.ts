import { randomUUID } from 'node:crypto';
import { createMetrics, createTracer, openOtlpExporter, redact } from '../../../host/index.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Telemetry } from '../../../reconciler/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Metrics always; traces where OpenTelemetry's variables name a collector: `OTEL_EXPORTER_OTLP_ENDPOINT` or
 * `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `…_HEADERS`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`,
 * `OTEL_BSP_SCHEDULE_DELAY`, `OTEL_SDK_DISABLED`, `OTEL_TRACES_EXPORTER=none`.
 */
export async function openTelemetry(
  env: Environment,
  log: (message: string) => void,
): Promise<Telemetry & { close(): Promise<void> }> {
  const metrics = createMetrics();
  const url = tracesUrl(env);
  if (url === undefined) return { metrics, close: async () => {} };
  const headers = pairs(env.OTEL_EXPORTER_OTLP_TRACES_HEADERS || env.OTEL_EXPORTER_OTLP_HEADERS);
  const delay = Number(env.OTEL_BSP_SCHEDULE_DELAY);
  const exporter = await openOtlpExporter({
    url,
    headers,
    resource: {
      'service.name': 'mcpctl',
      'service.version': packageJson.version,
      'service.instance.id': randomUUID(),
      ...pairs(env.OTEL_RESOURCE_ATTRIBUTES),
      ...(env.OTEL_SERVICE_NAME && { 'service.name': env.OTEL_SERVICE_NAME }),
    },
    ...(delay > 0 && { delayMs: delay }),
    log: message => log(redact(message, Object.values(headers), 300)),
  });
  return { metrics, tracer: createTracer(exporter.add), close: exporter.close };
}

/** Where spans go; undefined when nobody wants them. */
function tracesUrl(env: Environment): string | undefined {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return undefined;
  const own = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const text = own || (base && `${base.replace(/\/+$/, '')}/v1/traces`);
  const url = text ? URL.parse(text) : null;
  return url && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

/** `a=1,b=2`, values percent-encoded. */
function pairs(text = ''): Record<string, string> {
  const entries = text.split(',').flatMap(pair => {
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    return at < 1 ? [] : [[name, decode(value)] as const];
  });
  return Object.fromEntries(entries);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
