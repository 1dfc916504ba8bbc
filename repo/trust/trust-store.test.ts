import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RootDocument, rootFingerprint } from '../../schema/index.ts';
import { type Key, makeKey, makeRoot } from '../../tests/trust-scene.ts';
import { advanceTrust, findTrust, type MachineTrust, type Mark, pinRoot, readTrust } from './index.ts';

const ID = 'test.example';
const NOW = new Date('2026-01-01T00:00:00Z');
let keys: string;
let alice: Key;
let thief: Key;
let one: RootDocument;
let two: RootDocument;
let home: string;
let trust: MachineTrust;

beforeAll(async () => {
  keys = mkdtempSync(join(tmpdir(), 'mcpctl-keys-'));
  alice = makeKey(keys, 'alice');
  thief = makeKey(keys, 'thief');
  one = await makeRoot(1, { root: [alice], release: [alice] }, [alice]);
  two = await makeRoot(2, { root: [alice], release: [alice] }, [alice]);
  return () => rmSync(keys, { recursive: true, force: true });
});
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'mcpctl-home-'));
  trust = await pinRoot(home, [one], ['/srv/ai.git'], NOW);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function mark(sequence: number, rootVersion = 1): Mark {
  const hex = String(sequence).padStart(40, '0');
  return { rootVersion, sequence, version: `0.${sequence}.0`, tag: hex, manifest: hex.padStart(64, '0') };
}

describe('what a machine trusts', () => {
  it('is found by repository and by address', async () => {
    expect(await readTrust(home, ID)).toMatchObject({ fingerprint: rootFingerprint(one.signed), mark: undefined });
    expect((await findTrust(home, '/srv/ai.git'))?.repository).toBe(ID);
    expect((await findTrust(home, '/srv/ai/'))?.repository).toBe(ID);
    expect(await findTrust(home, '/srv/other.git')).toBeUndefined();
    expect(await readTrust(home, 'other.example')).toBeUndefined();
  });

  it('stays pinned: another root is refused, the same one for another address is taken', async () => {
    const other = await makeRoot(1, { root: [thief], release: [thief] }, [thief]);
    await expect(pinRoot(home, [other], [], NOW)).rejects.toMatchObject({ problem: { code: 'ROOT_PINNED' } });
    const again = await pinRoot(home, [one], ['https://example.com/ai.git'], NOW);
    expect(again.remotes).toEqual(['/srv/ai.git', 'https://example.com/ai.git']);
  });

  it('grows: roots and the mark', async () => {
    await advanceTrust(trust, [one], mark(3), NOW);
    const grown = await advanceTrust(trust, [one, two], mark(4, 2), NOW);
    expect(grown.chain).toHaveLength(2);
    expect(await readTrust(home, ID)).toMatchObject({ mark: { sequence: 4, rootVersion: 2 } });
  });

  it.each([
    ['a lower sequence', mark(2)],
    ['the same sequence of another release', { ...mark(3), tag: 'f'.repeat(40) }],
  ])('does not go back: %s', async (_what, lower) => {
    await advanceTrust(trust, [one], mark(3), NOW);
    const refused = expect(advanceTrust(trust, [one], lower, NOW)).rejects;
    await refused.toMatchObject({ problem: { code: 'NOT_TRUSTED' } });
    expect((await readTrust(home, ID))?.mark?.tag).toBe(mark(3).tag);
  });

  it('goes back where somebody allows it, and remembers that', async () => {
    await advanceTrust(trust, [one], mark(3), NOW);
    await advanceTrust(trust, [one], mark(2), NOW, { allowRollback: true });
    await advanceTrust(trust, [one], mark(4), NOW);
    const lowered = [{ at: NOW.toISOString(), from: 3, to: 2 }];
    expect(await readTrust(home, ID)).toMatchObject({ mark: { sequence: 4, lowered } });
  });

  it('does not take a release of an older root, once there is a newer one', async () => {
    await advanceTrust(trust, [one, two], undefined, NOW);
    await expect(advanceTrust(trust, [one], mark(9), NOW)).rejects.toMatchObject({ problem: { code: 'NOT_TRUSTED' } });
  });

  it('keeps the highest of marks that are written at once', async () => {
    const all = [5, 2, 8, 1, 7].map(sequence => advanceTrust(trust, [one], mark(sequence), NOW));
    await Promise.allSettled(all);
    expect((await readTrust(home, ID))?.mark?.sequence).toBe(8);
  });
});

describe('what cannot be read is not taken for nothing', () => {
  it.each<[string, string, (text: string) => string]>([
    ['a damaged root', 'root.json', () => '{'],
    [
      'a root that was exchanged',
      'root.json',
      text => text.replace(/"fingerprint": "sha256:./, '"fingerprint": "sha256:x'),
    ],
    ['a damaged mark', 'mark.json', text => text.slice(10)],
    ['a mark with more in it', 'mark.json', text => text.replace('{', '{"future": true,')],
  ])('%s', async (_what, file, change) => {
    await advanceTrust(trust, [one], mark(3), NOW);
    const path = join(trust.folder, file);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    await expect(readTrust(home, ID)).rejects.toMatchObject({ problem: { code: 'TRUST_UNUSABLE' } });
  });

  it('a mark without a root', async () => {
    await advanceTrust(trust, [one], mark(3), NOW);
    rmSync(join(trust.folder, 'root.json'));
    await expect(readTrust(home, ID)).rejects.toMatchObject({ problem: { code: 'TRUST_UNUSABLE' } });
  });
});
