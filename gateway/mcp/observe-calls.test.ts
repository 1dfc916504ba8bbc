import { expect, it } from 'vitest';
import { createMetrics, createTracer, parseTraceparent } from '../../host/index.ts';
import type { EndedSpan } from '../../host/tracing.ts';
import { absentServer, projectOf } from '../../tests/served-view.ts';
import type { Params } from './methods.ts';
import { createCallObserver, type ObservedCall } from './observe-calls.ts';

const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const other = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const project = projectOf('demo', [absentServer('memory')]);

function call(params: Params, header?: Headers): ObservedCall {
  return { project, method: 'tools/call', params: { name: 'memory__read', ...params }, id: 1, header };
}

function observed() {
  const spans: EndedSpan[] = [];
  const metrics = createMetrics();
  return { spans, metrics, observe: createCallObserver({ metrics, tracer: createTracer(span => spans.push(span)) }) };
}

it('gives the server the trace to go on from, and leaves the rest of the message as it was', async () => {
  const { spans, observe } = observed();
  let sent: Params = {};
  await observe(call({ arguments: { a: 1 }, _meta: { progressToken: 7, traceparent: parent } }), async params => {
    sent = params;
    return {};
  });
  const [span] = spans;
  const { traceparent, ...meta } = sent._meta as Params;
  expect(parseTraceparent(traceparent)).toEqual({ traceId: span?.traceId, spanId: span?.spanId, sampled: true });
  expect(span).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', parentId: '00f067aa0ba902b7' });
  expect(meta).toEqual({ progressToken: 7 });
  expect(sent).toMatchObject({ name: 'memory__read', arguments: { a: 1 } });
});

it.each([
  [
    'the message’s trace before the request’s',
    { _meta: { traceparent: parent } },
    other,
    '4bf92f3577b34da6a3ce929d0e0e4736',
  ],
  ['the request’s when the message has none', {}, other, '0af7651916cd43dd8448eb211c80319c'],
  [
    'the request’s when the message’s is rubbish',
    { _meta: { traceparent: 7 } },
    other,
    '0af7651916cd43dd8448eb211c80319c',
  ],
])('takes %s', async (_situation, params, header, traceId) => {
  const { spans, observe } = observed();
  await observe(call(params, new Headers({ traceparent: header })), async () => ({}));
  expect(spans).toMatchObject([{ traceId }]);
});

it('without a tracer the message passes as it came', async () => {
  const observe = createCallObserver({ metrics: createMetrics() });
  const { params, ...rest } = call({ _meta: { traceparent: parent } });
  let sent: Params = {};
  await observe({ params, ...rest }, async given => {
    sent = given;
    return {};
  });
  expect(sent).toBe(params);
});

it('a tool’s own error counts as one', async () => {
  const { spans, metrics, observe } = observed();
  await observe(call({}), async () => ({ isError: true }));
  await expect(observe(call({}), () => Promise.reject(Object.assign(new Error('x'), { code: 12 })))).rejects.toThrow();
  expect(spans.map(({ attributes }) => attributes['error.type'])).toEqual(['tool_error', '_OTHER']);
  expect(metrics.text()).toContain('mcpctl_server="memory",error_type="tool_error"} 1');
});
