import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical, contentDigest, digestOf } from './digest.ts';

function reversedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversedKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversedKeys(member)]),
  );
}

describe('digestOf', () => {
  it('is a stable sha256', () => {
    expect(digestOf({ b: [1, 'x', null], a: true })).toBe(
      'sha256:a76f6398be344c4ae654986725f5c96aa13abf9e172830356087299cdb7616cf',
    );
  });

  it('does not depend on the order of keys', () => {
    fc.assert(fc.property(fc.jsonValue(), value => digestOf(reversedKeys(value)) === digestOf(value)));
  });

  it('differs for values that differ', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const same = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
        return (canonical(a) === canonical(b)) === same;
      }),
    );
  });

  it.each([
    ['text and a number', '1', 1],
    ['a list and its joined text', ['ab', 'c'], ['a', 'bc']],
    ['one member or two', { a: 'b', c: 'd' }, { a: 'bs1:cs1:d' }],
    ['an empty list and an empty mapping', [], {}],
    ['different lone surrogates', '\ud800', '\udc00'],
    ['null and the word', null, 'null'],
    ['order in a list', [1, 2], [2, 1]],
    ['text that looks escaped', '\ud800', '"\\ud800"'],
  ])('tells apart: %s', (_what, a, b) => {
    expect(digestOf(a)).not.toBe(digestOf(b));
  });

  it('takes an undefined member as absent', () => {
    expect(digestOf({ a: 1, b: undefined })).toBe(digestOf({ a: 1 }));
  });
});

describe('contentDigest', () => {
  it('is over bytes where it is given bytes', () => {
    expect(contentDigest(Buffer.from('{"a": 1}'))).not.toBe(contentDigest(Buffer.from('{"a":1}')));
    expect(contentDigest(Buffer.from('x'))).toBe(contentDigest(new Uint8Array([120])));
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, member]) => [key, sorted(member)])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
    .concat([['object', null]]);
}
