import { expect, it } from 'vitest';
import type { LaunchSpec } from '../runtime.ts';
import { objectName } from './marks.ts';
import { createWishes, type Wishes } from './wishes.ts';

function spec(id: string, specDigest = 'one'): LaunchSpec {
  const server = id.replace(/-\d+$/, '');
  const base = { id, server, ordinal: 0, specDigest, argv: [], env: {}, secrets: [] };
  return { ...base, transport: 'stdio', port: 0, path: '/mcp' };
}

const name = (id: string, digest = 'one') => objectName(spec(id, digest));

it.each<[string, (wishes: Wishes) => void, { wanted: boolean; unwanted: string[] }]>([
  ['never asked for: neither wanted nor known to be unwanted', () => undefined, { wanted: false, unwanted: [] }],
  ['asked for', it => it.ask(spec('a-0')), { wanted: true, unwanted: [] }],
  [
    'asked for and dropped',
    it => {
      it.ask(spec('a-0'));
      it.drop('a-0');
    },
    { wanted: false, unwanted: [name('a-0')] },
  ],
  [
    'dropped by one of two instances',
    it => {
      it.ask(spec('a-0'));
      it.ask(spec('a-1'));
      it.drop('a-1');
    },
    { wanted: true, unwanted: [] },
  ],
  [
    'asked for with another spec',
    it => {
      it.ask(spec('a-0'));
      it.ask(spec('a-0', 'two'));
    },
    { wanted: false, unwanted: [name('a-0')] },
  ],
  [
    'asked for with another spec and back again',
    it => {
      it.ask(spec('a-0'));
      it.ask(spec('a-0', 'two'));
      it.ask(spec('a-0'));
    },
    { wanted: true, unwanted: [name('a-0', 'two')] },
  ],
  [
    'never asked for, and dropped by who knows its name',
    it => it.drop('a-0', [name('a-0')]),
    { wanted: false, unwanted: [name('a-0')] },
  ],
  ['found to be nobody’s', it => it.doom([name('a-0')]), { wanted: false, unwanted: [name('a-0')] }],
  [
    'found to be nobody’s, and asked for after all',
    it => {
      it.doom([name('a-0')]);
      it.ask(spec('a-0'));
    },
    { wanted: true, unwanted: [] },
  ],
  [
    'dropped, and not there any more',
    it => {
      it.drop('a-0', [name('a-0')]);
      it.forget(name('a-0'));
    },
    { wanted: false, unwanted: [] },
  ],
])('%s', (_situation, happens, { wanted, unwanted }) => {
  const wishes = createWishes();
  happens(wishes);
  expect({ wanted: wishes.isWanted(name('a-0')), unwanted: wishes.unwanted() }).toEqual({ wanted, unwanted });
});

it.each<[string, (wishes: Wishes) => void, boolean]>([
  ['never heard of', () => undefined, false],
  ['asked for', it => it.ask(spec('a-0')), false],
  ['asked for with another spec', it => it.ask(spec('a-0', 'two')), true],
  ['removed', it => it.drop('a-0'), true],
  [
    'removed, and asked for again',
    it => {
      it.drop('a-0');
      it.ask(spec('a-0'));
    },
    false,
  ],
])('what is found of an instance that was %s is left, or not', (_situation, happens, expected) => {
  const wishes = createWishes();
  happens(wishes);
  expect(wishes.isLeft('a-0', name('a-0'))).toBe(expected);
});
