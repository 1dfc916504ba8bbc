import { expect, it } from 'vitest';
import { createTracer, type EndedSpan, formatTraceparent, parseTraceparent } from './tracing.ts';

const given = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

it.each([
  ['a valid one', given, true],
  ['one that is not sampled', given.replace(/01$/, '00'), true],
  ['a later version with more in it', `01${given.slice(2)}-more`, true],
  ['an invalid version', `ff${given.slice(2)}`, false],
  ['no trace', given.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)), false],
  ['no span', given.replace('00f067aa0ba902b7', '0'.repeat(16)), false],
  ['upper case', given.toUpperCase(), false],
  ['something else', ['00'], false],
  ['nothing', undefined, false],
])('reads traceparent: %s', (_situation, text, valid) => {
  expect(parseTraceparent(text) !== undefined).toBe(valid);
});

it('goes on with the trace it is given, and ends a span once', () => {
  const spans: EndedSpan[] = [];
  const tracer = createTracer(span => spans.push(span));
  const span = tracer.start('work', { parent: parseTraceparent(given), kind: 'server', attributes: { a: 1 } });
  span.set({ b: 'x' });
  span.end({ error: 'failed' });
  span.end();
  expect(formatTraceparent(span.context)).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)/);
  expect(spans).toEqual([
    expect.objectContaining({
      name: 'work',
      parentId: '00f067aa0ba902b7',
      attributes: { a: 1, b: 'x' },
      error: 'failed',
    }),
  ]);
});

it('keeps quiet about a trace that nobody samples', () => {
  const spans: EndedSpan[] = [];
  const tracer = createTracer(span => spans.push(span));
  tracer.start('work', { parent: parseTraceparent(given.replace(/01$/, '00')) }).end();
  expect(spans).toEqual([]);
});
