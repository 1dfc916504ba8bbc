import type { Attributes, EndedSpan } from './tracing.ts';

export interface OtlpOptions {
  /** Where spans are posted: `OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces`. */
  url: string;
  headers: Readonly<Record<string, string>>;
  /** `service.name` and the like. */
  resource: Attributes;
  /** Milliseconds that a span waits for others; 5 000 unless given. */
  delayMs?: number;
  log(message: string): void;
}

export interface OtlpExporter {
  add(span: EndedSpan): void;
  /** Send what is left, as far as that takes no longer than two seconds. */
  close(): Promise<void>;
}

/** Start exporting spans; what that needs is loaded only now. */
export async function openOtlpExporter(options: OtlpOptions): Promise<OtlpExporter> {
  const { startExporter } = await import('./otlp-exporter.ts');
  return startExporter(options);
}
