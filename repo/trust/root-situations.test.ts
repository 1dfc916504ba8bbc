import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { printRoot, type RootDocument } from '../../schema/index.ts';
import { type Key, makeKey, makeRoot, markOf, outcome, TrustScene } from '../../tests/trust-scene.ts';
import { firstFault, newest, type RootChain, walkRoots } from './index.ts';

let folder: string;
let alice: Key;
let bob: Key;
let carol: Key;
let thief: Key;
let one: RootDocument;
let scene: TrustScene | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-roots-'));
  [alice, bob, carol, thief] = ['alice', 'bob', 'carol', 'thief'].map(name => makeKey(folder, name)) as [
    Key,
    Key,
    Key,
    Key,
  ];
  one = await makeRoot(1, { root: [alice], release: [alice, thief] }, [alice]);
  return () => rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  scene?.remove();
  scene = undefined;
});

const offer = (...documents: RootDocument[]) => new Map(documents.map(each => [each.signed.version, each]));

describe('a chain of roots', () => {
  const situations: Record<string, { offered(): Promise<RootDocument[]>; to: number; fault?: RegExp }> = {
    'nothing new': { offered: async () => [one], to: 1 },
    'the next version, signed by the one before': {
      offered: async () => [one, await makeRoot(2, { root: [alice], release: [bob] }, [alice])],
      to: 2,
    },
    'a new key for the root, signed by both': {
      offered: async () => [one, await makeRoot(2, { root: [bob], release: [bob] }, [alice, bob])],
      to: 2,
    },
    'a root that signs itself in': {
      offered: async () => [one, await makeRoot(2, { root: [thief], release: [thief] }, [thief])],
      to: 1,
      fault: /version 2: 0 of 1 signatures that are needed by version 1’s keys/,
    },
    'a new root that did not sign': {
      offered: async () => [one, await makeRoot(2, { root: [bob], release: [bob] }, [alice])],
      to: 1,
      fault: /0 of 1 signatures that are needed by its own keys/,
    },
    'a threshold of two, one signed': {
      offered: async () => [one, await makeRoot(2, { root: [alice, bob], release: [bob], threshold: 2 }, [alice])],
      to: 1,
      fault: /1 of 2 signatures/,
    },
    'a threshold of two, both signed': {
      offered: async () => [one, await makeRoot(2, { root: [alice, bob], release: [bob], threshold: 2 }, [alice, bob])],
      to: 2,
    },
    'a signature of a release key is none of the root’s': {
      offered: async () => [one, await makeRoot(2, { root: [alice], release: [bob] }, [thief])],
      to: 1,
      fault: /0 of 1/,
    },
    'a signature counted under another key’s name': {
      offered: async () => {
        const two = await makeRoot(2, { root: [alice, bob], release: [bob], threshold: 2 }, [alice]);
        const signatures = [alice, bob]
          .map(({ id }) => ({ key: id, signature: two.signatures[0]?.signature ?? '' }))
          .sort((a, b) => (a.key < b.key ? -1 : 1));
        return [one, { ...two, signatures }];
      },
      to: 1,
      fault: /1 of 2/,
    },
    'a gap': {
      offered: async () => [one, await makeRoot(3, { root: [alice], release: [bob] }, [alice])],
      to: 1,
      fault: /version 3 is there, but version 2 is not/,
    },
    'another repository': {
      offered: async () => [one, await makeRoot(2, { root: [alice], release: [bob] }, [alice], 'other.example')],
      to: 1,
      fault: /another repository/,
    },
    'another first version': {
      offered: async () => [await makeRoot(1, { root: [thief], release: [thief] }, [thief])],
      to: 1,
      fault: /version 1 is not the one that was accepted before/,
    },
    'a signature over something else': {
      offered: async () => {
        const two = await makeRoot(2, { root: [alice], release: [bob] }, [alice]);
        return [one, { ...two, signatures: one.signatures }];
      },
      to: 1,
      fault: /0 of 1/,
    },
  };
  it.each(Object.entries(situations))('%s', async (_what, { offered, to, fault }) => {
    const walk = walkRoots([one], offer(...(await offered())));
    expect(newest(walk.chain).version).toBe(to);
    if (fault) expect(walk.faults.join()).toMatch(fault);
    else expect(walk.faults).toEqual([]);
  });

  it('goes on over several versions', async () => {
    const two = await makeRoot(2, { root: [bob], release: [bob] }, [alice, bob]);
    const three = await makeRoot(3, { root: [carol], release: [carol] }, [bob, carol]);
    expect(newest(walkRoots([one], offer(one, two, three)).chain).version).toBe(3);
    // From a later pin too, which does not need the versions before.
    expect(newest(walkRoots([two], offer(two, three)).chain).version).toBe(3);
  });

  it('begins with a root that signed itself', async () => {
    expect(firstFault(one)).toBeUndefined();
    expect(firstFault({ ...one, signatures: [] })).toMatch(/0 of 1/);
  });
});

describe('a release, after the root changed', () => {
  async function begin(): Promise<TrustScene> {
    scene = new TrustScene({ 'trust/root/1.json': printRoot(one) });
    scene.chain = [one];
    return scene;
  }
  const rotated = () => makeRoot(2, { root: [alice], release: [alice] }, [alice]);

  it('is trusted when it brings the new root along', async () => {
    const here = await begin();
    await here.release({ version: '0.1.0', sequence: 1, key: thief });
    here.addRoots(await rotated());
    const { ref } = await here.release({ version: '0.1.1', sequence: 2, key: alice, message: { rootVersion: 2 } });
    const verdict = await here.verify(ref);
    expect(outcome(verdict)).toBe('trusted');
    expect(newest(verdict.chain).version).toBe(2);
    expect(here.gitAccepts(ref, [alice])).toBe(true);
  });

  it.each([
    ['under the old root', 1, 'key'],
    ['under the new root', 2, 'key'],
  ])('is not, signed by the key that was taken away, %s, however it is dated', async (_what, rootVersion, ours) => {
    const here = await begin();
    const old = here.repository.git('rev-parse', 'HEAD');
    here.addRoots(await rotated());
    const chain = [one, await rotated()] as RootChain;
    const wish = { version: '0.1.0', sequence: 1, key: thief, commit: old, message: { rootVersion } };
    const { ref } = await here.release(wish);
    expect(outcome(await here.verify(ref, { chain }))).toBe(ours);
  });

  it('is not, made before by a key that is still good: it is to be released again', async () => {
    const here = await begin();
    const { ref } = await here.release({ version: '0.1.0', sequence: 1, key: alice });
    const chain = [one, await rotated()] as RootChain;
    expect(outcome(await here.verify(ref, { chain }))).toBe('root version');
    expect(outcome(await here.verify(ref, { chain, asOf: 'stated' }))).toBe('trusted');
  });

  it('is trusted below the absurd sequence and version a thief ran up before', async () => {
    const here = await begin();
    const ours = await here.release({ version: '0.1.0', sequence: 1, key: alice });
    const previous = { tag: 'v98.0.0', oid: 'a'.repeat(40), sequence: 2 ** 40 - 1 };
    const absurd = await here.release({ version: '99.0.0', sequence: 2 ** 40, key: thief, message: { previous } });
    const mark = markOf(absurd);
    expect(outcome(await here.verify(absurd.ref))).toBe('trusted');
    const two = await rotated();
    here.addRoots(two);
    const wish = { version: '0.1.1', sequence: 2, key: alice, message: { rootVersion: 2 }, previous: ours };
    const next = await here.release(wish);
    expect(outcome(await here.verify(next.ref, { mark }))).toBe('trusted');
    expect(outcome(await here.verify(absurd.ref, { chain: [one, two], mark }))).toBe('key');
  });

  it('is not, where the chain it brings along has a gap or another root', async () => {
    const here = await begin();
    here.addRoots(await makeRoot(3, { root: [alice], release: [alice] }, [alice]));
    const gap = await here.release({ version: '0.1.0', sequence: 1, key: alice });
    expect(outcome(await here.verify(gap.ref))).toBe('root');
    here.repository.commit({ 'trust/root/3.json': null });
    here.addRoots(await makeRoot(2, { root: [thief], release: [thief] }, [thief]));
    const wish = { version: '0.1.1', sequence: 2, key: thief, message: { rootVersion: 2 } };
    expect(outcome(await here.verify((await here.release(wish)).ref))).toBe('root');
  });

  it('a renewal does not carry over what an earlier root allowed', async () => {
    const here = await begin();
    const before = await here.release({ version: '0.1.0', sequence: 1, key: thief });
    const commit = here.repository.git('rev-parse', `${before.commit}^`);
    const two = await makeRoot(2, { root: [alice], release: [alice], renew: [carol] }, [alice]);
    const wish = { version: '0.1.1', sequence: 2, key: carol, commit, message: { rootVersion: 2 } };
    const renewal = await here.release(wish);
    const verdict = await here.verify(renewal.ref, { chain: [one, two], mark: markOf(before) });
    expect(outcome(verdict)).toBe('key');
  });
});
