import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editYaml } from './edit-yaml.ts';
import { decodeSource } from './source.ts';
import { parseYaml } from './yaml.ts';

type Data = Record<string, unknown>;

function read(text: string): Data {
  const source = decodeSource('x.yaml', Buffer.from(text));
  const yaml = 'code' in source ? source : parseYaml(source);
  if (!('document' in yaml)) throw new Error(JSON.stringify(yaml));
  return yaml.document.value as Data;
}

const sample = `# the file
apiVersion: mcpctl.dev/v1
kind:   Server   # aligned

metadata:
  # about it
  description: 'it''s'
spec:
  text: |  # header
    one

    two
  empty:
  nothing: # why
  list:
  - first   # 1
  # between
  - second
  -
    third
  inner: { a: 1, "b": [x, 'y' ] }   # flow
  env:
    - name: A
      value: "1"   # one
    # the second
    - name: B
      valueFrom:
        secretRef: { name: s, key: k }

  # the last words
`;

describe('editYaml', () => {
  it.each<[string, string, (data: Data) => unknown, string]>([
    ['nothing changed', 'a:   1 # x\n', data => data, 'a:   1 # x\n'],
    ['a scalar', 'a:   1 # x\nb: 2\n', data => ({ ...data, a: 3 }), 'a:   3 # x\nb: 2\n'],
    ['the quotes stay', `a: 'x'\nb: "y"\n`, () => ({ a: "it's", b: 'z' }), `a: 'it''s'\nb: "z"\n`],
    ['a value for an empty field', 'a:\nb: # why\n', () => ({ a: 'x', b: ['z'] }), 'a: x\nb: [z] # why\n'],
    ['a field that goes', '# a\na: 1 # x\nb:\n  c: 1\n  d: 2\ne: 3\n', () => ({ e: 3 }), '# a\ne: 3\n'],
    [
      'a field that comes after its neighbour',
      'a: 1\nc: 3\n',
      () => ({ a: 1, b: { x: 1 }, c: 3 }),
      'a: 1\nb:\n  x: 1\nc: 3\n',
    ],
    [
      'a field below a block',
      'a:\n  b: 1\n  # end\nc: 1\n',
      () => ({ a: { b: 1, d: 2 }, c: 1 }),
      'a:\n  b: 1\n  d: 2\n  # end\nc: 1\n',
    ],
    ['no newline at the end', 'a: 1', () => ({ a: 1, b: 2, c: 3 }), 'a: 1\nb: 2\nc: 3'],
    ['text that becomes lines', 'a: x # why\nb: 1\n', () => ({ a: 'x\ny\n', b: 1 }), 'a: | # why\n  x\n  y\nb: 1\n'],
    ['lines that become text', 'a: | # why\n  x\n  y\nb: 1\n', () => ({ a: 'x', b: 1 }), 'a: x # why\nb: 1\n'],
    [
      'lines that become others',
      'a:\n  b: |-\n     x\n\n     y\n\nc: 1\n',
      () => ({ a: { b: 'x\nz' }, c: 1 }),
      'a:\n  b: |-\n    x\n    z\n\nc: 1\n',
    ],
    ['a scalar that becomes a mapping', 'a: 1 # x\nb: 2\n', () => ({ a: { c: 1 }, b: 2 }), 'a: # x\n  c: 1\nb: 2\n'],
    [
      'a mapping that becomes a scalar',
      'a:\n  # in\n  c: 1\nb: 2\n',
      () => ({ a: 1, b: 2 }),
      'a:\n  # in\n  1\nb: 2\n',
    ],
    ['a member of a list', 'a:\n- x # 1\n- y\n', () => ({ a: ['z', 'y'] }), 'a:\n- z # 1\n- y\n'],
    ['a member that goes', 'a:\n  - x # 1\n  - y\n  - z\n', () => ({ a: ['x', 'z'] }), 'a:\n  - x # 1\n  - z\n'],
    [
      'members that come',
      'a:\n  - y\n',
      () => ({ a: ['x', 'y', { b: 1, c: 2 }] }),
      'a:\n  - x\n  - y\n  - b: 1\n    c: 2\n',
    ],
    [
      'a list of names',
      'a:\n  - name: x # 1\n    v: 1\n  - name: y # 2\n',
      () => ({ a: [{ name: 'y', w: 2 }] }),
      'a:\n  - name: y # 2\n    w: 2\n',
    ],
    ['the first field of a member', 'a:\n  - b: 1\n    c: 2\n', () => ({ a: [{ c: 2 }] }), 'a:\n  - c: 2\n'],
    [
      'the first fields of a member',
      'a:\n  - b: 1\n    # c\n    c: 2\n    # d\n    d: 3\n    e: 4\n',
      () => ({ a: [{ e: 4 }] }),
      'a:\n  - # c\n    # d\n    e: 4\n',
    ],
    [
      'the first fields of a member, without comments',
      'a:\n  - b: 1\n    c: |\n      x\n    e: 4\n    f: 5\n',
      () => ({ a: [{ e: 4, f: 5 }] }),
      'a:\n  - e: 4\n    f: 5\n',
    ],
    [
      'all fields of a member',
      'a:\n  - b: 1\n    c: 2 # c\n  - x\n',
      () => ({ a: [{ d: 4, e: 5 }, 'x'] }),
      'a:\n  - d: 4\n    e: 5\n  - x\n',
    ],
    [
      'a list on one line',
      'a: [x,  "y" , z]   # l\n',
      () => ({ a: ['x', 'w', 'z', 'v, u'] }),
      'a: [x,  "w" , z,  "v, u"]   # l\n',
    ],
    [
      'a mapping on one line',
      'a: { b: 1, c: [x] }\n',
      () => ({ a: { c: ['x', 'z'], d: 'e' } }),
      'a: { c: [x, z], d: e }\n',
    ],
    ['a list that becomes empty', 'a:\n  - x\nb: [y]\n', () => ({ a: [], b: [] }), 'a:\n  []\nb: []\n'],
    ['a list that was empty', 'a: []\n', () => ({ a: [{ b: 1 }] }), 'a:\n  - b: 1\n'],
    [
      'an alias',
      'a: &x { b: 1 } # 1\nc: *x # 2\n',
      () => ({ a: { b: 1 }, c: { b: 2 } }),
      'a: &x { b: 1 } # 1\nc: # 2\n  b: 2\n',
    ],
    ['what an alias repeats', 'a: &x 1 # 1\nc: *x # 2\n', () => ({ a: 2, c: 1 }), 'a: &x 2 # 1\nc: 1 # 2\n'],
    [
      'Windows line endings',
      'a: 1 # x\r\nb:\r\n  - x\r\n',
      () => ({ a: 'x\ny', b: ['x', 'z'], c: 1 }),
      'a: |- # x\r\n  x\r\n  y\r\nb:\r\n  - x\r\n  - z\r\nc: 1\r\n',
    ],
    [
      'a directive and a marker',
      '%YAML 1.2\n--- # x\na: 1\n...\n',
      () => ({ a: 2, b: 1 }),
      '%YAML 1.2\n--- # x\na: 2\nb: 1\n...\n',
    ],
    ['JSON', '{"a": 1,\n "b": "x"}\n', () => ({ a: 2, b: 'y' }), '{"a": 2,\n "b": "y"}\n'],
    ['what is no YAML', '# top\na: [\n', () => ({ a: 1 }), '# top\na: 1\n'],
    ['nothing at all', '', () => ({ a: 1 }), 'a: 1\n'],
  ])('%s', (_situation, before, change, after) => {
    const isYaml = before !== '' && !before.endsWith('[\n');
    const desired = change(isYaml ? read(before) : {}) as Data;
    expect(editYaml(before, desired)).toBe(after);
    expect(read(after)).toEqual(desired);
  });

  const text = fc.oneof(fc.string(), fc.constantFrom('a\nb\n', 'a\n\n', 'x # y', '', '- a', '2', "'", 'a: b'));
  const leaf = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null));
  const value = fc.oneof(
    leaf,
    fc.array(leaf, { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'name'), leaf, { noNullPrototype: true }),
  );
  const edits = fc.array(fc.tuple(fc.nat(), fc.constantFrom('set', 'remove', 'add'), value), {
    minLength: 1,
    maxLength: 4,
  });

  it.each(['\n', '\r\n'])('reads as it was meant, whatever was edited (%j)', ending => {
    const start = sample.replaceAll('\n', ending);
    fc.assert(
      fc.property(edits, steps => {
        const desired = structuredClone(read(start));
        for (const [place, kind, wanted] of steps) edit(desired, place, kind, wanted);
        expect(read(editYaml(start, desired))).toEqual(desired);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps every comment, the order, and each line but those of the scalar that was edited', () => {
    fc.assert(
      fc.property(fc.nat(), leaf, (place, wanted) => {
        const desired = structuredClone(read(sample));
        const leaves = places(desired).filter(
          ({ holder, key }) => typeof holder[key] !== 'object' || holder[key] === null,
        );
        const { holder, key } = leaves[place % leaves.length] ?? { holder: desired, key: 'kind' };
        holder[key] = wanted;
        const edited = editYaml(sample, desired);
        expect(edited.match(/# [\w ]+$/gm)).toEqual(expect.arrayContaining([...(sample.match(/# [\w ]+$/gm) ?? [])]));
        const lines = edited.split('\n');
        const lost = sample.split('\n').filter(line => !lines.includes(line));
        expect(lost.length).toBeLessThanOrEqual(3);
        expect(JSON.stringify(read(edited))).toBe(JSON.stringify(desired));
      }),
      { numRuns: 500 },
    );
  });
});

interface Place {
  holder: Data;
  key: string;
}

/** Every member of every mapping and list, in order. */
function places(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Data;
  return Object.keys(value).flatMap(key => [{ holder, key }, ...places(holder[key])]);
}

function edit(data: Data, place: number, kind: string, wanted: unknown): void {
  const all = places(data);
  const { holder, key } = all[place % all.length] ?? { holder: data, key: 'kind' };
  if (Array.isArray(holder)) {
    if (kind === 'set') holder[Number(key)] = wanted;
    else if (kind === 'remove') holder.splice(Number(key), 1);
    else holder.splice(Number(key), 0, wanted);
  } else if (kind === 'remove') delete holder[key];
  else holder[kind === 'add' ? `new${place % 3}` : key] = wanted;
}
