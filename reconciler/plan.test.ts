import { expect, it } from 'vitest';
import { type Item, plan } from './plan.ts';

const item = (id: string, parts: Record<string, string> = { spec: '1' }): Item => ({ id, parts });

it.each<[string, Item[], Item[], string[]]>([
  ['nothing declared, nothing there', [], [], []],
  ['declared and not there', [item('a')], [], ['create a: declared, and not there']],
  ['there and no longer declared', [], [item('a')], ['remove a: no longer declared']],
  ['there as declared', [item('a')], [item('a')], []],
  [
    'one part differs',
    [item('a', { args: '1', env: '2' })],
    [item('a', { args: '1', env: '1' })],
    ['update a: env changed'],
  ],
  [
    'a part more, a part less',
    [item('a', { lock: '1', args: '1' })],
    [item('a', { args: '1', secret: '1' })],
    ['update a: lock, secret changed'],
  ],
  [
    'sorted, whatever the order of the input',
    [item('c'), item('a'), item('b', { spec: '2' })],
    [item('d'), item('b')],
    [
      'create a: declared, and not there',
      'update b: spec changed',
      'create c: declared, and not there',
      'remove d: no longer declared',
    ],
  ],
])('%s', (_situation, desired, observed, expected) => {
  expect(plan(desired, observed).steps.map(({ op, id, because }) => `${op} ${id}: ${because}`)).toEqual(expected);
});
