import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromDocument, toDocument } from './document.ts';
import { pathInDocument } from './document-place.ts';
import { readDocuments } from './read-documents.ts';

const one = (name: string) =>
  `apiVersion: mcpctl.dev/v1\nkind: Server\nmetadata: { name: ${name} }\nspec: { transport: stdio }\n`;

function read(text: string) {
  const { documents, problems } = readDocuments('in.yaml', Buffer.from(text));
  return {
    names: documents.map(({ document, place }) => `${document.metadata.name} ${place(['spec', 'transport']).line}`),
    problems: problems.map(({ code, at }) => `${code} ${at?.line}:${at?.column}`),
  };
}

describe('readDocuments', () => {
  it.each<[string, string, string[], string[]]>([
    ['one document', one('a'), ['a 4'], []],
    [
      'several, with comments and an empty one',
      `# c\n---\n${one('a')}---\n# none\n--- # d\n${one('b')}...\n`,
      ['a 6', 'b 13'],
      [],
    ],
    ['directives', `%YAML 1.2\n---\n${one('a')}...\n%YAML 1.2\n---\n${one('b')}`, ['a 6', 'b 13'], []],
    ['a marker within a text', one('a').replace('stdio', '"x\n  --- y"'), ['a 4'], []],
    ['Windows line endings', `${one('a')}---\n${one('b')}`.replaceAll('\n', '\r\n'), ['a 4', 'b 9'], []],
    ['a list', `kind: List\nitems:\n  - ${one('a').trim().replaceAll('\n', '\n    ')}\n`, ['a 6'], []],
    [
      'a JSON array',
      JSON.stringify([{ apiVersion: 'mcpctl.dev/v1', kind: 'Server', metadata: { name: 'a' }, spec: {} }]),
      ['a 1'],
      [],
    ],
    ['nothing', '# nothing\n---\n', [], ['FIELD_MISSING 1:1']],
    ['no YAML in the second', `${one('a')}---\na: [\n`, ['a 4'], ['YAML_SYNTAX 7:1']],
    ['no name', one('a').replace('name: a', 'label: x'), [], ['FIELD_UNKNOWN 3:13', 'FIELD_MISSING 3:11']],
    ['another kind', one('a').replace('Server', 'Sever'), [], ['FIELD_INVALID 2:7']],
    ['another version', one('a').replace('/v1', '/v2'), [], ['FIELD_INVALID 1:13']],
  ])('reads %s', (_situation, text, names, problems) => {
    const found = read(text);
    expect(found.names).toEqual(names);
    expect(found.problems.sort()).toEqual(problems.sort());
  });
});

describe('pathInDocument', () => {
  const prompt = Buffer.from('---\ntitle: T\ndescription: D\ntags: [a, b]\n---\nText {{x}}\n');
  it.each<[string, string, Buffer, number, number, PropertyKey[] | undefined]>([
    ['a field of YAML', 'servers/a.yaml', Buffer.from(one('a')), 4, 20, ['spec', 'transport']],
    ['a key of YAML', 'servers/a.yaml', Buffer.from(one('a')), 4, 9, ['spec', 'transport', 'key']],
    ['a field of front matter', 'prompts/a.md', prompt, 4, 11, ['spec', 'tags', 1]],
    ['metadata in front matter', 'prompts/a.md', prompt, 3, 14, ['metadata', 'description']],
    ['the text', 'prompts/a.md', prompt, 6, 6, ['spec', 'content']],
    ['nothing', 'servers/a.yaml', Buffer.from(one('a')), 4, 3, undefined],
    ['no YAML', 'servers/a.yaml', Buffer.from('['), 1, 1, undefined],
  ])('finds %s', (_situation, file, bytes, line, column, path) => {
    const found = pathInDocument({ file, line, column }, bytes);
    expect(found && [...found.path, ...(found.part === 'key' ? ['key'] : [])]).toEqual(path);
  });
});

it('makes problems of whatever bytes it is given, and throws nothing', () => {
  const words = fc.constantFrom(
    '---',
    '...',
    '\n',
    '\r\n',
    ' ',
    '  ',
    '- ',
    ': ',
    'a',
    'kind',
    'items',
    '[',
    '{',
    '}',
    '#',
    '|',
    '&a',
    '*a',
    '"',
    '%YAML 1.2',
    '\ufeff',
  );
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.array(words, { maxLength: 40 }).map(parts => Buffer.from(parts.join(''))),
  );
  const path = fc.constantFrom('servers/a.yaml', 'prompts/a.md', 'skills/a/SKILL.md', 'mcpctl.yaml');
  const document = fc.constantFrom(one('a'), one('a').replace('Server', 'Prompt').replace('transport', 'content'));
  fc.assert(
    fc.property(bytes, path, document, (content, file, given) => {
      readDocuments('in.yaml', content);
      const previous = new Map([[file, { bytes: content, mode: '100644' as const }]]);
      toDocument(previous);
      pathInDocument({ file, line: 1, column: 1 }, content);
      // Whatever stood there before, what is written says what was meant.
      const [read] = readDocuments('in.yaml', Buffer.from(given)).documents;
      if (!read || file.startsWith('mcpctl') || file.endsWith('.md') !== given.includes('Prompt')) return;
      const written = fromDocument(read.document, file.includes('skills') ? new Map() : previous);
      expect(written).toHaveProperty('files');
    }),
    { numRuns: 500 },
  );
});
