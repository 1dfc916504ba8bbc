import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TempRepository, tempRepository } from '../../tests/temp-repository.ts';
import { printObjects, readObjects } from './object-file.ts';
import { ObjectSet, objectsOf } from './object-set.ts';
import { unpack } from './pack.ts';
import { readPackets } from './packets.ts';

const LIMITS = { objects: 1_000, objectBytes: 1024 * 1024, totalBytes: 8 * 1024 * 1024 };

let repository: TempRepository;

beforeEach(() => {
  repository = tempRepository({ 'a.txt': 'a\n', 'folder/b.txt': 'b\n' });
});
afterEach(() => repository.remove());

/** A pack as git makes it, of everything there is. */
function packOf(...options: string[]): Buffer {
  const input = execFileSync('git', ['rev-list', '--objects', '--all'], { cwd: repository.work });
  return execFileSync('git', ['pack-objects', '--stdout', '-q', ...options], { cwd: repository.work, input });
}

/** A pack made by hand. */
function handmade(
  entries: readonly { head: readonly number[]; base?: Buffer; content: Buffer }[],
  count?: number,
): Buffer {
  const header = Buffer.alloc(12);
  header.write('PACK');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(count ?? entries.length, 8);
  const parts = entries.flatMap(({ head, base = Buffer.alloc(0), content }) => [
    Buffer.from(head),
    base,
    deflateSync(content),
  ]);
  const body = Buffer.concat([header, ...parts]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

describe('a pack that git made', () => {
  it.each([
    ['with deltas by offset', ['--delta-base-offset', '--depth=50', '--window=50']],
    ['with deltas by id', ['--depth=50', '--window=50']],
    ['without deltas', ['--depth=0']],
  ])('%s has the objects that git has', (_situation, options) => {
    for (let turn = 0; turn < 12; turn++) {
      const text = Array.from({ length: 300 }, (_, line) => `line ${line === turn * 20 ? turn : line}\n`).join('');
      repository.commit({ 'long.txt': text, [`n${turn}.bin`]: randomBytes(3_000) });
    }
    repository.git('tag', '-a', 'v1', '-m', 'one');
    const set = new ObjectSet('sha1');
    unpack(packOf(...options), set, LIMITS);
    const listed = execFileSync('git', ['cat-file', '--batch-all-objects', '--batch-check'], { cwd: repository.work });
    const lines = listed.toString().trim().split('\n');
    for (const line of lines) {
      const [oid = '', type, size] = line.split(' ');
      expect(set.get(oid), line).toMatchObject({ type, bytes: { length: Number(size) } });
    }
    expect(lines.length).toBeGreaterThan(30);
    expect(set.isWhole(repository.git('rev-parse', 'HEAD'))).toBe(true);
  });

  it('and that rests on something else, has the rest once that is there', () => {
    const lines = Array.from({ length: 300 }, (_, line) => `line ${line}\n`);
    repository.commit({ 'long.txt': lines.join('') });
    const former = repository.git('rev-parse', 'HEAD:long.txt');
    const base = Buffer.from(lines.join(''));
    repository.commit({ 'long.txt': `${lines.join('')}more\n` });
    const oid = repository.git('rev-parse', 'HEAD:long.txt');
    const input = 'HEAD\n^HEAD~1\n';
    const pack = execFileSync('git', ['pack-objects', '--revs', '--thin', '--stdout', '-q'], {
      cwd: repository.work,
      input,
    });
    const set = new ObjectSet('sha1');
    const finish = unpack(pack, set, { ...LIMITS, thin: true });
    finish();
    expect(set.get(oid)).toBeUndefined();
    expect(set.add('blob', base)).toBe(former);
    finish();
    expect(set.get(oid)?.bytes.toString()).toBe(`${lines.join('')}more\n`);
    expect(() => unpack(pack, new ObjectSet('sha1'), LIMITS)).toThrow(/rest on/);
  });

  it('answers names as git does', async () => {
    const set = new ObjectSet('sha1');
    repository.git('tag', '-a', 'v1', '-m', 'one');
    unpack(packOf(), set, LIMITS);
    const objects = objectsOf(set);
    const tag = repository.git('rev-parse', 'v1');
    for (const name of [`${tag}^{tree}`, `${tag}^{commit}`, `${tag}:folder/b.txt`, `${tag}:folder`]) {
      expect((await objects.info(name))?.oid, name).toBe(repository.git('rev-parse', name));
    }
    for (const name of [`${tag}:folder/none`, `${tag}:a.txt/x`, '0'.repeat(40), `${tag}^{blob}`]) {
      expect(await objects.info(name), name).toBeUndefined();
    }
    expect((await objects.contents(`${tag}:a.txt`, 1))?.bytes).toBeUndefined();
  });
});

describe('a hostile pack is refused:', () => {
  const blob = (content: string) => ({ head: [0x30 | content.length], content: Buffer.from(content) });
  const offset = (distance: number, content: Buffer) => ({ head: [0x60 | content.length, distance], content });
  it.each<[situation: string, pack: () => Buffer, why: RegExp]>([
    ['cut off', () => packOf().subarray(0, -1), /not whole/],
    ['a flipped bit', () => flipped(packOf()), /not whole/],
    ['not one at all', () => Buffer.from('hello, hello, hello, hello, hello'), /not a pack/],
    ['more objects than allowed', () => handmade([blob('x')], 4_000_000_000), /allowed/],
    ['fewer objects than it says', () => handmade([blob('x')], 2), /too early|not|end/],
    ['more objects than it says', () => handmade([blob('x'), blob('y')], 1), /behind/],
    [
      'a size that is not true',
      () => handmade([{ head: [0x32], content: Buffer.from('longer') }]),
      /size|larger|length/i,
    ],
    [
      'a bomb',
      () => handmade([{ head: [0xb0, 0x80, 0x80, 0x80, 0x7f], content: Buffer.alloc(100_000) }]),
      /unfolds to too much/,
    ],
    [
      'a bomb that hides its size',
      () => handmade([{ head: [0x31], content: Buffer.alloc(50 * 1024 * 1024) }]),
      /larger than|Cannot create|size/i,
    ],
    ['a delta on nothing', () => handmade([offset(5, Buffer.from([1, 1, 0x90, 1]))]), /rest on/],
    ['a delta on itself', () => handmade([offset(0, Buffer.from([1, 1, 0x90, 1]))]), /rest on/],
    [
      'a delta that reads beyond its base',
      () => handmade([blob('x'), offset(10, Buffer.from([1, 5, 0x90, 5]))]),
      /too far/,
    ],
    ['a delta that says too little', () => handmade([blob('x'), offset(10, Buffer.from([1, 5, 0x90, 1]))]), /leaves/],
    ['a delta bomb', () => handmade([blob('x'), offset(10, Buffer.from([1, 0xff, 0xff, 0xff, 0x7f]))]), /too much/],
    ['an object of no kind', () => handmade([{ head: [0x51], content: Buffer.from('x') }]), /no kind/],
  ])('%s', (_situation, pack, why) => {
    expect(() => unpack(pack(), new ObjectSet('sha1'), LIMITS)).toThrow(why);
  });

  it('whatever bytes it has, nothing but an Error comes of it', () => {
    const good = packOf('--delta-base-offset');
    fc.assert(
      fc.property(fc.nat(good.length - 21), fc.nat(255), (at, value) => {
        const bad = Buffer.from(good.subarray(0, -20));
        bad[at] = value;
        const pack = Buffer.concat([bad, createHash('sha1').update(bad).digest()]);
        try {
          unpack(pack, new ObjectSet('sha1'), LIMITS);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function flipped(pack: Buffer): Buffer {
  const copy = Buffer.from(pack);
  copy[20] = (copy[20] ?? 0) ^ 1;
  return copy;
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

it('packets are read whole, however they are cut', async () => {
  const text = '000bhello\n\n00000001000cworld!!!0005x';
  for (let size = 1; size <= text.length; size++) {
    const found: unknown[] = [];
    for await (const one of readPackets(inPieces(Buffer.from(text), size))) found.push(one.toString());
    expect(found).toEqual(['hello\n\n', 'Symbol(flush-pkt)', 'Symbol(delim-pkt)', 'world!!!', 'x']);
  }
  for (const bad of ['00', '0009half', 'zzzz', '0003']) {
    await expect(
      (async () => {
        for await (const one of readPackets(inPieces(Buffer.from(bad), 3))) void one;
      })(),
    ).rejects.toThrow();
  }
});

describe('a file of objects', () => {
  const file = (header: Record<string, unknown> = {}) =>
    Buffer.concat([
      ...printObjects({ format: 'sha1', ...header }, [
        { type: 'blob', bytes: Buffer.from('hello') },
        { type: 'blob', bytes: randomBytes(5_000) },
      ]),
    ]);
  const read = (bytes: Buffer, limits = { objects: 10, totalBytes: 10_000 }, size = 777) =>
    readObjects(inPieces(bytes, size), limits);

  it('is read as it was written, however it is cut', async () => {
    for (const size of [1, 7, 100_000]) {
      const { header, set } = await read(file({ note: 'x' }), undefined, size);
      expect(header).toMatchObject({ format: 'sha1', note: 'x' });
      expect(set.get('b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0')?.bytes.toString()).toBe('hello');
    }
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['cut off anywhere', () => read(file().subarray(0, -1)), /not whole/],
    ['cut off in the middle', () => read(file().subarray(0, 600)), /not whole/],
    ['with something behind', () => read(Buffer.concat([file(), Buffer.from('x')])), /behind/],
    ['too large', () => read(file(), { objects: 10, totalBytes: 4_000 }), /allowed/],
    ['with too many objects', () => read(file(), { objects: 1, totalBytes: 10_000 }), /objects/],
    [
      'that announces more than it has',
      () => read(Buffer.from('mcpctl-objects 1\n{"format":"sha1"}\nblob 9999999999\nx')),
      /allowed/,
    ],
    ['of another kind', () => read(Buffer.from('<html>')), /no file of objects|line|whole/],
    ['with a line without end', () => read(Buffer.from(`mcpctl-objects 1\n${'x'.repeat(9_000)}`)), /whole|long/],
    ['with ids of no kind', () => read(Buffer.from('mcpctl-objects 1\n{"format":"md5"}\nend\n')), /kind/],
  ])('%s is refused', async (_situation, attempt, why) => {
    await expect(attempt()).rejects.toThrow(why);
  });
});
