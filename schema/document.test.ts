import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FileContent, fromDocument, type ResourceDocument, type ResourceFiles, toDocument } from './document.ts';
import { kindTable } from './kind-table.ts';
import { classify } from './layout.ts';

const example = new URL('../example-repo/', import.meta.url).pathname;

/** The files of every resource of the example, by the path of the one that declares it. */
function exampleFiles(): [string, ResourceFiles][] {
  const paths = readdirSync(example, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(example.length));
  return paths.flatMap(path => {
    const declared = classify(path);
    if (declared.kind !== 'resource' || declared.resourceKind === 'Lock') return [];
    const folder = path.endsWith('/SKILL.md') ? path.slice(0, -'SKILL.md'.length) : path;
    const own = paths.filter(one => one.startsWith(folder)).sort();
    return [[path, new Map(own.map(one => [one, file(readFileSync(join(example, one)))]))]];
  });
}

function file(text: string | Uint8Array, mode: FileContent['mode'] = '100644'): FileContent {
  return { bytes: typeof text === 'string' ? Buffer.from(text) : text, mode };
}

function documentOf(files: ResourceFiles): ResourceDocument {
  const result = toDocument(files);
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.document;
}

function filesOf(...args: Parameters<typeof fromDocument>): Map<string, FileContent | null> {
  const result = fromDocument(...args);
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.files;
}

function texts(files: ReadonlyMap<string, FileContent | null>): Record<string, string | null> {
  return Object.fromEntries(
    [...files].map(([path, content]) => [path, content && Buffer.from(content.bytes).toString()]),
  );
}

const server = `# about\r
apiVersion: mcpctl.dev/v1\r
kind: Server\r
metadata: { name: x }\r
spec:\r
  transport: stdio # why\r
  command: [node]\r
`;
const prompt = `\ufeff---
# front
title: 'T'
labels: { a: b }
description: D # d
---

Text {{x}}  \r
`;
const skill: ResourceFiles = new Map([
  ['skills/data/s/SKILL.md', file('---\nname: s\ndescription: Does\nmetadata: { a: b }\n---\nText\n')],
  ['skills/data/s/run.sh', file('#!/bin/sh\n', '100755')],
  ['skills/data/s/skill.yaml', file('# c\npriority: 3\n')],
]);

describe('toDocument', () => {
  it.each<[string, ResourceFiles, ResourceDocument]>([
    [
      'a YAML file as it is written',
      new Map([['servers/x.yaml', file(server)]]),
      {
        apiVersion: 'mcpctl.dev/v1',
        kind: 'Server',
        metadata: { name: 'x' },
        spec: { transport: 'stdio', command: ['node'] },
      },
    ],
    [
      'a Markdown file with its text',
      new Map([['projects/order/demo/prompts/p.md', file(prompt)]]),
      {
        apiVersion: 'mcpctl.dev/v1',
        kind: 'Prompt',
        metadata: { name: 'p', project: 'demo', labels: { a: 'b' }, description: 'D' },
        spec: { title: 'T', content: '\nText {{x}}  \r\n' },
      },
    ],
    [
      'a bundle with its files',
      skill,
      {
        apiVersion: 'mcpctl.dev/v1',
        kind: 'Skill',
        metadata: { name: 's', description: 'Does' },
        spec: {
          metadata: { a: 'b' },
          content: 'Text\n',
          files: [
            { path: 'run.sh', mode: '100755', content: 'IyEvYmluL3NoCg==' },
            { path: 'skill.yaml', mode: '100644', content: 'IyBjCnByaW9yaXR5OiAzCg==' },
          ],
        },
      },
    ],
  ])('shows %s', (_situation, files, document) => {
    expect(documentOf(files)).toEqual(document);
    expect(filesOf(document, files)).toEqual(files);
  });

  it.each<[string, string, string, string]>([
    ['no YAML', 'servers/x.yaml', 'a: [', 'YAML_SYNTAX'],
    ['no envelope', 'servers/x.yaml', 'a: 1', 'FIELD_INVALID'],
    ['no front matter', 'prompts/x.md', 'text', 'FRONT_MATTER_MISSING'],
    ['a field with the name of the text', 'prompts/x.md', '---\ncontent: x\n---\ntext', 'FIELD_UNKNOWN'],
    ['nothing that the format knows', 'servers/x.txt', 'text', 'FILE_UNKNOWN'],
  ])('refuses %s', (_situation, path, text, code) => {
    expect(toDocument(new Map([[path, file(text)]]))).toMatchObject({ problems: [{ code }] });
  });
});

describe('fromDocument', () => {
  it.each(exampleFiles())('changes no byte of %s', (_path, files) => {
    expect(filesOf(documentOf(files), files)).toEqual(files);
  });

  it.each<[string, ResourceFiles, (document: ResourceDocument) => unknown, Record<string, string | null>]>([
    [
      'one field of a YAML file',
      new Map([['servers/x.yaml', file(server)]]),
      document => Object.assign(document.spec, { replicas: 2 }),
      { 'servers/x.yaml': `${server}  replicas: 2\r\n` },
    ],
    [
      'the description, into the front matter',
      new Map([['prompts/p.md', file(prompt)]]),
      ({ metadata }) => Object.assign(metadata, { description: 'E' }),
      { 'prompts/p.md': prompt.replace('D # d', 'E # d') },
    ],
    [
      'the text',
      new Map([['prompts/p.md', file(prompt)]]),
      ({ spec }) => Object.assign(spec, { content: '---\nno front matter' }),
      { 'prompts/p.md': `${prompt.slice(0, prompt.indexOf('\nText'))}---\nno front matter` },
    ],
    [
      'text where none was, below a last line without an ending',
      new Map([['prompts/p.md', file('---\n# none\n---')]]),
      ({ spec }) => Object.assign(spec, { content: 'x' }),
      { 'prompts/p.md': '---\n# none\n---\nx' },
    ],
    [
      'a bundle’s files',
      skill,
      ({ spec }) => Object.assign(spec, { files: [{ path: 'a/b.txt', mode: '100644', content: 'eA==' }] }),
      {
        'skills/data/s/SKILL.md': Buffer.from(skill.get('skills/data/s/SKILL.md')?.bytes ?? '').toString(),
        'skills/data/s/run.sh': null,
        'skills/data/s/skill.yaml': null,
        'skills/data/s/a/b.txt': 'x',
      },
    ],
  ])('changes %s', (_situation, files, change, expected) => {
    const document = structuredClone(documentOf(files));
    change(document);
    expect(texts(filesOf(document, files))).toEqual(expected);
  });

  it('leaves a bundle’s files alone when it is told nothing of them', () => {
    const { spec, ...rest } = documentOf(skill);
    const { files, ...others } = spec;
    expect(filesOf({ ...rest, spec: others }, skill)).toEqual(skill);
  });

  it.each<[string, ResourceDocument['metadata'], string, ResourceDocument['spec'], Record<string, string>]>([
    [
      'a server',
      { name: 'x', description: 'D' },
      'Server',
      { transport: 'stdio' },
      {
        'servers/x.yaml':
          'apiVersion: mcpctl.dev/v1\nkind: Server\nmetadata:\n  description: D\nspec:\n  transport: stdio\n',
      },
    ],
    [
      'a project',
      { name: 'x' },
      'Project',
      {},
      { 'projects/x/project.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Project\nspec: {}\n' },
    ],
    [
      'a project’s prompt',
      { name: 'x', project: 'demo' },
      'Prompt',
      { content: 'c' },
      { 'projects/demo/prompts/x.md': '---\n---\nc' },
    ],
    [
      'an agent’s personality',
      { name: 'x', agent: 'bot', description: 'D' },
      'Personality',
      { content: 'c' },
      { 'agents/bot/personalities/x.md': '---\ndescription: D\n---\nc' },
    ],
    [
      'a user',
      { name: 'x' },
      'User',
      { email: 'a@example.com' },
      { 'access/users/x.yaml': 'apiVersion: mcpctl.dev/v1\nkind: User\nspec:\n  email: a@example.com\n' },
    ],
    [
      'a skill',
      { name: 'x', description: 'D' },
      'Skill',
      { content: 'c', files: [] },
      { 'skills/x/SKILL.md': '---\nname: x\ndescription: D\n---\nc' },
    ],
  ])('places %s', (_situation, metadata, kind, spec, files) => {
    const written = filesOf({ apiVersion: 'mcpctl.dev/v1', kind, metadata, spec });
    expect(texts(written)).toEqual(files);
  });

  it.each<[string, string, ResourceDocument['metadata'], ResourceDocument['spec'], string]>([
    ['a name that is a path', 'Server', { name: '../x' }, {}, 'NAME_INVALID'],
    ['a project that is a path', 'Prompt', { name: 'x', project: '../..' }, { content: '' }, 'NAME_INVALID'],
    [
      'a file outside of its bundle',
      'Skill',
      { name: 'x' },
      { content: '', files: [{ path: '../y', mode: '100644', content: '' }] },
      'FIELD_INVALID',
    ],
    [
      'a file below .git',
      'Skill',
      { name: 'x' },
      { content: '', files: [{ path: 'a/.GIT/y', mode: '100644', content: '' }] },
      'FIELD_INVALID',
    ],
    [
      'a file that is a symbolic link',
      'Skill',
      { name: 'x' },
      { content: '', files: [{ path: 'y', mode: '120000', content: '' }] },
      'FIELD_INVALID',
    ],
    ['text that UTF-8 has not', 'Prompt', { name: 'x' }, { content: '\ud800' }, 'FIELD_INVALID'],
    ['Markdown with a NUL', 'Prompt', { name: 'x' }, { content: '\0' }, 'FILE_NOT_TEXT'],
  ])('refuses %s', (_situation, kind, metadata, spec, code) => {
    const result = fromDocument({ apiVersion: 'mcpctl.dev/v1', kind, metadata, spec });
    expect(result).toMatchObject({ problems: [{ code }] });
  });

  const key = fc
    .string({ minLength: 1, maxLength: 8 })
    .filter(
      one => !['<<', '__proto__', 'content', 'files', 'name', 'labels', 'annotations', 'description'].includes(one),
    );
  const words = fc.record({ a: fc.string() }, { requiredKeys: [], noNullPrototype: true });
  const documents = fc
    .record({
      row: fc.constantFrom(...kindTable),
      facts: fc.record(
        { labels: words, annotations: words, description: fc.string() },
        { requiredKeys: [], noNullPrototype: true },
      ),
      fields: fc.dictionary(key, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4, noNullPrototype: true }),
      content: fc.string({ unit: fc.constantFrom('a', '-', '\n', '\r', '#', ' ', 'é') }),
      files: fc.uniqueArray(
        fc.record({
          path: fc.constantFrom('a', 'b/c', '.d', 'skill.yaml'),
          mode: fc.constantFrom('100644', '100755'),
          bytes: fc.uint8Array(),
        }),
        { selector: ({ path }) => path },
      ),
    })
    .map(({ row, facts, fields, content, files }): ResourceDocument => {
      const [scope = 'global'] = row.scopes;
      const name = row.form === 'file' ? 'repository' : 'x';
      const written = { ...fields, ...((row.form === 'markdown' || row.form === 'bundle') && { content }) };
      const bundled = files
        .sort((a, b) => (a.path < b.path ? -1 : 1))
        .map(({ path, mode, bytes }) => ({ path, mode, content: Buffer.from(bytes).toString('base64') }));
      const spec = { ...written, ...(row.form === 'bundle' && { files: bundled }) };
      const metadata = { name, ...(scope !== 'global' && { [scope]: 'owner' }), ...facts };
      // A whole number beyond 2^53 is refused when it is read.
      const kept = (_key: string, one: unknown) => (Number.isInteger(one) && !Number.isSafeInteger(one) ? 1 : one);
      return JSON.parse(JSON.stringify({ apiVersion: 'mcpctl.dev/v1', kind: row.kind, metadata, spec }), kept);
    })
    // The format has no merge keys: such a document is refused, and says so.
    .filter(document => !/__proto__|"<<":/.test(JSON.stringify(document)));

  it('writes files that say the same, whatever the document', () => {
    fc.assert(
      fc.property(documents, document => {
        const files = filesOf(document) as Map<string, FileContent>;
        expect(documentOf(files)).toEqual(document);
        expect(filesOf(document, files)).toEqual(files);
      }),
      { numRuns: 500 },
    );
  });
});
