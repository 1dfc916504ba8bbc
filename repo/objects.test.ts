import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TempRepository, tempRepository } from '../tests/temp-repository.ts';
import { type Objects, openObjects } from './objects.ts';

let repository: TempRepository;
let objects: Objects;
beforeEach(() => {
  repository = tempRepository({ a: 'hello\n', 'dir/b': Buffer.from([0, 10, 0, 255]), empty: '' });
  objects = openObjects(repository.bare, { PATH: process.env.PATH });
});
afterEach(() => {
  objects.close();
  repository.remove();
});

describe('objects', () => {
  it('answers many questions, asked at once, each with its own', async () => {
    const a = repository.git('rev-parse', 'HEAD:a');
    const b = repository.git('rev-parse', 'HEAD:dir/b');
    const empty = repository.git('rev-parse', 'HEAD:empty');
    const missing = '1'.repeat(40);
    const answers = await Promise.all([
      objects.info(a),
      objects.contents(b, 100),
      objects.info(missing),
      objects.contents(empty, 100),
      objects.contents(a, 5),
      objects.contents(missing, 5),
      objects.contents(a, 6),
      ...Array.from({ length: 500 }, () => objects.contents(b, 4)),
    ]);
    expect(answers.slice(0, 7)).toMatchObject([
      { oid: a, type: 'blob', size: 6 },
      { bytes: Buffer.from([0, 10, 0, 255]) },
      undefined,
      { bytes: Buffer.alloc(0) },
      { size: 6, bytes: undefined },
      undefined,
      { bytes: Buffer.from('hello\n') },
    ]);
    expect(answers.slice(7).every(answer => answer && 'bytes' in answer && answer.bytes?.length === 4)).toBe(true);
  });

  it('peels names', async () => {
    expect(await objects.info('main^{tree}')).toMatchObject({ type: 'tree' });
    expect(await objects.info('main^{commit}')).toMatchObject({ oid: repository.git('rev-parse', 'HEAD') });
    expect(await objects.info('main:dir')).toMatchObject({ type: 'tree' });
    expect(await objects.info('main:no such path')).toBeUndefined();
  });

  it('sees what is fetched after it was started', async () => {
    const tree = repository.git('rev-parse', 'HEAD^{tree}');
    expect(await objects.info(tree)).toBeDefined();
    const next = repository.commit({ a: 'other' });
    expect(await objects.info(next)).toMatchObject({ type: 'commit' });
  });

  it.each(['', 'a\nflush', 'a\0b'])('does not pass on the name %j', async name => {
    await expect(objects.info(name)).rejects.toThrow('not an object name');
  });

  it('rejects everything when git ends', async () => {
    const waiting = objects.info('main');
    objects.close();
    await expect(waiting).rejects.toThrow('closed');
    await expect(objects.info('main')).rejects.toThrow('closed');
  });

  it('rejects with git’s own words when there is no repository', async () => {
    rmSync(repository.bare, { recursive: true });
    const none = openObjects(repository.bare, { PATH: process.env.PATH });
    await expect(none.info('main')).rejects.toThrow('not a git repository');
  });

  it('rejects when there is no git', async () => {
    const none = openObjects(repository.bare, { PATH: '/nonexistent' });
    await expect(none.info('main')).rejects.toThrow('ENOENT');
  });
});
