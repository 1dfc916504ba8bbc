import { describe, expect, it } from 'vitest';
import { parseFile } from './parse.ts';
import { formatPosition } from './problem.ts';
import type { ParsedFile } from './resource.ts';

function parse(path: string, content: string | Uint8Array, mode = '100644'): ParsedFile {
  return parseFile({ path, oid: 'oid', mode }, Buffer.from(content));
}

/** `line:column CODE`, in order; the file's name is always the same. */
function found({ problems }: ParsedFile): string[] {
  return problems.map(({ at, code }) => `${formatPosition({ file: '', ...at }).replace(/^[^:]*:?/, '')} ${code}`);
}

const head = (kind: string) => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\n`;
/** A server's file whose `spec` begins at line 4. */
const server = (spec: string) => `${head('Server')}spec:\n${spec}`;
const stdio = '  transport: stdio\n  command: [node]\n';
const http = '  transport: streamable-http\n';

describe('parseFile: valid files', () => {
  it('reads a server with its defaults, references and metadata', () => {
    const { resource, problems, id } = parse(
      'servers/everything.yaml',
      `# a comment\r\n${head('Server')}metadata:
  name: everything
  labels: { team: data, example.org/tier: "1" }
  annotations: { note: any text }
  description: Everything
spec:
  transport: stdio
  package: { registry: npm, identifier: "@scope/server", version: 1.2.3 }
  env:
    - { name: LEVEL, value: no }
    - name: TOKEN
      valueFrom:
        secretRef: { name: tokens, key: main }
`,
    );
    expect(problems).toEqual([]);
    expect(id).toBe('server/everything');
    expect(resource).toEqual({
      id: 'server/everything',
      kind: 'Server',
      scope: 'global',
      name: 'everything',
      metadata: {
        labels: { team: 'data', 'example.org/tier': '1' },
        annotations: { note: 'any text' },
        description: 'Everything',
      },
      spec: {
        transport: 'stdio',
        package: { registry: 'npm', identifier: '@scope/server', version: '1.2.3', installScripts: false },
        path: '/mcp',
        args: [],
        headers: [],
        dependsOn: [],
        ignoreFields: [],
        env: [
          { name: 'LEVEL', value: 'no' },
          { name: 'TOKEN', valueFrom: { secretRef: { name: 'tokens', key: 'main' } } },
        ],
        replicas: 1,
      },
      file: 'servers/everything.yaml',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      references: [{ kind: 'Secret', name: 'tokens', key: 'main', line: 16, column: 28 }],
    });
  });

  it('reads a prompt: front matter and the body as it stands', () => {
    const body = '\r\nHello {{ who }}, {{#if}} { {x}}\r\n---\r\n';
    const { resource, problems } = parse(
      'projects/demo/prompts/greet.md',
      `---\r\ndescription: Greets\r\narguments: [{ name: who }]\r\n---\r\n${body}`,
    );
    expect(problems).toEqual([]);
    expect(resource).toMatchObject({
      id: 'project/demo/prompt/greet',
      metadata: { description: 'Greets' },
      spec: { description: 'Greets', arguments: [{ name: 'who', required: false }], tags: [], content: body },
    });
  });

  it('reads references of a project with their places', () => {
    const { resource } = parse(
      'projects/demo/project.yaml',
      `${head('Project')}spec:\n  servers: [a, b]\n  prompts:\n    - c\n`,
    );
    expect(resource?.references).toEqual([
      { kind: 'Server', name: 'a', line: 4, column: 13 },
      { kind: 'Server', name: 'b', line: 4, column: 16 },
      { kind: 'Prompt', name: 'c', line: 6, column: 7 },
    ]);
  });

  it('reads every source of a secret', () => {
    const { resource } = parse(
      'secrets/s.yaml',
      `${head('Secret')}spec: { data: { a: { env: MCPCTL_SECRET_A }, b: { file: x/y.txt }, c: { generate: {} } } }`,
    );
    expect(resource?.spec).toEqual({
      data: { a: { env: 'MCPCTL_SECRET_A' }, b: { file: 'x/y.txt' }, c: { generate: { bytes: 32 } } },
    });
  });

  it.each([
    ['a byte order mark in YAML', 'servers/x.yaml', `\ufeff${server(stdio)}`],
    ['a byte order mark before front matter', 'prompts/x.md', '\ufeff---\ndescription: x\n---\nBody\n'],
    ['CRLF', 'servers/x.yaml', server(stdio).replaceAll('\n', '\r\n')],
    ['a directive that asks for 1.2', 'servers/x.yaml', `%YAML 1.2\n---\n${server(stdio)}...\n`],
    ['an executable bit', 'servers/x.yaml', server(stdio)],
    ['an alias used for a small repetition', 'servers/x.yaml', server(`${stdio}  args: [&a --x, *a]\n`)],
    [
      'JSON',
      'servers/x.yaml',
      '{"apiVersion":"mcpctl.dev/v1","kind":"Server","spec":{"transport":"stdio","command":["a"]}}',
    ],
    ['front matter with nothing in it', 'prompts/x.md', '---\n---\nBody'],
    [
      'a name that the path has too',
      'mcpctl.yaml',
      `${head('Repository')}metadata: {name: repository}\nspec: {id: a.b}\n`,
    ],
    ['an external server', 'servers/x.yaml', server(`${http}  url: https://example.org/mcp\n`)],
    ['a fixed port for one replica', 'servers/x.yaml', server(`${http}  command: [a]\n  port: 8080\n  path: /sse\n`)],
  ])('takes %s', (_what, path, content) => {
    const parsed = parse(path, content, '100755');
    expect(parsed.problems).toEqual([]);
    expect(parsed.resource).toBeDefined();
  });

  it.each([
    ['no', 'no'],
    ['014', '014'],
    ['12:30', '12:30'],
    ['1.2.3', '1.2.3'],
    ['1_000', '1_000'],
    ['2026-01-01', '2026-01-01'],
    ['"8080"', '8080'],
    ["'true'", 'true'],
    ['!!str 1', '1'],
    ['0755', '0755'],
    ['0.5.1', '0.5.1'],
    ['infinite', 'infinite'],
  ])('%s is text', (written, value) => {
    const { resource, problems } = parse('servers/x.yaml', server(`${stdio}  env: [{name: A, value: ${written}}]`));
    expect(problems).toEqual([]);
    expect(resource?.spec).toMatchObject({ env: [{ name: 'A', value }] });
  });

  it.each(['3', '+3', '0x3', '0o3', '3.0', '30e-1'])('%s is the number 3', written => {
    expect(parse('servers/x.yaml', server(`${stdio}  replicas: ${written}`)).resource?.spec).toMatchObject({
      replicas: 3,
    });
  });

  it('digests what is written, not how', () => {
    const digest = (content: string) => parse('servers/x.yaml', content).resource?.digest;
    const written = digest(server(stdio));
    expect(written).toBeDefined();
    expect(digest(`# hello\nspec: {"command": ['node'], transport: "stdio"}\n${head('Server')}`)).toBe(written);
    expect(digest(server(`${stdio}  replicas: 1\n`))).not.toBe(written);
  });
});

describe('parseFile: broken YAML', () => {
  it.each<[string, string | Uint8Array, string[]]>([
    ['nothing at all', '', ['1:1 FIELD_INVALID']],
    ['only a comment', '# soon\n', ['1:1 FIELD_INVALID']],
    ['a list', '- a\n', ['1:1 FIELD_INVALID']],
    ['text', 'hello', ['1:1 FIELD_INVALID']],
    ['a sequence that never ends', 'a: 1\nb: [1, 2\n', ['3:1 YAML_SYNTAX']],
    ['a quote that never ends', 'a: "b\n', ['2:1 YAML_SYNTAX']],
    ['a tab for indentation', 'a:\n\tb: 1\n', ['2:1 YAML_SYNTAX']],
    ['wrong indentation', 'a:\n    b: 1\n  c: 2\n', ['3:1 YAML_SYNTAX']],
    ['an unknown escape', 'a: "\\y"\n', ['1:5 YAML_SYNTAX']],
    ['YAML 1.1', '# x\n%YAML 1.1\n---\na: 1\n', ['2:1 YAML_VERSION']],
    ['YAML 1.3', '%YAML 1.3\n---\na: 1\n', ['1:1 YAML_VERSION']],
    ['YAML 1.20', '%YAML 1.20\n---\na: 1\n', ['1:1 YAML_VERSION']],
    ['no version', '%YAML\n---\na: 1\n', ['1:1 YAML_VERSION']],
    ['a %TAG directive', '%TAG ! tag:example.org,2000:\n---\na: 1\n', ['1:1 YAML_UNSUPPORTED']],
    ['a second document', 'a: 1\n---\nb: 1\n', ['2:1 YAML_UNSUPPORTED']],
    ['a local tag', 'a: !thing 1\n', ['1:11 YAML_UNSUPPORTED']],
    ['a tag for a number', 'a: !!int "1"\n', ['1:10 YAML_UNSUPPORTED']],
    ['a tag for a set', 'a: !!set {b}\n', ['1:10 YAML_UNSUPPORTED']],
    ['a merge key', 'a: &a {b: 1}\nc:\n  <<: *a\n', ['3:3 YAML_UNSUPPORTED']],
    ['a key that is a number', 'a: 1\n2: 3\n', ['2:1 YAML_UNSUPPORTED']],
    ['a key that is a list', '? [a]\n: 1\n', ['1:3 YAML_UNSUPPORTED']],
    ['a key that is nothing', 'a: 1\n: 2\n', ['2:1 YAML_UNSUPPORTED']],
    ['an alias without an anchor', 'a: *b\n', ['1:4 YAML_SYNTAX']],
    ['an anchor that contains its own alias', 'a: &a [*a]\n', ['1:8 YAML_SYNTAX']],
    [
      'the same key twice, and a third time',
      'a: 1\nb: 2\na: 3\n"a": 4\n',
      ['3:1 YAML_DUPLICATE_KEY', '4:1 YAML_DUPLICATE_KEY'],
    ],
    ['__proto__', 'a: 1\n__proto__: {b: 1}\n', ['2:1 FIELD_UNKNOWN']],
    ['a number too long to keep', 'a: 12345678901234567890\n', ['1:4 FIELD_INVALID']],
    ['a fraction too long to keep', 'a: 0.12345678901234567890\n', ['1:4 FIELD_INVALID']],
    ['infinity', 'a: [.inf, -.INF, .nan]\n', ['1:5 FIELD_INVALID', '1:11 FIELD_INVALID', '1:18 FIELD_INVALID']],
    ['NUL', 'a: 1\nb: \0\n', ['2:4 FILE_NOT_TEXT']],
    ['Latin-1', Buffer.from('a: 1\nb: caf\xe9\n', 'latin1'), ['2:7 FILE_NOT_TEXT']],
    ['UTF-16', Buffer.from('\ufeffa: 1\n', 'utf16le'), ['1:1 FILE_NOT_TEXT']],
    ['PNG', Buffer.from('89504e470d0a1a0a', 'hex'), ['1:1 FILE_NOT_TEXT']],
  ])('%s', (_what, content, expected) => {
    const parsed = parse('servers/x.yaml', content);
    expect(found(parsed)).toEqual(expected);
    expect(parsed.resource).toBeUndefined();
    expect(parsed.problems.every(({ resource }) => resource === 'server/x')).toBe(true);
  });
});

describe('parseFile: a file that disagrees with its path or its schema', () => {
  it.each<[string, string, string, string[]]>([
    ['another kind', 'servers/x.yaml', `${head('Project')}spec: {servers: 3}\n`, ['2:7 IDENTITY_MISMATCH']],
    ['another apiVersion', 'servers/x.yaml', server(stdio).replace('/v1', '/v2'), ['1:13 IDENTITY_MISMATCH']],
    ['another name', 'servers/x.yaml', `metadata: {name: y}\n${server(stdio)}`, ['1:18 IDENTITY_MISMATCH']],
    [
      'no envelope',
      'servers/x.yaml',
      stdio.replaceAll(/^ +/gm, ''),
      ['1:1 FIELD_MISSING', '1:1 FIELD_MISSING', '1:1 FIELD_MISSING', '1:1 FIELD_UNKNOWN', '2:1 FIELD_UNKNOWN'],
    ],
    ['an empty spec', 'servers/x.yaml', `${head('Server')}spec:\n`, ['3:1 FIELD_INVALID']],
    ['a kind that is no text', 'servers/x.yaml', server(stdio).replace('Server', '1'), ['2:7 FIELD_INVALID']],
    [
      'an unknown field in metadata',
      'servers/x.yaml',
      `metadata:\n  lables: {}\n${server(stdio)}`,
      ['2:3 FIELD_UNKNOWN'],
    ],
    [
      'a label that is no text',
      'servers/x.yaml',
      `metadata:\n  labels: {tier: 1}\n${server(stdio)}`,
      ['2:18 FIELD_INVALID'],
    ],
    [
      'a label key with a blank',
      'servers/x.yaml',
      `metadata:\n  labels: {a b: c}\n${server(stdio)}`,
      ['2:12 FIELD_INVALID'],
    ],
    ['a missing transport', 'servers/x.yaml', server('  command: [node]\n'), ['4:3 FIELD_MISSING']],
    ['an unknown transport', 'servers/x.yaml', server('  transport: ws\n  command: [node]\n'), ['4:14 FIELD_INVALID']],
    ['a misspelt field', 'servers/x.yaml', server(`${stdio}  replica: 2\n`), ['6:3 FIELD_UNKNOWN']],
    ['an empty command', 'servers/x.yaml', server('  transport: stdio\n  command: []\n'), ['5:12 FIELD_INVALID']],
    [
      'a command in one piece',
      'servers/x.yaml',
      server('  transport: stdio\n  command: node x\n'),
      ['5:12 FIELD_INVALID'],
    ],
    ['too many replicas', 'servers/x.yaml', server(`${stdio}  replicas: 65\n`), ['6:13 FIELD_INVALID']],
    ['half a replica', 'servers/x.yaml', server(`${stdio}  replicas: 0.5\n`), ['6:13 FIELD_INVALID']],
    [
      'a range for a version',
      'servers/x.yaml',
      server('  transport: stdio\n  package: {registry: npm, identifier: a, version: ^1.0.0}\n'),
      ['5:52 FIELD_INVALID'],
    ],
    [
      'a version YAML takes for a number',
      'servers/x.yaml',
      server('  transport: stdio\n  package: {registry: npm, identifier: a, version: 1.10}\n'),
      ['5:52 FIELD_INVALID'],
    ],
    [
      'a path for a package',
      'servers/x.yaml',
      server('  transport: stdio\n  package: {registry: npm, identifier: ../a, version: 1.0.0}\n'),
      ['5:40 FIELD_INVALID'],
    ],
    [
      'a number in env',
      'servers/x.yaml',
      server(`${stdio}  env:\n    - name: PORT\n      value: 8080\n`),
      ['8:14 FIELD_INVALID'],
    ],
    ['env with neither value', 'servers/x.yaml', server(`${stdio}  env:\n    - name: A\n`), ['7:7 FIELD_INVALID']],
    [
      'env with both values',
      'servers/x.yaml',
      server(`${stdio}  env:\n    - {name: A, value: "", valueFrom: {secretRef: {name: a, key: b}}}\n`),
      ['7:7 FIELD_INVALID'],
    ],
    [
      'a secretRef without a key',
      'servers/x.yaml',
      server(`${stdio}  env:\n    - {name: A, valueFrom: {secretRef: {name: a}}}\n`),
      ['7:40 FIELD_MISSING'],
    ],
    [
      'a name env cannot have',
      'servers/x.yaml',
      server(`${stdio}  env: [{name: A=B, value: ""}]\n`),
      ['6:16 FIELD_INVALID'],
    ],
    [
      'a name in env twice',
      'servers/x.yaml',
      server(`${stdio}  env: [{name: A, value: ""}, {name: A, value: b}]\n`),
      ['6:38 FIELD_INVALID'],
    ],
    ['nothing that says what it is', 'servers/x.yaml', server('  transport: stdio\n'), ['4:3 FIELD_INVALID']],
    [
      'a command beside a url',
      'servers/x.yaml',
      server(`${http}  command: [a]\n  url: https://example.org/\n`),
      ['6:8 FIELD_INVALID'],
    ],
    [
      'a url over stdio',
      'servers/x.yaml',
      server('  transport: stdio\n  url: https://example.org/\n'),
      ['4:14 FIELD_INVALID'],
    ],
    [
      'a url with a port and env',
      'servers/x.yaml',
      server(`${http}  url: https://example.org/\n  port: 1\n  env: []\n  args: []\n`),
      ['6:9 FIELD_INVALID', '7:8 FIELD_INVALID', '8:9 FIELD_INVALID'],
    ],
    [
      'a url with a password',
      'servers/x.yaml',
      server(`${http}  url: https://a:hunter2@example.org/\n`),
      ['5:8 FIELD_INVALID'],
    ],
    ['a url of another scheme', 'servers/x.yaml', server(`${http}  url: file:///etc/passwd\n`), ['5:8 FIELD_INVALID']],
    ['a port over stdio', 'servers/x.yaml', server(`${stdio}  port: 80\n`), ['6:9 FIELD_INVALID']],
    [
      'a port for two replicas',
      'servers/x.yaml',
      server(`${http}  command: [a]\n  port: 80\n  replicas: 2\n`),
      ['7:13 FIELD_INVALID'],
    ],
    [
      'problems behind an alias',
      'servers/x.yaml',
      `metadata: {annotations: {a: &a x}}\n${server('  transport: *a\n  command: [a]\n')}`,
      ['5:14 FIELD_INVALID'],
    ],
    [
      'a variable that is not ours to read',
      'secrets/x.yaml',
      `${head('Secret')}spec: {data: {a: {env: HOME}}}\n`,
      ['3:24 FIELD_INVALID'],
    ],
    [
      'a file outside its folder',
      'secrets/x.yaml',
      `${head('Secret')}spec: {data: {a: {file: ../x}}}\n`,
      ['3:25 FIELD_INVALID'],
    ],
    [
      'a value in plain text',
      'secrets/x.yaml',
      `${head('Secret')}spec: {data: {a: hunter2}}\n`,
      ['3:18 FIELD_INVALID'],
    ],
    [
      'a secret key with a slash',
      'secrets/x.yaml',
      `${head('Secret')}spec: {data: {a/b: {generate: {}}}}\n`,
      ['3:15 FIELD_INVALID'],
    ],
    [
      'two sources for one secret',
      'secrets/x.yaml',
      `${head('Secret')}spec: {data: {a: {file: x, generate: {}}}}\n`,
      ['3:18 FIELD_INVALID'],
    ],
    [
      'a server named by a number',
      'projects/x/project.yaml',
      `${head('Project')}spec:\n  servers: [a, 1, B]\n`,
      ['4:16 FIELD_INVALID', '4:19 FIELD_INVALID'],
    ],
    ['a repository without an id', 'mcpctl.yaml', `${head('Repository')}spec: {}\n`, ['3:7 FIELD_MISSING']],
    ['a prompt without front matter', 'prompts/x.md', '# Hello\n', ['1:1 FRONT_MATTER_MISSING']],
    ['a prompt that opens with a blank', 'prompts/x.md', ' ---\na: 1\n---\n', ['1:1 FRONT_MATTER_MISSING']],
    ['a prompt that opens with four dashes', 'prompts/x.md', '----\na: 1\n---\n', ['1:1 FRONT_MATTER_MISSING']],
    ['a prompt that opens with a trailing blank', 'prompts/x.md', '--- \na: 1\n---\n', ['1:1 FRONT_MATTER_MISSING']],
    ['front matter that never ends', 'prompts/x.md', '---\ndescription: x\n--- \n----\n', ['1:1 FRONT_MATTER_MISSING']],
    ['an unknown field in front matter', 'prompts/x.md', '---\ndescripton: x\n---\nBody\n', ['2:1 FIELD_UNKNOWN']],
    ['content in front matter', 'prompts/x.md', '---\ncontent: x\n---\nBody\n', ['2:1 FIELD_UNKNOWN']],
    ['broken front matter', 'prompts/x.md', '---\ntitle: x\na: [\n---\nBody\n', ['4:1 YAML_SYNTAX']],
    ['front matter in YAML 1.1', 'prompts/x.md', '---\n%YAML 1.1\na: 1\n---\nBody\n', ['2:1 YAML_VERSION']],
    ['a priority out of range', 'prompts/x.md', '---\npriority: 11\n---\nBody\n', ['2:11 FIELD_INVALID']],
    ['no body', 'prompts/x.md', '---\ndescription: x\n---\n\n', ['4:1 FIELD_INVALID']],
    [
      'arguments used and not declared',
      'prompts/x.md',
      '---\narguments: [{name: a}]\n---\n{{a}}\n  {{b}} {{ c }} {{b}}\n',
      ['5:3 PROMPT_ARGUMENT_UNDECLARED', '5:9 PROMPT_ARGUMENT_UNDECLARED'],
    ],
    [
      'an argument declared twice',
      'prompts/x.md',
      '---\narguments: [{name: a}, {name: a}]\n---\n{{a}}\n',
      ['2:31 FIELD_INVALID'],
    ],
  ])('%s', (_what, path, content, expected) => {
    const parsed = parse(path, content);
    expect(found(parsed)).toEqual(expected);
    expect(parsed.resource).toBeUndefined();
  });

  it('warns of an argument that is never used, and keeps the prompt', () => {
    const parsed = parse('prompts/x.md', '---\narguments:\n  - name: a\n---\nBody\n');
    expect(found(parsed)).toEqual(['3:11 PROMPT_ARGUMENT_UNUSED']);
    expect(parsed.resource).toBeDefined();
  });

  it('never repeats a value that may be secret', () => {
    const files = [
      parse('servers/x.yaml', server(`${http}  url: https://a:hunter2@example.org/\n`)),
      parse('secrets/x.yaml', `${head('Secret')}spec: {data: {a: hunter2, b: {env: hunter2}, c: {file: /hunter2}}}\n`),
      parse('servers/x.yaml', server(`${stdio}  env: [{name: hunter2=x, value: [hunter2]}]\n`)),
    ];
    expect(files.every(({ problems }) => problems.length > 0)).toBe(true);
    expect(JSON.stringify(files)).not.toContain('hunter2');
  });
});

it.each([
  ['[/spec/image, /spec/resources]', []],
  ['[/spec]', []],
  ['[/spec/replicas]', ['FIELD_NOT_ACTED_ON']],
  ['[/spec/image, /spec/im]', ['FIELD_NOT_ACTED_ON']],
])('`ignoreFields: %s` is acted on, or said not to be', (fields, codes) => {
  const text = `apiVersion: mcpctl.dev/v1\nkind: Server\nspec: {transport: stdio, command: [a], ignoreFields: ${fields}}\n`;
  expect(parse('servers/x.yaml', text).problems.map(({ code }) => code)).toEqual(codes);
});

it('a prompt’s fields that change nothing yet are said to', () => {
  const text = '---\ntitle: T\npriority: 3\ntags: [writing]\nlink: https://example.com\n---\nText\n';
  const { resource, problems } = parse('prompts/p.md', text);
  expect(resource).toBeDefined();
  expect(problems).toMatchObject([
    {
      code: 'FIELD_NOT_ACTED_ON',
      severity: 'warning',
      message: '`priority`, `tags`, `link` are valid, but not acted on yet',
    },
  ]);
  expect(problems[0]?.at).toMatchObject({ line: 3, column: 1 });
});

describe('parseFile: hints', () => {
  it.each([
    ['a typo', `${stdio}  replica: 2\n`, 'Did you mean `replicas`?'],
    ['another case', `${stdio}  Replicas: 2\n`, 'Did you mean `replicas`?'],
    ['swapped letters, deep down', `${stdio}  env: [{naem: A, value: ""}]\n`, 'Did you mean `name`?'],
    ['nothing near', `${stdio}  env: [{name: A, value: "", zzz: 1}]\n`, 'Fields here: name, value, valueFrom.'],
    [
      'a number for text',
      `${stdio}  env: [{name: PORT, value: 8080}]\n`,
      'Quote the value, so that it is text: `value: "…"`.',
    ],
    ['a field without a value', `${stdio}  args:\n`, 'Give it a value, or remove the field.'],
    ['a missing choice', '  command: [a]\n', 'Add it: `stdio`, `streamable-http` or `sse`.'],
    ['text for a number', `${stdio}  replicas: two\n`, 'Write a whole number from 0 to 64.'],
    ['a number out of range', `${stdio}  replicas: 900\n`, 'Write a whole number from 0 to 64.'],
    ['text for a list', '  transport: stdio\n  command: x\n', 'Write a list: `command: [first, second]`.'],
  ])('%s', (_what, spec, hint) => {
    expect(parse('servers/x.yaml', server(spec)).problems.map(one => one.hint)).toContain(hint);
  });
});

describe('parseFile: what is not read', () => {
  it.each([
    ['a symbolic link', 'servers/x.yaml', '120000', 0, 'FILE_NOT_REGULAR'],
    ['a submodule', 'servers/x', '160000', 0, 'FILE_NOT_REGULAR'],
    ['a link in place of a folder', 'servers', '120000', 0, 'FILE_NOT_REGULAR'],
    ['a YAML file of 256 KiB and a byte', 'servers/x.yaml', '100644', 256 * 1024 + 1, 'FILE_TOO_LARGE'],
    ['a prompt of 1 MiB and a byte', 'prompts/x.md', '100644', 1024 * 1024 + 1, 'FILE_TOO_LARGE'],
    ['a file of no meaning', 'servers/x.txt', '100644', 1, 'FILE_UNKNOWN'],
    ['a folder of a later version', 'locks/servers/x/surface.json', '100644', 1, 'KIND_NOT_ACTED_ON'],
    ['a file of a skill of 8 MiB and a byte', 'skills/x/a.bin', '100644', 8 * 1024 * 1024 + 1, 'FILE_TOO_LARGE'],
  ])('%s', (_what, path, mode, size, code) => {
    const parsed = parse(path, Buffer.alloc(size, 'a'), mode);
    expect(parsed.problems.map(one => one.code)).toEqual([code]);
    expect(parsed.resource).toBeUndefined();
  });

  it('says nothing of files that are not ours', () => {
    expect(parse('README.md', 'x')).toEqual({ path: 'README.md', oid: 'oid', problems: [] });
    expect(parse('vendor/lib', '', '160000').problems).toEqual([]);
  });
});
