import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseFile } from './parse.ts';
import { referenceExamples } from './reference-examples.ts';

const yamls = Object.values(referenceExamples).filter(({ path }) => path.endsWith('.yaml'));
const markdowns = Object.values(referenceExamples).filter(({ path }) => path.endsWith('.md'));

function digest(path: string, text: string): string | undefined {
  return parseFile({ path, oid: '', mode: '100644' }, Buffer.from(text)).resource?.digest;
}

/** The same mappings, each with its keys in another order. */
function shuffled(value: unknown, keys: readonly number[]): unknown {
  if (Array.isArray(value)) return value.map(item => shuffled(item, keys));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member], index) => ({ key, member: shuffled(member, keys), rank: keys[index % keys.length] ?? 0 }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ key, member }) => [key, member]),
  );
}

describe('the digest of a resource', () => {
  it.each(yamls.map(({ path, text }) => [path, text]))('%s: how it is written does not matter', (path, text) => {
    const first = digest(path, text);
    expect(first).toBeDefined();
    const keys = fc.array(fc.nat(), { minLength: 1, maxLength: 5 });
    const style = fc.record({
      indent: fc.integer({ min: 2, max: 6 }),
      lineWidth: fc.constant(0),
      collectionStyle: fc.constantFrom('block' as const, 'flow' as const),
      ending: fc.constantFrom('\n', '\r\n'),
      mark: fc.constantFrom('', '\ufeff'),
    });
    fc.assert(
      fc.property(keys, style, (order, { ending, mark, ...options }) => {
        const written = stringify(shuffled(parse(text), order), options).replaceAll('\n', ending);
        return digest(path, mark + written) === first;
      }),
      { numRuns: 50 },
    );
  });

  it.each(yamls.map(({ path, text }) => [path, text]))('%s: what is written does', (path, text) => {
    const other = text.replace('spec:\n', 'metadata: { annotations: { a: b } }\nspec:\n');
    expect(digest(path, other)).toBeDefined();
    expect(digest(path, other)).not.toBe(digest(path, text));
  });

  it.each(markdowns.map(({ path, text }) => [path, text]))('%s: its text counts as it is', (path, text) => {
    expect(digest(path, text)).toBeDefined();
    expect(digest(path, `${text}.`)).not.toBe(digest(path, text));
  });
});
