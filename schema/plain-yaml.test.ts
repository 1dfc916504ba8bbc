import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { plainYaml } from './plain-yaml.ts';
import { decodeSource } from './source.ts';
import { composeYaml } from './yaml.ts';

/** What the real parser makes of a text; undefined when it refuses it. */
function real(text: string): { value: unknown } | undefined {
  const source = decodeSource('x.yaml', Buffer.from(text));
  if ('code' in source) return undefined;
  const parsed = composeYaml(source);
  return 'problems' in parsed ? undefined : { value: parsed.document.value };
}

const usual = `# A server
apiVersion: mcpctl.dev/v1
kind: Server
metadata:
  name: clock
  labels:
    team: "a b"
  description: Tells the time, as it's here (UTC)
spec:
  transport: stdio
  command: [node, server.js, "x, y", 'z', -v, 12]
  image: registry.example:5000/clock@sha256:abc
  replicas: 2
  on: true
  nothing:
  empty: []
  none: {}
  env:
    - name: LOG_LEVEL
      value: info

    # more of it
    - name: PORT
      value: 0123
  args:
  - one
  - 1.5
`;

describe('plain YAML', () => {
  it.each<[situation: string, text: string, known: boolean]>([
    ['what people write', usual.replace('"x, y"', 'x'), true],
    ['a comma in quotes in brackets', 'a: ["x, y"]\n', false],
    ['an anchor', 'a: &x 1\nb: *x\n', false],
    ['a tag', 'a: !!str 1\n', false],
    ['text over lines', 'a: b\n  c\n', false],
    ['a text block', 'a: |\n  b\n', false],
    ['a folded text in quotes', 'a: "b\n  c"\n', false],
    ['a comment behind', 'a: b # c\n', false],
    ['a comment behind a key', 'a: # c\n  b: 1\n', false],
    ['a key twice', 'a: 1\na: 2\n', false],
    ['a key that is no text', 'null: 1\n', false],
    ['a mapping in braces', 'a: { b: 1 }\n', false],
    ['two documents', 'a: 1\n---\nb: 1\n', false],
    ['a directive', '%YAML 1.1\n---\na: 1\n', false],
    ['a tab', 'a:\tb\n', false],
    ['a merge', 'a:\n  <<: b\n', false],
    ['an escape', 'a: "\\u0041"\n', false],
    ['a colon in a text', 'a: b: c\n', false],
    ['a line that is less indented', 'a:\n    b: 1\n  c: 2\n', false],
    ['a list in a list', 'a:\n  - - b\n', false],
    ['a number that is not exact', 'a: 12345678901234567890\n', false],
    ['nothing', '# nothing\n', false],
    ['only a text', 'text\n', false],
    ['a prototype', '__proto__: 1\n', false],
    ['a mapping behind a dash, further in', 'a:\n  -   b: 1\n      c: 2\n', true],
    ['a list as far left as its key', 'a:\n- b\nc: d\n', true],
  ])('%s', (_situation, text, known) => {
    const found = plainYaml(text);
    expect(found !== undefined).toBe(known);
    if (found) expect(found).toEqual(real(text));
  });

  it('means what the real parser makes of it, in every file of the example', () => {
    const root = join(import.meta.dirname, '..', 'example-repo');
    const files = globSync('**/*.yaml', { cwd: root });
    const known = files.flatMap(file => {
      const text = readFileSync(join(root, file), 'utf8');
      const found = plainYaml(text);
      if (found) expect(found, file).toEqual(real(text));
      return found ? [file] : [];
    });
    expect(known.length).toBeGreaterThan(files.length / 3);
  });

  it('never says anything else than the real parser, whatever is broken', () => {
    const pieces = [
      ' ',
      '  ',
      '\n',
      ':',
      ': ',
      '- ',
      '-',
      '#',
      ' #',
      '"',
      "'",
      '[',
      ']',
      '{}',
      ',',
      '&a',
      '*a',
      '!',
      '|',
      '>',
      '?',
      '? ',
      '%',
      '@',
      '`',
      '0',
      '1e3',
      'null',
      'true',
      '~',
      '.inf',
      '<<',
      '\\',
      '...',
      '---',
      'a:\n',
      '0x1',
      '-0',
      '+1',
      '=',
      'é',
      '\t',
      '\r',
    ];
    let known = 0;
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    for (let round = 0; round < 4_000; round++) {
      let text = usual.slice(0, 40 + random(usual.length));
      for (let edits = 1 + random(3); edits > 0; edits--) {
        const at = random(text.length);
        text = text.slice(0, at) + (pieces[random(pieces.length)] ?? '') + text.slice(at + random(3));
      }
      const found = plainYaml(text);
      if (!found) continue;
      known += 1;
      expect(found, JSON.stringify(text)).toEqual(real(text));
    }
    expect(known).toBeGreaterThan(100);
  });

  it('leaves what is longer than a line to the real parser, without a long look', () => {
    expect(plainYaml(`a: x${' '.repeat(60_000)}y\n`)).toBeUndefined();
  });

  it('gives nobody the values of somebody else', () => {
    const read = () => plainYaml('list: [a, b]\nempty: []\nnone: {}\n')?.value as Record<string, unknown[]>;
    read().list?.push('c');
    read().empty?.push('c');
    Object.assign(read().none ?? {}, { c: 1 });
    expect(read()).toEqual({ list: ['a', 'b'], empty: [], none: {} });
  });
});
