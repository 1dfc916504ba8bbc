import { expect, it } from 'vitest';
import { createEventRing } from './events.ts';

function instance(state: string) {
  return { type: 'instance' as const, id: 'memory-0', state };
}

it.each<[situation: string, added: string[], after: number, expected: [number, string][]]>([
  ['nothing happened', [], 0, []],
  [
    'all that is kept, oldest first',
    ['Starting', 'Running'],
    0,
    [
      [1, 'Starting'],
      [2, 'Running'],
    ],
  ],
  ['only what is new', ['Starting', 'Running'], 1, [[2, 'Running']]],
  ['nothing new', ['Starting', 'Running'], 2, []],
  [
    'the oldest are forgotten, their numbers are not used again',
    ['Pending', 'Starting', 'Running', 'Error'],
    0,
    [
      [2, 'Starting'],
      [3, 'Running'],
      [4, 'Error'],
    ],
  ],
  ['a number of an earlier daemon', ['Starting'], 99, []],
])('%s', (_situation, added, after, expected) => {
  const ring = createEventRing(3);
  for (const state of added) ring.add(instance(state), '2026-01-01T00:00:00.000Z');
  const found = ring.since(after).map(event => [event.sequence, 'state' in event ? event.state : '']);
  expect(found).toEqual(expected);
});

it('tells those who listen, until they do not', () => {
  const ring = createEventRing();
  let told = 0;
  const stop = ring.onEvent(() => {
    told += 1;
  });
  ring.add(instance('Starting'), '2026-01-01T00:00:00.000Z');
  stop();
  ring.add(instance('Running'), '2026-01-01T00:00:00.000Z');
  expect(told).toBe(1);
});
