import { describe, expect, it } from 'vitest';
import { parseTree } from './tree.ts';

const id = '0123456789abcdef0123456789abcdef01234567';

function entry(mode: string, name: string | Buffer, oid = id): Buffer {
  return Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(oid, 'hex')]);
}

describe('parseTree', () => {
  it('takes files, folders, links and submodules apart', () => {
    const bytes = Buffer.concat([entry('100644', 'a.yaml'), entry('40000', 'b c'), entry('120000', 'ü')]);
    expect(parseTree(bytes, 20)).toEqual([
      { name: 'a.yaml', readable: true, mode: '100644', oid: id },
      { name: 'b c', readable: true, mode: '040000', oid: id },
      { name: 'ü', readable: true, mode: '120000', oid: id },
    ]);
  });

  it('takes ids of 32 bytes', () => {
    const long = 'ab'.repeat(32);
    expect(parseTree(entry('100644', 'a', long), 32)).toMatchObject([{ oid: long }]);
  });

  it('is empty for the empty tree', () => {
    expect(parseTree(Buffer.alloc(0), 20)).toEqual([]);
  });

  it.each([
    ['not UTF-8', Buffer.from([0x61, 0xff]), 'a?'],
    ['a newline', 'a\nb', 'a?b'],
    ['an escape character', 'a\u001b[31m', 'a?[31m'],
    ['a slash', 'a/b', 'a?b'],
    ['two dots', '..', '..'],
    ['nothing', '', ''],
  ])('marks a name that is or has %s', (_situation, name, shown) => {
    expect(parseTree(entry('100644', name), 20)).toMatchObject([{ readable: false, name: shown }]);
  });

  it.each([
    ['text', Buffer.from('not a tree at all')],
    ['an entry cut off in its id', entry('100644', 'a').subarray(0, -1)],
    ['an entry without a name', Buffer.from('100644 ')],
    ['an overlong mode', entry('1006440', 'a')],
  ])('refuses %s', (_situation, bytes) => {
    expect(() => parseTree(bytes, 20)).toThrow('not a tree object');
  });
});
