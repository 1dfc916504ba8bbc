import { expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';

it('writes Prometheus’ text format', () => {
  const metrics = createMetrics();
  const calls = metrics.counter('calls_total', 'How often\nit was called');
  calls.add({ server: 'a' });
  calls.add({ server: 'a' }, 2);
  const seconds = metrics.histogram('call_seconds', 'How long', [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe({}, value);
  metrics.collect(() => [{ name: 'up', help: 'x', type: 'gauge', samples: [{ labels: {}, value: 1 }] }]);
  expect(metrics.text()).toBe(
    [
      '# HELP calls_total How often\\nit was called',
      '# TYPE calls_total counter',
      'calls_total{server="a"} 3',
      '# HELP call_seconds How long',
      '# TYPE call_seconds histogram',
      'call_seconds_bucket{le="0.1"} 2',
      'call_seconds_bucket{le="1"} 3',
      'call_seconds_bucket{le="+Inf"} 4',
      'call_seconds_sum 7.65',
      'call_seconds_count 4',
      '# HELP up x',
      '# TYPE up gauge',
      'up 1',
      '',
    ].join('\n'),
  );
});

it('cannot be made to forge lines or to grow without end', () => {
  const metrics = createMetrics(3);
  const calls = metrics.counter('calls_total', 'x');
  calls.add({ tool: 'a"} 1\nforged{x="\\' });
  for (let index = 0; index < 100; index++) calls.add({ tool: `${'long '.repeat(100)}${index}` });
  const lines = metrics.text().trim().split('\n').slice(2);
  expect(lines[0]).toBe('calls_total{tool="a\\"} 1\\nforged{x=\\"\\\\"} 1');
  expect(lines.length).toBeLessThanOrEqual(4);
  expect(lines.at(-1)).toBe('calls_total{tool="_OTHER"} 98');
  expect(Math.max(...lines.map(line => line.length))).toBeLessThan(200);
});
