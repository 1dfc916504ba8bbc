import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RootDocument } from '../../schema/index.ts';
import { type Key, makeKey, makeRoot, type Release, TrustScene } from '../../tests/trust-scene.ts';
import { openMirror } from '../mirror.ts';
import type { Mirror } from '../types.ts';
import { openReleaseSource, pinRoot, type ReleaseSource, readTrust, type SeenReleases } from './index.ts';

const ID = 'test.example';
const signal = new AbortController().signal;
let scene: TrustScene;
let home: string;
let mirror: Mirror;
let alice: Key;
let thief: Key;
let renewer: Key;
let one: RootDocument;
let time: number;

beforeEach(async () => {
  scene = new TrustScene();
  [alice, thief, renewer] = ['alice', 'thief', 'renewer'].map(name => makeKey(scene.keys, name)) as [Key, Key, Key];
  one = await makeRoot(1, { root: [alice], release: [alice, thief], renew: [renewer] }, [alice]);
  scene.addRoots(one);
  scene.chain = [one];
  home = mkdtempSync(join(tmpdir(), 'mcpctl-home-'));
  time = Date.parse('2026-01-01T00:00:00Z');
  await pinRoot(home, [one], [scene.repository.bare], new Date(time));
  const remote = { kind: 'path', url: scene.repository.bare, display: scene.repository.bare } as const;
  const env = { PATH: process.env.PATH };
  mirror = await openMirror({ dir: join(home, 'mirror.git'), remote, ref: 'refs/heads/main', env, home });
});
afterEach(() => {
  scene.remove();
  rmSync(home, { recursive: true, force: true });
});

function source(allowRollback = false): ReleaseSource {
  const env = { PATH: process.env.PATH };
  return openReleaseSource({ mirror, env, home, path: '', repository: ID, allowRollback, now: () => time });
}

async function look(from: ReleaseSource): Promise<SeenReleases> {
  const fetched = await mirror.fetch('poke');
  if ('problem' in fetched) throw new Error(fetched.problem.message);
  const seen = await from.look(fetched.commit, signal);
  if ('problem' in seen) throw new Error(seen.problem.message);
  return seen;
}

async function release(version: string, sequence: number, more: object = {}): Promise<Release> {
  const made = await scene.release({ version, sequence, key: alice, ...more });
  push(made);
  return made;
}

function push({ ref }: { ref: string }): void {
  scene.repository.git('push', '--quiet', '--force', 'origin', `${ref}:${ref}`);
}

function change(text: string): void {
  scene.repository.commit({ 'prompts/hello.md': `---\n---\n${text}` });
}

describe('the newest trusted release', () => {
  it('is taken, and remembered before it is told', async () => {
    await release('0.1.0', 1);
    change('two');
    const two = await release('0.2.0', 2);
    const from = source();
    const seen = await look(from);
    expect([seen.release?.commit, seen.passedOver, seen.waiting]).toEqual([two.commit, [], undefined]);
    expect(await readTrust(home, ID)).toMatchObject({ mark: { sequence: 2, tag: two.tag, commits: [two.commit] } });
    expect(await from.wasAccepted(two.commit)).toBe(true);
    expect(await from.wasAccepted('f'.repeat(40))).toBe(false);
    // Nothing new: the same once more.
    expect((await look(from)).release?.commit).toBe(two.commit);
  });

  it('is found under tags that are not trusted, each of which is told', async () => {
    const first = await release('0.1.0', 1);
    scene.repository.git('tag', 'v9.0.0');
    push({ ref: 'refs/tags/v9.0.0' });
    await release('8.0.0', 2, { message: { repository: 'other.example' } });
    const seen = await look(source());
    expect(seen.release?.commit).toBe(first.commit);
    expect(seen.passedOver.map(({ message }) => message)).toEqual([
      'the tag v9.0.0 is not trusted: object: refs/tags/v9.0.0 is a commit: no annotated tag, so not signed',
      'the tag v8.0.0 is not trusted: repository: it is for `other.example`, not for `test.example`',
    ]);
  });

  it('stays when the remote takes it away, or offers an older one', async () => {
    await release('0.1.0', 1);
    change('two');
    const two = await release('0.2.0', 2);
    await look(source());
    scene.repository.git('push', '--quiet', 'origin', ':refs/tags/v0.2.0');
    const seen = await look(source());
    expect(seen).toMatchObject({
      release: undefined,
      waiting: expect.stringContaining('is not among the remote’s tags'),
    });
    expect(await readTrust(home, ID)).toMatchObject({ mark: { tag: two.tag } });
  });

  it('may be an older one where somebody allows it, once, and it is recorded', async () => {
    const first = await release('0.1.0', 1);
    change('two');
    await release('0.2.0', 2);
    await look(source());
    scene.repository.git('push', '--quiet', 'origin', ':refs/tags/v0.2.0');
    expect((await look(source(true))).release?.commit).toBe(first.commit);
    expect(await readTrust(home, ID)).toMatchObject({ mark: { sequence: 1, lowered: [{ from: 2, to: 1 }] } });
  });

  it('does not survive a moved tag', async () => {
    const first = await release('0.1.0', 1);
    const from = source();
    await look(from);
    change('two');
    scene.last = undefined;
    const moved = await scene.release({ version: '0.1.0', sequence: 1, key: thief, previous: undefined });
    push(moved);
    const seen = await look(from);
    expect(seen.release).toBeUndefined();
    expect(seen.passedOver[0]?.message).toContain('two releases with one sequence');
    expect(await readTrust(home, ID)).toMatchObject({ mark: { tag: first.tag } });
  });

  it('must be made again after a new root, which the branch tells of before any release', async () => {
    await release('0.1.0', 1);
    const from = source();
    await look(from);
    scene.addRoots(await makeRoot(2, { root: [alice], release: [alice] }, [alice]));
    const waiting = await look(from);
    expect(waiting).toMatchObject({
      release: undefined,
      waiting: expect.stringContaining('version 2 has no release yet'),
    });
    const stolen = { key: thief, message: { rootVersion: 2 } };
    await release('7.0.0', 2, { ...stolen, previous: scene.last });
    expect((await look(from)).release).toBeUndefined();
    const previous = {
      ref: 'refs/tags/v0.1.0',
      ...(await scene.verify('refs/tags/v0.1.0', { chain: [one] })).release,
    } as never;
    const again = await release('0.1.1', 2, { message: { rootVersion: 2 }, previous });
    const seen = await look(from);
    expect([seen.release?.commit, seen.passedOver.length]).toEqual([again.commit, 1]);
  });

  it('may be a renewal, also for a machine that never saw what it renews', async () => {
    const first = await release('0.1.0', 1);
    const commit = scene.repository.git('rev-parse', `${first.commit}^`);
    await release('0.1.1', 2, { key: renewer, commit });
    const renewed = await release('0.1.2', 3, { key: renewer, commit });
    expect((await look(source())).release?.commit).toBe(renewed.commit);
  });

  it('is found past more untrusted tags than one look takes over', async () => {
    const first = await release('0.1.0', 1);
    for (let count = 0; count < 20; count++) scene.repository.git('tag', `v9.${count}.0`);
    scene.repository.git('push', '--quiet', '--tags', 'origin');
    const from = source();
    expect(await look(from)).toMatchObject({ release: undefined });
    expect((await look(from)).release?.commit).toBe(first.commit);
  });
});
