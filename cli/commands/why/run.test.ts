import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpctl } from '../../../tests/command-line.ts';
import { shopFiles } from '../../../tests/shop-files.ts';
import { type Files, type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';

const NO_DAEMON = `? no daemon on this machine has this repository in service
  → mcpctl up
`;

let shop: TempRepository;
beforeAll(() => {
  shop = tempRepository(shopFiles);
});
afterAll(() => shop.remove());

describe('without a daemon', () => {
  it.each<[situation: string, args: string[], code: number, said: string]>([
    [
      'a server that is there',
      ['stock'],
      0,
      `✔ server/stock is declared in servers/stock.yaml
✔ it is valid
✔ it is in project counter
${NO_DAEMON}`,
    ],
    [
      'a project’s own prompt',
      ['sell'],
      0,
      `✔ project/counter/prompt/sell is declared in projects/counter/prompts/sell.md
✔ it is valid
✔ it is in project counter
${NO_DAEMON}`,
    ],
    [
      'a server in no project',
      ['spare'],
      1,
      `✔ server/spare is declared in servers/spare.yaml
✔ it is valid
✗ no project serves it
  → add \`spare\` to \`spec.servers\` in projects/counter/project.yaml
${NO_DAEMON}`,
    ],
    [
      'nothing of that name',
      ['stok'],
      1,
      `✗ nothing is named \`stok\` in this repository
  → did you mean \`stock\`? mcpctl why stock
`,
    ],
    [
      'a tool of a server that is not there',
      ['stok__sell'],
      1,
      `✗ nothing is named \`stok__sell\` in this repository
  → did you mean \`stock\`? mcpctl why stock
`,
    ],
    [
      'a project that does not exist',
      ['stock', '-p', 'cellar'],
      1,
      `✔ server/stock is declared in servers/stock.yaml
✔ it is valid
✗ there is no project \`cellar\`
  → mcpctl get projects
${NO_DAEMON}`,
    ],
  ])('tells of %s', async (_situation, args, code, expected) => {
    const outcome = await mcpctl(['why', ...args], { cwd: shop.work });
    expect(outcome).toEqual({ code, stdout: expected, stderr: '' });
  });

  it.each<[situation: string, files: Files, args: string[], said: string]>([
    [
      'a broken file',
      { 'servers/stock.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n  transport: stdioo\n  command: [x]\n' },
      ['stock'],
      '✗ servers/stock.yaml:4:14: ',
    ],
    ['what it needs', { 'secrets/keys.yaml': 'kind: Secret\n' }, ['stock'], '✗ secret/keys, which it names, is broken'],
    ['a stopped server', { 'servers/spare.yaml': null }, ['halted'], '✗ `spec.replicas` is 0: it is stopped'],
    [
      'a hidden tool',
      { 'projects/counter/project.yaml': project('hide: ["stock__s*"]') },
      ['stock__sell'],
      'hides it: `spec.hide` has `stock__s*`',
    ],
    [
      'a tool that is not exposed',
      { 'projects/counter/project.yaml': project('expose: [stock__buy]') },
      ['stock__sell'],
      '`spec.expose` lists other tools only',
    ],
    [
      'a tool that is exposed',
      { 'projects/counter/project.yaml': project('expose: [stock__s*l]') },
      ['stock__sell'],
      '✔ it is in project counter\n? no daemon',
    ],
  ])('finds %s', async (_situation, files, args, said) => {
    const halted = 'apiVersion: mcpctl.dev/v1\nkind: Server\nspec: {transport: stdio, command: [x], replicas: 0}\n';
    const other = tempRepository({ ...shopFiles, 'servers/halted.yaml': halted, ...files });
    const { stdout } = await mcpctl(['why', ...args], { cwd: other.work });
    other.remove();
    expect(stdout).toContain(said);
  });

  it('tells the same as json', async () => {
    const { code, stdout } = await mcpctl(['why', 'spare', '-o', 'json'], { cwd: shop.work });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'spare',
      there: false,
      steps: [{ answer: 'yes' }, { answer: 'yes' }, { answer: 'no' }, { answer: 'unknown' }],
    });
  });

  it.each<[situation: string, args: string[], code: number, said: string]>([
    ['a kind and a name that is not there', ['server/stok'], 1, 'Did you mean `stock`?'],
    ['a kind that does not exist', ['sever/stock'], 2, 'Did you mean `server`?'],
  ])('refuses %s', async (_situation, args, code, said) => {
    const outcome = await mcpctl(['why', ...args], { cwd: shop.work });
    expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(said)]);
  });
});

function project(line: string): string {
  return `apiVersion: mcpctl.dev/v1\nkind: Project\nspec:\n  servers: [stock]\n  prompts: [greet]\n  ${line}\n`;
}
