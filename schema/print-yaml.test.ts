import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printYaml } from './print-yaml.ts';
import { decodeSource } from './source.ts';
import { parseYaml } from './yaml.ts';

function read(text: string): unknown {
  const source = decodeSource('x.yaml', Buffer.from(text));
  if ('code' in source) return source;
  const yaml = parseYaml(source);
  return 'document' in yaml ? yaml.document.value : yaml.problems;
}

describe('printYaml', () => {
  it.each<[string, unknown, string]>([
    ['a mapping', { a: 1, b: { c: true, d: null } }, 'a: 1\nb:\n  c: true\n  d: null\n'],
    ['a short list on one line', { args: ['-y', 'a b', '.'] }, 'args: [-y, a b, .]\n'],
    ['a list of mappings', { env: [{ name: 'A', value: '1' }] }, 'env:\n  - name: A\n    value: "1"\n'],
    ['lines as a block', { text: 'one\n  two\n' }, 'text: |\n  one\n    two\n'],
    ['lines without the last newline', ['one\ntwo'], '- |-\n  one\n  two\n'],
    [
      'text that looks like something else',
      { a: ['no', '012', '1e3', '12:30', '', '2026-01-02', '~'] },
      'a: ["no", "012", "1e3", "12:30", "", "2026-01-02", "~"]\n',
    ],
    ['a version and a package', ['2026.8.31', '@scope/name'], '[2026.8.31, "@scope/name"]\n'],
    ['text that holds a comment or a key', ['a #b', 'a: b', 'a#b', 'a:b'], '["a #b", "a: b", a#b, a:b]\n'],
    ['characters that are not seen', { a: '\ufeff\u0085\r\n' }, 'a: "\\ufeff\\u0085\\r\\n"\n'],
    ['nothing inside', { a: {}, b: [] }, 'a: {}\nb: []\n'],
  ])('prints %s', (_situation, value, text) => {
    expect(printYaml(value)).toBe(text);
    expect(read(text)).toEqual(value);
  });

  it('is read back as what was printed', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\t', '#', ':', '-', '|', '0', '.', "'", '"', '\r') }),
    );
    const key = text.filter(one => one !== '<<' && one !== '__proto__');
    // A whole number beyond 2^53 is refused when it is read.
    const number = fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .map(one => (one === 0 ? 0 : one))
      .filter(one => !Number.isInteger(one) || Number.isSafeInteger(one));
    const { tree } = fc.letrec(tie => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.integer(),
        number,
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, tree, { noNullPrototype: true }), value => {
        expect(read(printYaml(value))).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });
});
