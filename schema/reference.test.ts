import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { documentSchemas, type JsonSchema } from './json-schema.ts';
import { kindTable } from './kind-table.ts';
import { classify } from './layout.ts';
import { parseFile } from './parse.ts';
import { referenceExamples } from './reference-examples.ts';

/** Fields of which nothing is said. */
function silent(schema: JsonSchema, path: string): string[] {
  const { properties = {}, items, additionalProperties, anyOf = [] } = schema;
  const values = typeof additionalProperties === 'object' ? [additionalProperties] : [];
  return [
    ...Object.entries(properties).flatMap(([name, field]) => [
      ...(field.description ? [] : [`${path}.${name}`]),
      ...silent(field, `${path}.${name}`),
    ]),
    ...[...(items ? [items] : []), ...values, ...anyOf].flatMap(inner => silent(inner, `${path}[]`)),
  ];
}

describe('the generated files', () => {
  it('are what the schemas give', () => {
    const script = fileURLToPath(new URL('generate.ts', import.meta.url));
    execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' });
  });

  it('have a schema for every kind', () => {
    expect(new Set(documentSchemas().map(({ row }) => row.kind))).toEqual(new Set(kindTable.map(({ kind }) => kind)));
  });

  it.each(documentSchemas().map(({ name, schema }) => [name, schema] as const))(
    '%s says what each field is',
    (name, schema) => {
      expect(silent(schema, name)).toEqual([]);
    },
  );

  it.each(kindTable.map(({ kind }) => [kind, referenceExamples[kind]] as const))(
    'the example of %s is valid',
    (kind, { path, text }) => {
      const { resource, problems } = parseFile({ path, oid: '', mode: '100644' }, Buffer.from(text));
      expect(problems).toEqual([]);
      expect(resource?.kind).toBe(kind);
    },
  );
});

describe('the example repository', () => {
  const root = fileURLToPath(new URL('../example-repo/', import.meta.url));
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    path => path.endsWith('.yaml') && classify(path).kind !== 'patch',
  );

  it.each(paths.map(path => [path]))('%s names its schema to editors', path => {
    const [, schema = ''] =
      /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(join(root, path), 'utf8')) ?? [];
    const declared = classify(path);
    const singular = declared.kind === 'resource' ? declared.resourceKind.toLowerCase() : 'skill';
    expect(basename(schema)).toBe(`${singular}.schema.json`);
    expect(readdirSync(join(root, dirname(path), dirname(schema)))).toContain(basename(schema));
  });
});
