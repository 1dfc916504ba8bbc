import { describe, expect, it } from 'vitest';
import type { Facts } from './summarize.ts';
import { modeOf, trustDrafts } from './trust-sight.ts';

const DAY = 86_400_000;
const NOW = '2026-06-01T00:00:00.000Z';

function facts(more: {
  mode?: 'open' | 'release';
  wanted?: string;
  maxAge?: string;
  age?: number;
  waiting?: string;
}): Facts {
  const { mode = 'release', wanted = 'release', maxAge, age, waiting } = more;
  const message = { version: '1.2.0', sequence: 7, rootVersion: 1 };
  const release = age !== undefined && { message, signer: { name: 'alice' }, taggedAt: Date.parse(NOW) - age };
  return {
    repository: { mode },
    catalog: { repository: { spec: { trust: { mode: wanted, ...(maxAge !== undefined && { maxAge }) } } } },
    trust: { release: release || undefined, waiting, passedOver: [] },
  } as unknown as Facts;
}

describe('what is said of trust', () => {
  it.each<[string, Parameters<typeof facts>[0], string[]]>([
    ['a release in service', { age: 0 }, ['Trusted True v1.2.0, sequence 7, signed by alice']],
    ['none yet', { waiting: 'the remote has no release yet' }, ['Trusted False the remote has no release yet']],
    ['one in service, and none that is newer', { age: 0, waiting: 'v1.2.0 is gone' }, ['Trusted False v1.2.0 is gone']],
    [
      'one that is not too old',
      { age: 29 * DAY, maxAge: '30d' },
      ['Trusted True v1.2.0, sequence 7, signed by alice', 'Stale False '],
    ],
    [
      'one that is too old',
      { age: 31 * DAY, maxAge: '30d' },
      ['Trusted True v1.2.0, sequence 7, signed by alice', 'Stale True v1.2.0 is older than 30d'],
    ],
    ['nothing where the branch is followed', { mode: 'open', age: 0 }, []],
  ])('%s', (_situation, given, expected) => {
    const drafts = trustDrafts(facts(given), NOW);
    expect(drafts.map(({ type, status, message }) => `${type} ${status} ${message}`)).toEqual(expected);
  });

  it('is the pinned root’s, whatever the repository says', () => {
    expect(modeOf(facts({ mode: 'release', wanted: 'open' }))).toBe('release');
    expect(modeOf(facts({ mode: 'open', wanted: 'forge' }))).toBe('forge');
    expect(modeOf(facts({ mode: 'open', wanted: 'open' }))).toBe('open');
  });
});
