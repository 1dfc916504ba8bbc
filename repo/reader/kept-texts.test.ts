import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverFile, serverFiles, type TempRepository, tempRepository } from '../../tests/temp-repository.ts';
import { openReader } from './client.ts';
import { KeptTexts } from './kept-texts.ts';

let repository: TempRepository;
let folder: string;
let file: string;
beforeEach(() => {
  repository = tempRepository();
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-kept-'));
  file = join(folder, 'parsed');
});
afterEach(() => {
  repository.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** What a process of its own reads of a commit; ended only once it has kept what it parsed. */
async function read(commit: string, keptIn = file) {
  const reader = openReader({ gitDir: repository.bare, keptIn });
  try {
    const result = await reader.read(commit);
    if ('problem' in result) throw new Error(result.problem.message);
    // Requests are answered one after the other, so that the first is done with when the second is answered.
    await reader.blob(commit, 1).catch(() => undefined);
    return { ...result, files: result.files.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
  } finally {
    await reader.close();
  }
}

describe('what a reader process has parsed', () => {
  it('is not parsed again by the next', async () => {
    const commit = repository.commit({ ...serverFiles(20), 'servers/broken.yaml': 'kind: [' });
    const first = await read(commit);
    expect(first.blobsRead).toBe(22);
    expect(await read(commit)).toEqual({ ...first, blobsRead: 0 });
    expect((await read(commit, join(folder, 'other'))).files).toEqual(first.files);
    const next = repository.commit({ 'servers/server-1.yaml': serverFile('server-1', 'changed') });
    expect((await read(next)).blobsRead).toBe(1);
    expect((await read(next)).blobsRead).toBe(0);
    // Going back costs nothing either.
    expect((await read(commit)).blobsRead).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each<[string, number, () => void]>([
    ['deleted', 6, () => rmSync(file)],
    ['emptied', 6, () => writeFileSync(file, '')],
    ['of another parser', 6, () => writeFileSync(file, `x${readFileSync(file, 'utf8')}`)],
    ['open to others', 6, () => chmodSync(file, 0o666)],
    ['cut off in its last line', 1, () => writeFileSync(file, readFileSync(file, 'utf8').slice(0, -9))],
    [
      'changed in one byte',
      1,
      () => writeFileSync(file, readFileSync(file, 'utf8').replace('Repository', 'repository')),
    ],
    ['followed by garbage', 0, () => appendFileSync(file, Buffer.from([0xff, 0x00, 0x0a, 0x20]))],
  ])('is parsed again as far as needed when the file was %s', async (_what, blobsRead, change) => {
    const commit = repository.commit(serverFiles(5));
    const first = await read(commit);
    change();
    expect(await read(commit)).toEqual({ ...first, blobsRead });
    expect((await read(commit)).blobsRead).toBe(0);
  });

  it('is no reason to fail when it cannot be kept', async () => {
    const commit = repository.commit(serverFiles(2));
    const first = await read(commit, join(folder, 'none', 'parsed'));
    expect(first.blobsRead).toBe(3);
  });
});

describe('the file', () => {
  const text = (n: number) => JSON.stringify(`${n}`.repeat(900_000));

  it('gives what was added to it, the newest of each key, also to another process', async () => {
    const kept = new KeptTexts(file);
    await kept.add([
      ['a', text(1)],
      ['b', text(2)],
    ]);
    await kept.add([['a', text(3)]]);
    const again = new KeptTexts(file);
    await again.load();
    for (const known of [kept, again])
      expect(['a', 'b', 'c'].map(key => known.get(key))).toEqual([text(3), text(2), undefined]);
  });

  it('is made anew when most of it is of no use any more', async () => {
    const kept = new KeptTexts(file);
    for (let n = 0; n < 12; n++) {
      await kept.add([[`k${n}`, text(n)]]);
      await kept.keepOnly(new Set([`k${n}`]));
      expect(statSync(file).size).toBeLessThan(7 * 1024 * 1024);
      expect(kept.get(`k${n}`)).toBe(text(n));
    }
  });
});
