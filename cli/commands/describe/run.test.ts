import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpctl } from '../../../tests/command-line.ts';
import { shopFiles } from '../../../tests/shop-files.ts';
import { type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';

let shop: TempRepository;
beforeAll(() => {
  shop = tempRepository({ ...shopFiles, 'servers/bad.yaml': 'kind: Server\nspec: {transport: stdioo}\n' });
});
afterAll(() => shop.remove());

function about(...args: string[]) {
  return mcpctl(['describe', ...args], { cwd: shop.work });
}

describe('as text', () => {
  it('describes a server', async () => {
    expect((await about('server', 'stock')).stdout).toMatchInlineSnapshot(`
      "Name:         stock
      Kind:         Server
      Scope:        global
      File:         servers/stock.yaml
      Description:  What is in the shop
      Labels:       team=store
                    tier=gold
      Digest:       sha256:ebf6889fda245bfaa2eaf2ff9315bd15728f204df97c31a85829d3a063266073

      Spec:
        transport: stdio
        command: [stock-server, --all]
        env:
          - name: STOCK_KEY
            valueFrom:
              secretRef:
                name: keys
                key: stock
        path: /mcp
        replicas: 1

      Refers to:
        secret/keys (stock)

      Used by:
        project/counter
      "
    `);
  });

  it('describes a project’s own prompt, with its text', async () => {
    expect((await about('prompt/greet')).stdout).toMatchInlineSnapshot(`
      "Name:    greet
      Kind:    Prompt
      Scope:   global
      File:    prompts/greet.md
      Digest:  sha256:d6b8573071e599e484c80a17a008786731da78f1eee56efb0db59c1d97452363

      Spec:
        title: A greeting
        arguments:
          - name: who
            required: true

      Content:
        Greet {{who}}.

      Used by:
        project/counter
      "
    `);
  });

  it('describes what is broken by its problems, and fails', async () => {
    const { code, stdout } = await about('server', 'bad');
    expect(code).toBe(1);
    expect(stdout).toMatchInlineSnapshot(`
      "Name:   bad
      Kind:   Server
      Scope:  global
      File:   servers/bad.yaml

      Problems:
        ✗ servers/bad.yaml:1:1: \`apiVersion\` is missing [FIELD_MISSING]
          → Add the field.
        ✗ servers/bad.yaml:2:7: \`spec\` needs exactly one of \`package\`, \`command\`, \`image\` and \`url\` [FIELD_INVALID]
          → Keep one: a \`package\`, a \`command\`, an \`image\`, or the \`url\` of an external server.
        ✗ servers/bad.yaml:2:19: \`spec.transport\` must be \`stdio\`, \`streamable-http\` or \`sse\` [FIELD_INVALID]
          → Write \`stdio\`, \`streamable-http\` or \`sse\`.

      Text, which does not validate:
        kind: Server
        spec: {transport: stdioo}
      "
    `);
  });
});

it('tells everything as json', async () => {
  const { stdout } = await about('project', 'counter', '-o', 'json');
  expect(JSON.parse(stdout)).toMatchObject({
    id: 'project/counter',
    kind: 'Project',
    name: 'counter',
    scope: 'global',
    file: 'projects/counter/project.yaml',
    metadata: { description: 'Where people buy' },
    spec: { servers: ['stock'], prompts: ['greet'] },
    refersTo: [
      { id: 'prompt/greet', keys: [], there: true },
      { id: 'server/stock', keys: [], there: true },
    ],
    referredBy: [],
    problems: [],
  });
});

it('lets no text of a repository reach the terminal as a command', async () => {
  const hostile = tempRepository({ ...shopFiles, 'prompts/greet.md': '---\ntitle: x\n---\n\u001b]0;owned\u0007\n' });
  const { stdout } = await mcpctl(['describe', 'prompt', 'greet'], { cwd: hostile.work });
  hostile.remove();
  expect(stdout).toContain('\\u001b]0;owned\\u0007');
});

it.each<[situation: string, args: string[], code: number, said: string]>([
  ['a name that is left out', ['server'], 2, 'needs the name of one resource'],
  ['a name that is not there', ['server', 'stok'], 1, 'Did you mean `stock`?'],
  ['a scope that the kind has not', ['server', 'stock', '-p', 'counter'], 2, 'Leave -p out.'],
])('says of %s what to do', async (_situation, args, code, said) => {
  const outcome = await about(...args);
  expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(said)]);
});
