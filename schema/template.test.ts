// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what templates hold is tested here
import { describe, expect, it } from 'vitest';
import { parseFile } from './parse.ts';
import { formatPosition } from './problem.ts';
import type { Resource } from './resource.ts';
import { type GivenValue, instantiate, type ServerDocument } from './template.ts';

const head = 'apiVersion: mcpctl.dev/v1\nkind: Template\nmetadata: { description: D, labels: { a: b } }\nspec:\n';
const parse = (spec: string) =>
  parseFile({ path: 'templates/t.yaml', oid: 'oid', mode: '100644' }, Buffer.from(head + spec));

function template(parameters: string, server: string): Resource<'Template'> {
  const { resource, problems } = parse(`  version: 1.2.3\n  parameters: [${parameters}]\n  server: ${server}\n`);
  if (resource?.kind !== 'Template') throw new Error(JSON.stringify(problems));
  return resource;
}

function made(from: Resource<'Template'>, given: Record<string, GivenValue>): ServerDocument {
  const result = instantiate(from, 'x', given);
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.document;
}

describe('instantiate', () => {
  it('makes a Server that names its origin', () => {
    const from = template('{ name: a }', '{ transport: stdio, command: [run, "--a=${a}"] }');
    expect(made(from, { a: 'b c' })).toEqual({
      apiVersion: 'mcpctl.dev/v1',
      kind: 'Server',
      metadata: {
        name: 'x',
        labels: { a: 'b' },
        annotations: { 'mcpctl.dev/template': 't', 'mcpctl.dev/template-version': '1.2.3' },
        description: 'D',
      },
      spec: { transport: 'stdio', command: ['run', '--a=b c'] },
    });
    const file = Buffer.from(JSON.stringify(made(from, { a: 'b' })));
    expect(parseFile({ path: 'servers/x.yaml', oid: '', mode: '100644' }, file).problems).toEqual([]);
  });

  const command = (...args: unknown[]) => ({ transport: 'stdio', command: ['run', ...args] });
  it.each<[string, string, string, Record<string, GivenValue>, unknown]>([
    ['a default', '{ name: a, default: d }', '["${a}"]', {}, command('d')],
    ['nothing where nothing is said', '{ name: a }', '["--x=${a}"]', {}, command('--x=')],
    ['an argument that falls away', '{ name: a }', '["${a}", last]', {}, command('last')],
    [
      'a number as text among text',
      '{ name: a, type: integer }',
      '["${a}", "${a}/s"]',
      { a: '5' },
      command('5', '5/s'),
    ],
    [
      '`$` and a brace as they are',
      '{ name: a, default: d }',
      '["$${a}", "$a", "${a}"]',
      {},
      command('${a}', '$a', 'd'),
    ],
    ['what is filled in as it is', '{ name: a }', '["${a}"]', { a: '${a} $& $1' }, command('${a} $& $1')],
  ])('fills in %s', (_what, parameters, args, given, spec) => {
    const from = template(parameters, `{ transport: stdio, command: ${args.replace('[', '[run, ')} }`);
    expect(made(from, given).spec).toEqual(spec);
  });

  it('keeps the type of a number and of a boolean', () => {
    const parameters = '{ name: n, type: integer, default: 1 }, { name: b, type: boolean, default: true }';
    const server = '{ transport: stdio, command: [a], replicas: "${n}", healthCheck: { restart: "${b}" } }';
    const { spec } = made(template(parameters, server), { n: 3, b: 'false' });
    expect(spec).toMatchObject({ replicas: 3, healthCheck: { restart: false } });
  });

  const env =
    '{ transport: stdio, command: [a], env: [{ name: A, valueFrom: { secretRef: "${s}" } }, { name: B, value: x }] }';
  it('puts a secret’s reference where one is asked for, and drops the variable without one', () => {
    const from = template('{ name: s, type: secret }', env);
    const rest = { name: 'B', value: 'x' };
    const secretRef = { name: 'tokens', key: 'a/b' };
    expect(made(from, { s: 'tokens/a/b' }).spec.env).toEqual([{ name: 'A', valueFrom: { secretRef } }, rest]);
    expect(made(from, { s: secretRef }).spec.env).toEqual([{ name: 'A', valueFrom: { secretRef } }, rest]);
    expect(made(from, {}).spec.env).toEqual([rest]);
    expect(instantiate(from, 'x', { s: 'hunter2' })).toMatchObject({
      problems: [{ message: 'the parameter `s` is one key of a Secret, `NAME/KEY`' }],
    });
  });

  it.each<[string, string, Record<string, GivenValue>, string]>([
    ['no value where one is required', '{ name: a, required: true }', {}, 'the parameter `a` needs a value'],
    ['an unknown name', '{ name: a }', { b: 'x' }, 'there is no parameter `b`'],
    ['text for a number', '{ name: a, type: integer }', { a: '1.5' }, 'the parameter `a` must be a whole number'],
    ['text for a boolean', '{ name: a, type: boolean }', { a: 'yes' }, 'the parameter `a` must be `true` or `false`'],
    [
      'what is not among the values',
      '{ name: a, type: enum, values: [x, y] }',
      { a: 'z' },
      'the parameter `a` must be one of `x`, `y`',
    ],
    [
      'what the pattern does not match',
      '{ name: a, pattern: "[a-z]+" }',
      { a: 'a1' },
      'the parameter `a` must match `[a-z]+`',
    ],
    ['a reference for text', '{ name: a }', { a: { name: 'n', key: 'k' } }, 'the parameter `a` is plain text'],
  ])('refuses %s', (_what, parameters, given, message) => {
    const from = template(parameters, '{ transport: stdio, command: [run, "${a}"] }');
    expect(instantiate(from, 'x', given)).toMatchObject({ problems: [{ code: 'TEMPLATE_VALUE_INVALID', message }] });
  });

  it('refuses what makes no Server', () => {
    const from = template('{ name: u }', '{ transport: streamable-http, url: "${u}" }');
    const result = instantiate(from, 'x', { u: 'ftp://example.org' });
    expect(result).toMatchObject({ problems: [{ code: 'FIELD_INVALID', at: { file: 'templates/t.yaml' } }] });
  });
});

describe('the rules of a Template', () => {
  const stdio = 'transport: stdio, command: [a';
  it.each<[string, string, string, string[]]>([
    ['nothing wrong', '{ name: a }', `{ ${stdio}, "\${a}"] }`, []],
    ['an undeclared parameter', '', `{ ${stdio}, "\${a}"] }`, ['6:44 TEMPLATE_PARAMETER_UNDECLARED']],
    ['an unused parameter', '{ name: a }', `{ ${stdio}] }`, ['5:24 TEMPLATE_PARAMETER_UNUSED']],
    ['a parameter twice', '{ name: a }, { name: a }', `{ ${stdio}, "\${a}"] }`, ['5:37 FIELD_INVALID']],
    [
      'a default that is never used',
      '{ name: a, required: true, default: x }',
      `{ ${stdio}, "\${a}"] }`,
      ['5:52 FIELD_INVALID'],
    ],
    [
      'a default of another type',
      '{ name: a, type: integer, default: x }',
      `{ ${stdio}, "\${a}"] }`,
      ['5:51 FIELD_INVALID'],
    ],
    ['an enum without values', '{ name: a, type: enum }', `{ ${stdio}, "\${a}"] }`, ['5:16 FIELD_INVALID']],
    ['a pattern that is none', '{ name: a, pattern: "(" }', `{ ${stdio}, "\${a}"] }`, ['5:36 FIELD_INVALID']],
    [
      'a pattern that leaves too much open',
      `{ name: a, pattern: "${'a?'.repeat(20)}${'a'.repeat(20)}" }`,
      `{ ${stdio}, "\${a}"] }`,
      ['5:36 FIELD_INVALID'],
    ],
    [
      'a pattern with too many alternatives',
      `{ name: a, pattern: "${'(?:a|a)'.repeat(9)}" }`,
      `{ ${stdio}, "\${a}"] }`,
      ['5:36 FIELD_INVALID'],
    ],
    ['a pattern with a few of each', '{ name: a, pattern: "https?://(?:a|b).+" }', `{ ${stdio}, "\${a}"] }`, []],
    [
      'a pattern that may take for ever',
      '{ name: a, pattern: "(a+)+b" }',
      `{ ${stdio}, "\${a}"] }`,
      ['5:36 FIELD_INVALID'],
    ],
    ['what comes to no Server', '{ name: a }', `{ ${stdio}, "\${a}"], port: 1 }`, ['6:59 FIELD_INVALID']],
    ['a field that a Server has not', '{ name: a }', `{ ${stdio}, "\${a}"], prot: 1 }`, ['6:53 FIELD_UNKNOWN']],
  ])('%s', (_what, parameters, server, expected) => {
    const { problems } = parse(`  parameters: [${parameters}]\n  server: ${server}\n`);
    const found = problems.map(
      ({ at, code }) =>
        `${formatPosition({ file: '', ...at })
          .split(':')
          .slice(1)
          .join(':')} ${code}`,
    );
    expect(found).toEqual(expected);
  });
});
