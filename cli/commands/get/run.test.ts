import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mcpctl } from '../../../tests/command-line.ts';
import { shopFiles } from '../../../tests/shop-files.ts';
import { type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';
import { createProgram } from '../../program.ts';

let shop: TempRepository;
const cleanUp: (() => void)[] = [];
beforeAll(() => {
  shop = tempRepository(shopFiles);
});
afterAll(() => shop.remove());
afterEach(() => {
  for (const step of cleanUp.splice(0)) step();
});

function get(...args: string[]) {
  return mcpctl(['get', ...args], { cwd: shop.work });
}

/** A file of the working tree, until the end of the test. */
function withFile(path: string, content: string): void {
  writeFileSync(join(shop.work, path), content);
  cleanUp.push(() => rmSync(join(shop.work, path)));
}

describe('as a table', () => {
  it('lists a kind', async () => {
    expect((await get('servers')).stdout).toMatchInlineSnapshot(`
      "NAME   TRANSPORT        SOURCE                  REPLICAS
      spare  streamable-http  http://127.0.0.1:9/mcp  1
      stock  stdio            stock-server --all      1
      "
    `);
  });

  it('lists everything, each kind under its own heading', async () => {
    expect((await get('all')).stdout).toMatchInlineSnapshot(`
      "NAME                   ID
      repository/repository  shop.example

      NAME          TRANSPORT        SOURCE                  REPLICAS
      server/spare  streamable-http  http://127.0.0.1:9/mcp  1
      server/stock  stdio            stock-server --all      1

      NAME          SCOPE            TITLE           ARGUMENTS
      prompt/greet  global           A greeting      who
      prompt/sell   project/counter  Sell something  -

      NAME             SERVERS  PROMPTS  SKILLS
      project/counter  stock    greet    -

      NAME         KEYS
      secret/keys  stock
      "
    `);
  });

  it('has more columns when wide', async () => {
    expect((await get('srv', '-o', 'wide')).stdout).toMatchInlineSnapshot(`
      "NAME   TRANSPORT        SOURCE                  REPLICAS  LABELS                USED-BY          FILE
      spare  streamable-http  http://127.0.0.1:9/mcp  1         team=store            -                servers/spare.yaml
      stock  stdio            stock-server --all      1         team=store,tier=gold  project/counter  servers/stock.yaml
      "
    `);
  });

  it('marks what is broken, and tells why', async () => {
    withFile('servers/bad.yaml', 'apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n  transport: stdioo\n');
    const { code, stdout, stderr } = await get('servers');
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "NAME   TRANSPORT        SOURCE                  REPLICAS  PROBLEM
      bad    -                -                       -         ✗ FIELD_INVALID
      spare  streamable-http  http://127.0.0.1:9/mcp  1         -
      stock  stdio            stock-server --all      1         -
      "
    `);
    expect(stderr).toContain('servers/bad.yaml:4:14');
  });
});

describe('as data', () => {
  it('shows a resource as json', async () => {
    expect(JSON.parse((await get('server', 'stock', '-o', 'json')).stdout)).toEqual([
      {
        apiVersion: 'mcpctl.dev/v1',
        kind: 'Server',
        metadata: {
          name: 'stock',
          description: 'What is in the shop',
          labels: { team: 'store', tier: 'gold' },
        },
        spec: {
          transport: 'stdio',
          command: ['stock-server', '--all'],
          env: [{ name: 'STOCK_KEY', valueFrom: { secretRef: { name: 'keys', key: 'stock' } } }],
        },
      },
    ]);
  });

  it('shows resources as a stream of yaml', async () => {
    expect((await get('prompts', '--all-scopes', '-o', 'yaml')).stdout).toMatchInlineSnapshot(`
      "apiVersion: mcpctl.dev/v1
      kind: Prompt
      metadata:
        name: greet
      spec:
        title: A greeting
        arguments:
          - name: who
            required: true
        content: |
          Greet {{who}}.
      ---
      apiVersion: mcpctl.dev/v1
      kind: Prompt
      metadata:
        name: sell
        project: counter
      spec:
        title: Sell something
        content: |
          Sell it.
      "
    `);
  });

  it.each<[situation: string, args: string[], expected: string[]]>([
    ['a kind', ['servers'], ['server/spare', 'server/stock']],
    ['several kinds', ['secrets,servers'], ['server/spare', 'server/stock', 'secret/keys']],
    ['only what is global', ['prompts'], ['prompt/greet']],
    ['a project’s own', ['prompts', '-p', 'counter'], ['prompt/sell']],
    ['every scope', ['prompts', '--all-scopes'], ['prompt/greet', 'prompt/sell']],
    ['what a project names', ['servers', '-p', 'counter'], ['server/stock']],
    ['all of a project', ['all', '-p', 'counter'], ['server/stock', 'prompt/greet', 'prompt/sell', 'project/counter']],
    ['named ones, in the order of lists', ['servers', 'stock', 'spare'], ['server/spare', 'server/stock']],
    ['kind and name in one word', ['server/stock'], ['server/stock']],
    ['a label', ['servers', '-l', 'tier=gold'], ['server/stock']],
    ['a label that is not so', ['servers', '-l', 'tier!=gold'], ['server/spare']],
    ['a label that is there', ['servers', '-l', 'team,tier'], ['server/stock']],
    ['a label that is not there', ['servers', '-l', '!tier'], ['server/spare']],
    ['all with a label', ['all', '-l', 'team=store'], ['server/spare', 'server/stock']],
  ])('names %s', async (_situation, args, expected) => {
    const { code, stdout } = await get(...args, '-o', 'name');
    expect([code, stdout.trim().split('\n')]).toEqual([0, expected]);
  });

  it('shows a commit, also when the working tree is another', async () => {
    withFile(
      'servers/new.yaml',
      'apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n  transport: stdio\n  command: [x]\n',
    );
    expect((await get('servers', '-o', 'name')).stdout).toContain('server/new');
    expect((await get('servers', '-o', 'name', '--at', 'HEAD')).stdout).not.toContain('server/new');
    const { stdout } = await mcpctl(['get', 'server/stock', '-o', 'json', '-C', shop.bare, '--at', 'main']);
    expect(JSON.parse(stdout)).toMatchObject([{ metadata: { name: 'stock' } }]);
  });
});

it('shows a skill with every file of its bundle', async () => {
  const skills = tempRepository({
    ...shopFiles,
    'skills/wrap/SKILL.md': '---\nname: wrap\ndescription: Wrap a present\n---\n# Wrap\n',
    'skills/wrap/paper.txt': 'red\n',
  });
  cleanUp.push(() => skills.remove());
  for (const args of [[], ['--at', 'HEAD']]) {
    const { stdout } = await mcpctl(['get', 'skill', 'wrap', '-o', 'json', ...args], { cwd: skills.work });
    expect(JSON.parse(stdout)).toEqual([
      {
        apiVersion: 'mcpctl.dev/v1',
        kind: 'Skill',
        metadata: { name: 'wrap', description: 'Wrap a present' },
        spec: { content: '# Wrap\n', files: [{ path: 'paper.txt', mode: '100644', content: btoa('red\n') }] },
      },
    ]);
  }
});

it.each<[situation: string, patch: [path: string, text: string], args: string[], expected: object]>([
  [
    'of a server',
    ['servers/stock.yaml', 'metadata: { labels: { tier: null } }\nspec: { replicas: 3 }\n'],
    ['server', 'stock'],
    {
      metadata: { name: 'stock', description: 'What is in the shop', labels: { team: 'store' } },
      spec: expect.objectContaining({ transport: 'stdio', replicas: 3 }),
    },
  ],
  [
    'of a prompt',
    ['prompts/greet.md', '---\ntitle: A loud greeting\n---\n'],
    ['prompt', 'greet'],
    { spec: { title: 'A loud greeting', arguments: [{ name: 'who', required: true }], content: 'Greet {{who}}.\n' } },
  ],
])('merges the patch %s with --env, and without it does not', async (_situation, [path, text], args, expected) => {
  const patched = tempRepository({ ...shopFiles, [`environments/loud/${path}`]: text });
  cleanUp.push(() => patched.remove());
  const show = (...more: string[]) => mcpctl(['get', ...args, '-o', 'json', ...more], { cwd: patched.work });
  expect(JSON.parse((await show('--env', 'loud')).stdout)).toEqual([expect.objectContaining(expected)]);
  expect(JSON.parse((await show()).stdout)).not.toEqual([expect.objectContaining(expected)]);
  expect(await show('--env', 'lout')).toMatchObject({ code: 1, stderr: expect.stringContaining('`loud`') });
});

it('finds the root above a folder', async () => {
  const { stdout } = await mcpctl(['get', 'servers', '-o', 'name'], { cwd: join(shop.work, 'projects', 'counter') });
  expect(stdout).toBe('server/spare\nserver/stock\n');
});

it.each<[situation: string, args: string[], code: number, said: string]>([
  ['a name that is not there', ['server', 'stok'], 1, 'Did you mean `stock`?'],
  ['a name in another scope', ['prompt', 'sell'], 1, 'project/counter has one: prompt sell -p counter'],
  ['a name that is global', ['prompt', 'greet', '-p', 'counter'], 1, 'global has one'],
  ['one of two that is not there', ['servers', 'stock', 'nope'], 1, 'there is no Server `nope`'],
  ['a kind that does not exist', ['sever'], 2, 'Did you mean `server`?'],
  ['a name that is a path', ['server', '../x'], 2, 'Names are lower-case'],
  ['a selector that is none', ['servers', '-l', 'a b'], 2, 'is not a label selector'],
  ['watching a commit', ['servers', '--watch', '--at', 'HEAD'], 2, 'a commit never changes'],
  ['a revision that is not there', ['servers', '--at', 'nope'], 1, 'nothing in the history is named `nope`'],
  ['an unknown format', ['servers', '-o', 'xml'], 2, 'Allowed choices'],
  ['nothing that fits', ['servers', '-l', 'team=none'], 0, 'nothing found'],
])('says of %s what to do', async (_situation, args, code, said) => {
  const outcome = await get(...args);
  expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(said)]);
});

it('fails for one that is named and broken', async () => {
  withFile('servers/bad.yaml', 'kind: Server\n');
  const { code, stdout, stderr } = await get('server', 'bad', '-o', 'json');
  expect([code, stdout, stderr]).toEqual([1, '[]\n', expect.stringContaining('servers/bad.yaml:1:1')]);
});

it('is lost outside of a repository, and says so', async () => {
  const { code, stderr } = await mcpctl(['get', 'servers'], { cwd: '/' });
  expect([code, stderr]).toEqual([1, expect.stringContaining('mcpctl init DIR')]);
});

it('lists again when a file changes, until it is told to stop', async () => {
  const stop = new AbortController();
  const shown: string[] = [];
  const io = { stdout: (text: string) => shown.push(text), stderr: () => undefined, isTTY: false, colour: false };
  const context = { io, env: process.env, cwd: shop.work, signal: stop.signal };
  const running = createProgram(context)(['get', 'servers', '-o', 'name', '--watch']);
  await until(() => shown.length === 1);
  withFile('servers/late.yaml', 'apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n  transport: stdio\n  command: [x]\n');
  await until(() => shown.length === 2);
  withFile('servers/README.md', 'Nothing of ours.\n');
  stop.abort();
  expect(await running).toBe(0);
  expect(shown).toEqual(['server/spare\nserver/stock\n', '\nserver/late\nserver/spare\nserver/stock\n']);
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setTimeout(resolve, 20));
}
