import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kindTable } from '../../../schema/index.ts';
import { mcpctl } from '../../../tests/command-line.ts';
import { shopFiles } from '../../../tests/shop-files.ts';
import { type Files, type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';

let shop: TempRepository;
beforeEach(() => {
  shop = tempRepository(shopFiles);
});
afterEach(() => shop.remove());

/** Documents on standard input. */
function apply(stdin: string, ...args: string[]) {
  return mcpctl(['apply', '-f', '-', ...args], { cwd: shop.work, stdin });
}

function text(path: string): string {
  return readFileSync(join(shop.work, path), 'utf8');
}

function changedIn(stdout: string): string[] {
  return stdout
    .trim()
    .split('\n')
    .filter(line => !line.endsWith(' unchanged'));
}

const head = (kind: string, metadata: string) => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\nmetadata: ${metadata}\n`;
const stock = `${head('Server', '{ name: stock, labels: { tier: gold, team: store }, description: What is in the shop }')}spec:
  transport: stdio
  command: [stock-server, --all]
  env:
    - name: STOCK_KEY
      valueFrom: { secretRef: { name: keys, key: stock } }
`;

describe('get -o yaml | apply -f -', () => {
  it('changes no byte of the example', async () => {
    const example = join(import.meta.dirname, '../../../example-repo');
    rmSync(shop.work, { recursive: true });
    cpSync(example, shop.work, { recursive: true });
    const { stdout: documents } = await mcpctl(['get', 'all', '-o', 'yaml'], { cwd: shop.work });
    expect(documents.match(/^kind: /gm)?.length).toBeGreaterThan(10);
    const { code, stdout, stderr } = await apply(documents);
    expect(stderr).not.toContain('✗');
    expect(code).toBe(0);
    expect(changedIn(stdout)).toEqual([]);
  });

  it('changes no byte of any kind, however it is written', async () => {
    shop.commit({ ...Object.fromEntries(Object.keys(shopFiles).map(path => [path, null])), ...oddlyWritten });
    const { stdout: documents, stderr: broken } = await mcpctl(['get', 'all', '-o', 'yaml'], { cwd: shop.work });
    expect(broken).toBe('');
    const kinds = new Set(documents.match(/(?<=^kind: )\w+$/gm));
    expect([...kinds].sort()).toEqual(kindTable.map(({ kind }) => kind).sort());
    const { code, stdout, stderr } = await apply(documents);
    expect(stderr).not.toContain('✗');
    expect(code).toBe(0);
    expect(changedIn(stdout)).toEqual([]);
    // Each main file is a resource; a bundle's others belong to it.
    expect(stdout.trim().split('\n').length).toBe(Object.keys(oddlyWritten).length - 2);
    expect(shop.git('status', '--porcelain')).toBe('');
  });
});

/** One file of every kind as a person might have written it: comments, quotes, line endings and all. */
const oddlyWritten: Files = {
  'mcpctl.yaml': '\ufeff# top\r\napiVersion: mcpctl.dev/v1\r\nkind:   Repository\r\nspec: { "id": shop.example }\r\n',
  'servers/a.yaml': `%YAML 1.2\n---\n${head('Server', '{ name: "a" }')}spec: # s\n  transport: 'stdio'\n  command: &c [ node,  x ]\n  args: *c\n...\n`,
  'templates/a.yaml': `${head('Template', '{}')}spec:\n  server: {transport: stdio, command: [x]}`,
  'prompts/order/a.md': '---\r\n# c\r\ntitle:   T\r\n---\r\n\r\n  Text \t\r\n\n\n',
  'skills/order/a/SKILL.md': '---\nname: a\ndescription: >\n  Does\n  it\n---\nText',
  'skills/order/a/bin/run': new Uint8Array([0, 255, 13, 10]),
  'skills/order/a/.hidden': '',
  'projects/order/a/project.yaml': `${head('Project', '{ labels: {} }')}spec: {}\n\n\n# end`,
  'projects/order/a/prompts/own.md': '---\n---\nText',
  'agents/a/agent.yaml': `${head('Agent', '{}')}spec:\n  llm: a\n`,
  'agents/a/personalities/a.md': '---\ntitle: A\n---\nText\n',
  'llms/a.yaml': `${head('Llm', '{}')}spec:\n  provider: openai\n  model: m\n`,
  'secrets/a.yaml': `${head('Secret', '{}')}spec:\n  data:\n  # here\n    a: {generate: {}}\n`,
  'secretbackends/a.yaml': `${head('SecretBackend', '{}')}spec:\n  kubernetes: { namespace: a }   # there\n`,
  'access/tokens/a.yaml': `${head('McpToken', '{}')}spec:\n  hash: sha256:${'0'.repeat(64)}\n  owner: { kind: User, name: a }\n  expires: 2027-01-01\n`,
  'access/users/a.yaml': `${head('User', '{}')}spec:\n  email: a@example.com   # mine\n`,
  'access/groups/a.yaml': `${head('Group', '{}')}spec:\n  members:\n  - kind: User\n    name: a\n`,
  'access/serviceaccounts/a.yaml': `${head('ServiceAccount', '{}')}spec: {}\n`,
  'access/bindings/a.yaml': `${head('RoleBinding', '{}')}spec:\n  role: view\n  subjects: [{ kind: Group, name: a }]\n`,
};

describe('apply', () => {
  it('changes one line, and shows it', async () => {
    const { code, stdout, stderr } = await apply(stock.replace('tier: gold', 'tier: blue'));
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'server/stock configured\n' });
    expect(stderr).toContain(`--- a/servers/stock.yaml
+++ b/servers/stock.yaml
@@ -2,7 +2,7 @@
 kind: Server
 metadata:
   description: What is in the shop
-  labels: { team: store, tier: gold }
+  labels: { team: store, tier: blue }
 spec:
   transport: stdio
   command: [stock-server, --all]
`);
    expect(text('servers/stock.yaml')).toBe(String(shopFiles['servers/stock.yaml']).replace('gold', 'blue'));
  });

  it('takes several documents, creates what is not there, also what belongs together', async () => {
    const project = `${head('Project', '{ name: desk }')}spec: { servers: [stock] }\n`;
    const prompt = `${head('Prompt', '{ name: hello, project: desk }')}spec: { content: Hello }\n`;
    const { code, stdout } = await apply([stock, project, prompt].join('---\n'));
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'server/stock unchanged\nproject/desk created\nproject/desk/prompt/hello created\n',
    });
    expect(text('projects/desk/prompts/hello.md')).toBe('---\n---\nHello');
  });

  it('reads files and folders, and shows what it would do', async () => {
    const folder = join(shop.folder, 'given');
    cpSync(join(shop.work, 'servers'), folder, { recursive: true });
    const named = text('servers/stock.yaml').replace('metadata:', 'metadata:\n  name: other');
    rmSync(join(folder, 'spare.yaml'));
    cpSync(join(shop.work, 'servers'), join(folder, 'deeper'), { recursive: true });
    writeFileSync(join(folder, 'stock.yaml'), named);
    const { code, stdout } = await mcpctl(['apply', '-f', folder, '--dry-run'], { cwd: shop.work });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'server/other created (dry run)\n' });
    expect(shop.git('status', '--porcelain')).toBe('');
  });

  it('places a mistake in what was given, and writes nothing of the rest', async () => {
    const good = stock.replaceAll('stock,', 'other,');
    const { code, stdout, stderr } = await apply(`${good}---\n${stock.replace('stdio', 'stdioo')}`);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('✗ stdin:15:14: `spec.transport` must be');
    expect(stderr).toContain('nothing was changed');
    expect(shop.git('status', '--porcelain')).toBe('');
  });

  it.each<[string, string, string[], number, string]>([
    ['no name', `${head('Server', '{}')}spec: {}\n`, [], 1, 'stdin:3:11: `metadata.name` is missing'],
    ['a name that is a path', `${head('Server', '{ name: ../x }')}spec: {}\n`, [], 1, '`../x` cannot name a Server'],
    ['the same resource twice', `${stock}---\n${stock}`, [], 1, '`server/stock` is given twice'],
    ['what names nothing', stock.replace('name: keys', 'name: kees'), [], 1, 'stdin:9:39: there is no Secret'],
    ['a field of the spec that is none', `${stock}  replica: 2\n`, [], 1, 'stdin:10:3: `spec.replica` is not a field'],
    ['nothing', '', [], 1, 'there is no resource in it'],
    ['a file that is not there', '', ['-f', 'nowhere.yaml'], 2, 'nowhere.yaml cannot be read'],
    ['a device without end', '', ['-f', '/dev/zero'], 2, '/dev/zero is too large'],
    ['an input that is too long', '#'.repeat(64 * 1024 * 1024 + 1), [], 2, 'stdin is too large'],
    ['a scope that the kind has not', stock.replace('{ name', '{ project: x, name'), [], 1, 'never in project scope'],
  ])('refuses %s', async (_situation, documents, args, code, message) => {
    const outcome = await apply(documents, ...args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toContain(message);
    expect(shop.git('status', '--porcelain')).toBe('');
  });

  it('writes through no symbolic link', async () => {
    const outside = join(shop.folder, 'outside');
    cpSync(join(shop.work, 'servers'), outside, { recursive: true });
    rmSync(join(shop.work, 'servers'), { recursive: true });
    symlinkSync(outside, join(shop.work, 'servers'));
    const { code, stderr } = await apply(stock.replaceAll('stock,', 'other,').replace(/ {2}env:.*/s, ''));
    expect(code).toBe(1);
    expect(stderr).toContain('FILE_NOT_REGULAR');
    expect(() => readFileSync(join(outside, 'other.yaml'))).toThrow('ENOENT');
  });

  it('commits what it changed, and nothing else', async () => {
    writeFileSync(join(shop.work, 'notes.txt'), 'mine');
    shop.git('add', 'notes.txt');
    const env = {
      ...process.env,
      ...{
        GIT_AUTHOR_NAME: 'T',
        GIT_AUTHOR_EMAIL: 't@example.com',
        GIT_COMMITTER_NAME: 'T',
        GIT_COMMITTER_EMAIL: 't@example.com',
      },
    };
    const stdin = `${stock.replace('gold', 'blue')}---\n${stock.replaceAll('stock,', 'other,')}`;
    const { code, stderr } = await mcpctl(['apply', '-f', '-', '--commit'], { cwd: shop.work, stdin, env });
    expect(stderr).toContain('committed as');
    expect(code).toBe(0);
    expect(shop.git('log', '-1', '--format=%B', '--name-only')).toBe(
      'Change 2 resources\n\nChange server/stock\nCreate server/other\n\n\nservers/other.yaml\nservers/stock.yaml',
    );
    expect(shop.git('status', '--porcelain')).toBe('A  notes.txt');
  });

  it('commits no file that somebody else changed too', async () => {
    writeFileSync(join(shop.work, 'servers/stock.yaml'), `# mine\n${text('servers/stock.yaml')}`);
    const { code, stderr } = await apply(stock.replace('gold', 'blue'), '--commit');
    expect(code).toBe(1);
    expect(stderr).toContain('`servers/stock.yaml` has changes that are not committed');
    expect(text('servers/stock.yaml')).toContain('gold');
  });
});

it('needs a repository', async () => {
  const { code, stderr } = await mcpctl(['apply', '-f', '-'], { cwd: tmpdir(), stdin: stock });
  expect(code).toBe(1);
  expect(stderr).toContain('REPOSITORY_MISSING');
});
