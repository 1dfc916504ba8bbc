import { randomBytes } from 'node:crypto';

/** What may be said of a span; names as OpenTelemetry's semantic conventions have them. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

export type SpanKind = 'internal' | 'server' | 'client';

/** Which span, of which trace: what `traceparent` carries from one program to the next. */
export interface TraceContext {
  traceId: string;
  spanId: string;
  sampled: boolean;
}

/** A span that is over, ready to be exported. Times are milliseconds since the epoch. */
export interface EndedSpan extends TraceContext {
  parentId: string | undefined;
  name: string;
  kind: SpanKind;
  start: number;
  end: number;
  attributes: Attributes;
  /** Set when it failed; what is said of it must be fit to show. */
  error: string | undefined;
}

export interface Span {
  readonly context: TraceContext;
  set(attributes: Attributes): void;
  /** It is over, now unless told otherwise. What comes later has no effect. */
  end(outcome?: { error?: string; at?: number }): void;
}

export interface SpanOptions {
  kind?: SpanKind;
  parent?: TraceContext | undefined;
  attributes?: Attributes;
  /** Milliseconds since the epoch; now unless given. */
  start?: number;
}

export interface Tracer {
  start(name: string, options?: SpanOptions): Span;
}

/** @param take is given every span that is over, unless its trace is not sampled */
export function createTracer(take: (span: EndedSpan) => void): Tracer {
  return {
    start(name, { kind = 'internal', parent, attributes: given = {}, start = now() } = {}) {
      const context: TraceContext = {
        traceId: parent?.traceId ?? randomBytes(16).toString('hex'),
        spanId: randomBytes(8).toString('hex'),
        sampled: parent?.sampled ?? true,
      };
      let attributes = given;
      let over = false;
      return {
        context,
        set(more) {
          attributes = { ...attributes, ...more };
        },
        end({ error, at = now() } = {}) {
          if (over) return;
          over = true;
          if (!context.sampled) return;
          take({
            ...context,
            parentId: parent?.spanId,
            name,
            kind,
            start,
            end: Math.max(at, start),
            attributes,
            error,
          });
        },
      };
    },
  };
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** W3C Trace Context; undefined for anything else. */
export function parseTraceparent(text: unknown): TraceContext | undefined {
  const [, traceId, spanId, flags] = (typeof text === 'string' && TRACEPARENT.exec(text)) || [];
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags ?? '0', 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** With fractions, and never backwards when the clock is set. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
