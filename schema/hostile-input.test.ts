import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble } from './assemble.ts';
import { link } from './catalog.ts';
import { parseFile } from './parse.ts';
import { problemCodes } from './problem.ts';
import { referenceExamples } from './reference-examples.ts';
import type { ParsedFile } from './resource.ts';

const KiB = 1024;

function parse(path: string, content: string | Uint8Array): ParsedFile {
  return parseFile({ path, oid: 'oid', mode: '100644' }, Buffer.from(content));
}

function codes(parsed: ParsedFile): string[] {
  return [...new Set(parsed.problems.map(({ code }) => code))];
}

/** `unit` as often as it fits into `size` characters. */
function filled(unit: string, size = 250 * KiB): string {
  return unit.repeat(Math.floor(size / unit.length));
}

function numbered(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join('');
}

const laughs =
  'a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n' +
  numbered(20, n => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]\n`);

describe('parseFile: documents made to be costly', () => {
  it.each([
    ['a billion laughs', laughs, ['YAML_LIMIT']],
    ['10,000 sequences in each other', '['.repeat(10_000), ['YAML_LIMIT']],
    ['10,000 sequences in each other, closed', '['.repeat(10_000) + ']'.repeat(10_000), ['YAML_LIMIT']],
    ['mappings in each other', filled('{a: '), ['YAML_LIMIT']],
    ['block sequences in each other', filled('- '), ['YAML_LIMIT']],
    ['keys within keys', filled('? '), ['YAML_LIMIT']],
    ['ever deeper indentation', numbered(600, n => `${' '.repeat(n)}a:\n`), ['YAML_LIMIT']],
    ['65 levels', `${numbered(65, n => `${' '.repeat(n)}a:\n`)}${' '.repeat(65)}b: 1`, ['YAML_LIMIT']],
    ['100,000 lines', `${filled('\n', 100_000)}a: 1`, ['YAML_LIMIT']],
    ['10,000 keys, all different', numbered(10_000, n => `k${n}:\n`), ['FIELD_MISSING', 'FIELD_UNKNOWN']],
    ['10,000 keys, all the same', filled('a:\n', 30_000), ['YAML_DUPLICATE_KEY']],
    ['one huge key', `${filled('a')}: 1`, ['YAML_SYNTAX']],
    ['one huge quoted key', `"${filled('a')}": 1`, ['YAML_SYNTAX']],
    ['20,000 anchors', `x: [${numbered(20_000, n => `&a${n} 1,`)}]`, ['YAML_LIMIT']],
    ['10,000 anchors', `x: [${numbered(10_000, n => `&a${n} 1,`)}]`, ['FIELD_MISSING', 'FIELD_UNKNOWN']],
    ['10,000 aliases of one value', `x: &a 1\ny: [${filled('*a,', 30_000)}]`, ['FIELD_MISSING', 'FIELD_UNKNOWN']],
    ['10,000 aliases of ten values', `x: &a [1,2,3,4,5,6,7,8,9]\ny: [${filled('*a,', 30_000)}]`, ['YAML_LIMIT']],
    ['a number with 250,000 digits', `a: ${filled('9')}`, ['FIELD_INVALID']],
    ['an exponent with 250,000 digits', `a: 1e${filled('9')}`, ['FIELD_INVALID']],
    ['only bad escapes', `a: "${filled('\\x')}"`, ['YAML_SYNTAX']],
    ['only document starts', filled('---\n'), ['YAML_UNSUPPORTED']],
  ])('%s', (_what, content, expected) => {
    const parsed = parse('servers/x.yaml', content);
    expect(codes(parsed)).toEqual(expected);
    expect(parsed.problems.length).toBeLessThanOrEqual(100);
    expect(JSON.stringify(parsed).length).toBeLessThan(64 * KiB);
  });

  it('takes 64 levels', () => {
    const parsed = parse('servers/x.yaml', `${numbered(63, n => `${' '.repeat(n)}a:\n`)}${' '.repeat(63)}b: 1`);
    expect(codes(parsed)).toEqual(['FIELD_MISSING', 'FIELD_UNKNOWN']);
  });

  it.each([
    ['a prompt of braces', 'prompts/x.md', `---\n---\n${filled('{', 1000 * KiB)}`, []],
    [
      'a prompt of 90,000 arguments',
      'prompts/x.md',
      `---\n---\n${numbered(90_000, n => `{{a${n}}}`)}`,
      ['PROMPT_ARGUMENT_UNDECLARED'],
    ],
    ['a prompt of near delimiters', 'prompts/x.md', `---\n${filled('--- \n', 1000 * KiB)}`, ['FRONT_MATTER_MISSING']],
    ['a lock nested 8 million deep', 'locks/servers/x/package-lock.json', filled('[', 8000 * KiB), ['LOCK_INVALID']],
  ])('%s', (_what, path, content, expected) => {
    expect(codes(parse(path, content))).toEqual(expected);
  });

  it('shows control characters in keys escaped, and long keys short', () => {
    const { problems } = parse('servers/x.yaml', `"\\e[31m\\u202e": 1\n${'k'.repeat(900)}: 1\n`);
    const messages = problems.map(({ message, hint }) => message + hint).join('');
    expect(messages).toContain('\\u001b[31m\\u202e');
    expect(messages).not.toMatch(/[\u001b\u202e]|k{200}/);
  });
});

const valid: [path: string, content: string][] = [
  [
    'servers/x.yaml',
    `apiVersion: mcpctl.dev/v1
kind: Server
metadata: { name: x, labels: { a: b } }
spec:
  transport: streamable-http
  package: { registry: npm, identifier: "@a/b", version: 1.2.3 }
  args: [&a --x, *a, 'it''s', "\\u00e9"]
  env:
    - name: A
      value: |
        text
    - { name: B, valueFrom: { secretRef: { name: s, key: k } } }
`,
  ],
  ['prompts/x.md', '---\r\ndescription: x\narguments: [{ name: a }]\n---\nHello {{a}}\n'],
  ['secrets/x.yaml', 'apiVersion: mcpctl.dev/v1\nkind: Secret\nspec: { data: { k: { generate: { bytes: 16 } } } }\n'],
  ['projects/x/project.yaml', 'apiVersion: mcpctl.dev/v1\nkind: Project\nspec:\n  servers: [a]\n  prompts:\n  - b\n'],
  [
    'locks/servers/x/package-lock.json',
    '{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"1.0.0"}},"node_modules/a":{"version":"1.0.0","link":true}}}',
  ],
  [
    'skills/review/skill.yaml',
    'apiVersion: mcpctl.dev/v1\nkind: Skill\nspec:\n  postInstall: a/b\n  mcpServers: [{ name: a }]\n',
  ],
  ['environments/prod/servers/x.yaml', 'spec:\n  env: null\n  args: [a]\n'],
  ['environments/prod/prompts/x.md', '---\narguments: null\n---\nOther\n'],
  ['environments/prod/skills/review/skill.yaml', 'spec: { priority: 3, hooks: { Stop: [{ command: a }] } }\n'],
  ...Object.values(referenceExamples).map(({ path, text }): [string, string] => [path, text]),
];

/** Pieces that mean something to YAML, to make accidents likely. */
const pieces = fc.constantFrom(
  ...[
    '---\n',
    '- ',
    '? ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '|\n',
    '>',
    '&a ',
    '*a',
    '!!str ',
    '%YAML 1.1\n',
    '#',
    '\n',
    '\t',
    '  ',
  ],
  ...['<<: *a\n', '__proto__: ', 'constructor: ', '\0', '\ufeff', '\r', '\ud800', '{{b}}', ',', '1e999', '~', '\u2028'],
);

/** Whatever went in, what comes out has this shape. */
function expectSound(parsed: ParsedFile): void {
  const errors = parsed.problems.filter(({ severity }) => severity === 'error');
  // Parts and patches are no resources by themselves.
  if (!parsed.patch && (!parsed.part || parsed.id !== undefined)) {
    expect(parsed.resource === undefined).toBe(errors.length > 0);
  }
  for (const { code, message, hint, at } of parsed.problems) {
    expect(Object.keys(problemCodes())).toContain(code);
    expect(code).not.toBe('INTERNAL');
    expect(message.length + hint.length).toBeLessThan(1000);
    expect(at?.line ?? 1).toBeGreaterThan(0);
    expect(at?.column ?? 1).toBeGreaterThan(0);
  }
}

describe('parseFile: anything at all', () => {
  const path = fc.constantFrom(...valid.map(([file]) => file));

  it('takes any bytes', () => {
    fc.assert(
      fc.property(path, fc.uint8Array({ maxLength: 300 }), (file, bytes) => expectSound(parse(file, bytes))),
      { numRuns: 500 },
    );
  });

  it('takes any sequence of what means something to YAML', () => {
    fc.assert(
      fc.property(path, fc.array(fc.oneof(pieces, fc.string({ maxLength: 5 })), { maxLength: 60 }), (file, parts) =>
        expectSound(parse(file, parts.join(''))),
      ),
      { numRuns: 1000 },
    );
  });

  it('takes any valid file with a piece put in, or cut out', () => {
    fc.assert(
      fc.property(fc.constantFrom(...valid), fc.nat(), fc.nat(12), pieces, ([file, content], where, cut, piece) => {
        const at = where % (content.length + 1);
        expectSound(parse(file, content.slice(0, at) + piece + content.slice(at + cut)));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes any repository of such files, in any environment', () => {
    const damaged = fc
      .tuple(fc.constantFrom(...valid), fc.nat(), fc.nat(12), pieces)
      .map(([[file, content], where, cut, piece]) => {
        const at = where % (content.length + 1);
        return parse(file, content.slice(0, at) + piece + content.slice(at + cut));
      });
    fc.assert(
      fc.property(fc.array(damaged, { maxLength: 6 }), fc.boolean(), (some, chosen) => {
        const sound = valid.map(([file, content]) => parse(file, content));
        const paths = new Set(some.map(({ path: damagedPath }) => damagedPath));
        const files = [...sound.filter(file => !paths.has(file.path)), ...some];
        const whole = assemble(files, chosen ? 'prod' : undefined);
        const broken = whole.flatMap(({ id, resource }) => (id !== undefined && !resource ? [id] : []));
        const { problems } = link(
          whole.flatMap(({ resource }) => resource ?? []),
          broken,
        );
        const known = new Set(files.map(({ path: one }) => one));
        for (const { at, code } of [...problems, ...whole.flatMap(file => file.problems)]) {
          expect(code).not.toBe('INTERNAL');
          if (at?.line !== undefined) expect(known).toContain(at.file);
        }
        // Assembled twice is assembled once.
        expect(assemble(whole, chosen ? 'prod' : undefined)).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });
});
