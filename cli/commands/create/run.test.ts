import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mcpctl } from '../../../tests/command-line.ts';
import { shopFiles } from '../../../tests/shop-files.ts';
import { type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';

const template = `apiVersion: mcpctl.dev/v1
kind: Template
metadata:
  description: Reads files
spec:
  version: 1.2.0
  parameters:
    - name: folder
      required: true
    - name: key
      type: secret
  server:
    transport: stdio
    command: [files, "\${folder}"]
    env:
      - name: KEY
        valueFrom: { secretRef: "\${key}" }
`;

let shop: TempRepository;
beforeAll(() => {
  shop = tempRepository({ ...shopFiles, 'templates/files.yaml': template });
});
afterEach(() => shop.git('clean', '-fdq'));
afterAll(() => shop.remove());

function create(...args: string[]) {
  return mcpctl(['create', ...args], { cwd: shop.work, stdin: 'From stdin\n' });
}

function text(path: string): string {
  return readFileSync(join(shop.work, path), 'utf8');
}

const head = (kind: string) => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\n`;

describe('create', () => {
  it.each<[string, string[], string, string]>([
    [
      'a server from npm',
      [
        'server',
        'x',
        '--package',
        '@a/b@1.2.3',
        '--arg=-v',
        '--env',
        'A=b=c',
        '--env-from-secret',
        'K=keys/stock',
        '--replicas',
        '2',
      ],
      'servers/x.yaml',
      `${head('Server')}spec:
  transport: stdio
  package:
    registry: npm
    identifier: "@a/b"
    version: 1.2.3
  args: [-v]
  env:
    - name: A
      value: b=c
    - name: K
      valueFrom:
        secretRef:
          name: keys
          key: stock
  replicas: 2
`,
    ],
    [
      'a command',
      ['srv', 'x', '--port', '80', '--transport', 'streamable-http', '--', 'node', 'a.js', '--v'],
      'servers/x.yaml',
      `${head('Server')}spec:\n  transport: streamable-http\n  command: [node, a.js, --v]\n  port: 80\n`,
    ],
    [
      'a server that runs elsewhere',
      ['server', 'x', '--url', 'http://127.0.0.1:9/mcp', '--header', 'X-A=b', '--label', 'team=store'],
      'servers/x.yaml',
      `${head('Server')}metadata:\n  labels:\n    team: store\nspec:\n  transport: streamable-http\n  url: http://127.0.0.1:9/mcp\n  headers:\n    - name: X-A\n      value: b\n`,
    ],
    [
      'a server from a template',
      [
        'server',
        'x',
        '--from-template',
        'files',
        '--set',
        'folder=/srv',
        '--set',
        'key=keys/stock',
        '--replicas',
        '2',
        '--env',
        'A=b',
      ],
      'servers/x.yaml',
      `${head('Server')}metadata:
  annotations:
    mcpctl.dev/template: files
    mcpctl.dev/template-version: 1.2.0
  description: Reads files
spec:
  transport: stdio
  command: [files, /srv]
  env:
    - name: KEY
      valueFrom:
        secretRef:
          name: keys
          key: stock
    - name: A
      value: b
  replicas: 2
`,
    ],
    [
      'a prompt',
      [
        'prompt',
        'x',
        '--title',
        'T',
        '--content',
        'Hi {{who}}',
        '--arg',
        'who:required=Whom: you',
        '--priority',
        '3',
        '--link',
        'https://example.com',
        '--tag',
        'a',
        '--description',
        'D',
      ],
      'prompts/x.md',
      '---\ntitle: T\ndescription: D\narguments:\n  - name: who\n    description: "Whom: you"\n    required: true\npriority: 3\ntags: [a]\nlink: https://example.com\n---\nHi {{who}}\n',
    ],
    [
      'a project’s prompt from standard input',
      ['prompt', 'x', '-p', 'counter', '--content-file', '-'],
      'projects/counter/prompts/x.md',
      '---\n---\nFrom stdin\n',
    ],
    [
      'a project',
      ['project', 'x', '--server', 'stock', '--prompt', 'greet', '--gated', '--instructions', 'a\nb'],
      'projects/x/project.yaml',
      `${head('Project')}spec:\n  servers: [stock]\n  prompts: [greet]\n  instructions: |-\n    a\n    b\n  gated: true\n`,
    ],
    [
      'a secret',
      [
        'secret',
        'x',
        '--from-env',
        'a=MCPCTL_SECRET_A',
        '--from-file',
        'b=dir/b',
        '--generate',
        'c',
        '--generate',
        'd=16',
      ],
      'secrets/x.yaml',
      `${head('Secret')}spec:\n  data:\n    a:\n      env: MCPCTL_SECRET_A\n    b:\n      file: dir/b\n    c:\n      generate: {}\n    d:\n      generate:\n        bytes: 16\n`,
    ],
    [
      'fields with the types of the schema',
      ['user', 'x', '--set', 'email=a@example.com', '--set', 'displayName=007', '--set', 'suspended=true'],
      'access/users/x.yaml',
      `${head('User')}spec:\n  email: a@example.com\n  displayName: "007"\n  suspended: true\n`,
    ],
    [
      'fields within fields, lists and YAML',
      [
        'server',
        'x',
        '--set',
        'healthCheck.intervalSeconds=5',
        '--set',
        'command=node,a.js',
        '--set',
        'env=[{ name: A, value: "1" }]',
      ],
      'servers/x.yaml',
      `${head('Server')}spec:\n  transport: stdio\n  healthCheck:\n    intervalSeconds: 5\n  command: [node, a.js]\n  env:\n    - name: A\n      value: "1"\n`,
    ],
  ])('writes %s', async (_situation, args, path, expected) => {
    const { code, stdout, stderr } = await create(...args);
    expect(stderr).not.toContain('✗');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\S+ created\n$/);
    expect(text(path)).toBe(expected);
  });

  it('a server with every key of a secret', async () => {
    const two = `${head('Secret')}spec:\n  data:\n    USER: { generate: {} }\n    PASS: { generate: {} }\n`;
    writeFileSync(join(shop.work, 'secrets', 'two.yaml'), two);
    const { code, stderr } = await create(
      'server',
      'x',
      '--package',
      'a@1.0.0',
      '--env-from-secret',
      'two',
      '--env-from-secret',
      'K=keys/stock',
    );
    expect(code, stderr).toBe(0);
    const refer = (name: string, secret: string, key: string) => ({
      name,
      valueFrom: { secretRef: { name: secret, key } },
    });
    const { stdout } = await mcpctl(['get', 'server', 'x', '-o', 'json'], { cwd: shop.work });
    expect(JSON.parse(stdout)[0].spec.env).toEqual([
      refer('USER', 'two', 'USER'),
      refer('PASS', 'two', 'PASS'),
      refer('K', 'keys', 'stock'),
    ]);
  });

  it('writes a skill with its files', async () => {
    const folder = join(shop.folder, 'files');
    mkdirSync(join(folder, 'scripts'), { recursive: true });
    writeFileSync(join(folder, 'scripts/run.sh'), '#!/bin/sh\n');
    chmodSync(join(folder, 'scripts/run.sh'), 0o755);
    writeFileSync(join(shop.folder, 'skill.md'), 'Do it.\n');
    const { code, stderr } = await create(
      'skill',
      'x',
      '--description',
      'Does it',
      '--content-file',
      '../skill.md',
      '--files-dir',
      folder,
    );
    expect(stderr).not.toContain('✗');
    expect(code).toBe(0);
    expect(text('skills/x/SKILL.md')).toBe('---\nname: x\ndescription: Does it\n---\nDo it.\n');
    expect(text('skills/x/scripts/run.sh')).toBe('#!/bin/sh\n');
    expect(statSync(join(shop.work, 'skills/x/scripts/run.sh')).mode & 0o111).not.toBe(0);
  });

  it('shows what it would write', async () => {
    const { code, stdout } = await create('server', 'x', '--dry-run', '-o', 'yaml', '--', 'node');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `${head('Server')}metadata:\n  name: x\nspec:\n  transport: stdio\n  command: [node]\n`,
    });
    expect(shop.git('status', '--porcelain')).toBe('');
  });

  it.each<[string, string[], number, string]>([
    [
      'one that is there',
      ['server', 'stock', '--url', 'http://x'],
      1,
      '`server/stock` is declared by servers/stock.yaml',
    ],
    ['a name that is a path', ['server', '../x', '--url', 'http://x'], 2, 'cannot name a Server'],
    ['a kind that is none', ['sever', 'x'], 2, 'unknown command'],
    ['no name', ['server'], 2, 'missing required argument'],
    ['nothing that it is', ['server', 'x'], 1, 'servers/x.yaml:4:3'],
    ['a reference to nothing', ['project', 'x', '--server', 'stok'], 1, 'Did you mean `stock`?'],
    ['a field that is none', ['user', 'x', '--set', 'emial=a'], 2, 'Did you mean `email`?'],
    ['a value of another type', ['server', 'x', '--set', 'replicas=two'], 2, '`replicas` is a whole number'],
    ['a package without a version', ['server', 'x', '--package', '@a/b'], 2, 'is not NAME@VERSION'],
    ['a prompt without text', ['prompt', 'x'], 2, 'it has no text'],
    ['a template that is not there', ['server', 'x', '--from-template', 'file'], 1, 'Did you mean `files`?'],
    [
      'a parameter that is missing',
      ['server', 'x', '--from-template', 'files'],
      1,
      'the parameter `folder` needs a value',
    ],
    [
      'a scope that the kind has not',
      ['server', 'x', '-p', 'counter', '--url', 'http://x'],
      2,
      'never in project scope',
    ],
    ['a project that is not there', ['prompt', 'x', '-p', 'desk', '--content', 'x'], 1, 'there is no Project `desk`'],
    [
      'a secret that is not there',
      ['server', 'x', '--url', 'http://x', '--env-from-secret', 'kexs'],
      1,
      'Did you mean `keys`?',
    ],
    [
      'a device without end',
      ['prompt', 'x', '--content-file', '/dev/zero'],
      2,
      '/dev/zero is larger than 8388608 bytes',
    ],
    ['a secret with its value', ['secret', 'x', '--from-env', 'a=hunter2'], 1, 'secrets/x.yaml:6:12'],
  ])('refuses %s', async (_situation, args, code, message) => {
    const outcome = await create(...args);
    expect(outcome.stderr).toContain(message);
    expect(outcome.stderr).not.toContain('hunter2');
    expect(outcome.code).toBe(code);
    expect(shop.git('status', '--porcelain')).toBe('');
  });
});
