import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mcpctl } from '../../../tests/command-line.ts';
import { shopFiles } from '../../../tests/shop-files.ts';
import { type TempRepository, tempRepository, writeFiles } from '../../../tests/temp-repository.ts';

const BROKEN = 'kind: Server\n';

let shop: TempRepository;
beforeEach(() => {
  shop = tempRepository({ ...shopFiles, 'environments/prod/servers/stock.yaml': 'spec: {replicas: 2}\n' });
});
afterEach(() => shop.remove());

it.each<[situation: string, args: string[], from: string, code: number]>([
  ['the folder one is in', [], '', 0],
  ['the root above a folder', [], 'projects/counter', 0],
  ['a folder by name', ['work'], '..', 0],
  ['a folder by -C', ['-C', 'work/servers'], '..', 0],
  ['a folder below -C', ['-C', '..', 'work'], '', 0],
  ['the index', ['--staged'], '', 0],
  ['the index, from below', ['--staged'], 'projects/counter', 0],
  ['a commit', ['--at', 'HEAD'], '', 0],
  ['an environment', ['--env', 'prod'], '', 0],
  ['an environment that nobody knows', ['--env', 'prd'], '', 1],
  ['a folder that has no repository', ['servers'], '', 1],
  ['both the index and a commit', ['--staged', '--at', 'HEAD'], '', 2],
])('checks %s', async (_situation, args, from, expected) => {
  const { code } = await mcpctl(['validate', ...args], { cwd: join(shop.work, from) });
  expect(code).toBe(expected);
});

it('tells problems of what is staged, whatever lies on disk', async () => {
  writeFiles(shop.work, { 'servers/bad.yaml': BROKEN });
  shop.git('add', 'servers/bad.yaml');
  writeFiles(shop.work, { 'servers/bad.yaml': null });
  expect((await mcpctl(['validate'], { cwd: shop.work })).code).toBe(0);
  const { code, stdout } = await mcpctl(['validate', '--staged', '-o', 'json'], { cwd: shop.work });
  expect(code).toBe(1);
  expect(JSON.parse(stdout).problems[0]).toMatchObject({ at: { file: 'servers/bad.yaml' }, resource: 'server/bad' });
  writeFiles(shop.work, { 'servers/worse.yaml': BROKEN });
  shop.git('rm', '--cached', '--quiet', 'servers/bad.yaml');
  expect((await mcpctl(['validate', '--staged'], { cwd: shop.work })).code).toBe(0);
});

it('shows problems as a person reads them', async () => {
  writeFiles(shop.work, {
    'servers/bad.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Server\nspec: {transport: stdio, url: 3}\n',
  });
  const { stdout, stderr } = await mcpctl(['validate'], { cwd: shop.work });
  expect(`${stdout}${stderr}`).toMatchInlineSnapshot(`
    "✗ servers/bad.yaml:3:19: an external server (\`spec.url\`) is not reached over stdio [FIELD_INVALID]
      → Write \`streamable-http\`.
    ✗ servers/bad.yaml:3:31: \`spec.url\` must be text, not a number [FIELD_INVALID]
      → Quote the value, so that it is text: \`url: "…"\`.
    ✗ 7 resources, 2 errors, 0 warnings
    "
  `);
});
