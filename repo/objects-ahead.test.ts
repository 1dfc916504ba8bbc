import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TempRepository, tempRepository } from '../tests/temp-repository.ts';
import { openObjects } from './objects.ts';
import { openObjectsAhead } from './objects-ahead.ts';

const MIB = 1024 * 1024;
const { env } = process;

let repository: TempRepository;
let gitDir: string;
let ids: { tag: string; commit: string; tree: string; other: string };
beforeAll(() => {
  repository = tempRepository({ 'mcpctl.yaml': 'a: 1\n', 'trust/root/1.json': '{}\n', 'large.txt': 'x'.repeat(MIB) });
  repository.git('tag', '--annotate', '--message', 'One', 'v1.0.0');
  gitDir = repository.git('rev-parse', '--absolute-git-dir');
  const other = repository.commit({ 'other.txt': 'x\n' });
  const [tag = '', commit = '', tree = ''] = ['v1.0.0', 'v1.0.0^{commit}', 'v1.0.0^{tree}'].map(name =>
    repository.git('rev-parse', name),
  );
  ids = { tag, commit, tree, other };
});
afterAll(() => repository.remove());

const ref = 'refs/tags/v1.0.0';
const names = [
  ref,
  `${ref}^{commit}`,
  `${ref}^{tree}`,
  `${ref}:trust`,
  `${ref}:trust/root`,
  `${ref}:trust/root/1.json`,
];

describe('what was asked for ahead', () => {
  it('is answered as git answers it, by any name that leads to it', async () => {
    const asked = [
      ref,
      ids.tag,
      ids.commit,
      `${ids.commit}^{commit}`,
      `${ids.commit}^{tree}`,
      `${ids.tree}:trust/root`,
      `${ids.tree}:trust/root/1.json`,
      // What was not asked for ahead, and what is not there.
      ids.other,
      `${ids.tree}:mcpctl.yaml`,
      `${ids.tree}:trust/other`,
      `${ids.tree}^{commit}`,
      'refs/tags/v2.0.0',
    ];
    const [ahead, plain] = [openObjectsAhead(gitDir, env, names, MIB), openObjects(gitDir, env)];
    for (const name of asked) {
      expect(await ahead.info(name), name).toEqual(await plain.info(name));
      expect(await ahead.contents(name, MIB), name).toEqual(await plain.contents(name, MIB));
    }
    expect(await ahead.contents(ids.tree, 1)).toEqual(await plain.contents(ids.tree, 1));
    for (const objects of [ahead, plain]) objects.close();
  });

  it('is asked for again when all of it is too much, and leaves no file', async () => {
    const before = readdirSync(tmpdir()).filter(name => name.startsWith('mcpctl-objects-'));
    const ahead = openObjectsAhead(gitDir, env, [`${ref}:large.txt`], 1024);
    expect((await ahead.contents(`${ref}:large.txt`, 2 * MIB))?.bytes?.length).toBe(MIB);
    ahead.close();
    expect(readdirSync(tmpdir()).filter(name => name.startsWith('mcpctl-objects-'))).toEqual(before);
  });

  it('is a ref’s answer once for each time that it was named: it may have moved since', async () => {
    const ahead = openObjectsAhead(gitDir, env, ['refs/heads/moving', 'refs/heads/moving'], MIB);
    repository.git('branch', '--force', 'moving', ids.commit);
    const early = await ahead.info('refs/heads/moving');
    await ahead.info('refs/heads/moving');
    repository.git('branch', '--force', 'moving', ids.other);
    expect([undefined, ids.commit]).toContain(early?.oid);
    expect((await ahead.info('refs/heads/moving'))?.oid).toBe(ids.other);
    ahead.close();
  });

  it('is of no use without a repository, as ever', async () => {
    const ahead = openObjectsAhead('/nonexistent', env, [ref], MIB);
    await expect(ahead.info(ref)).rejects.toThrow('git cat-file ended');
    ahead.close();
  });
});
