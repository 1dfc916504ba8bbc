import { afterAll, beforeAll, expect, it } from 'vitest';
import { mcpctl } from '../../../tests/command-line.ts';
import { shopFiles } from '../../../tests/shop-files.ts';
import { type TempRepository, tempRepository, writeFiles } from '../../../tests/temp-repository.ts';

let shop: TempRepository;
beforeAll(() => {
  shop = tempRepository(shopFiles);
});
afterAll(() => shop.remove());

it('draws who serves what, and what nothing names', async () => {
  const { code, stdout } = await mcpctl(['tree'], { cwd: shop.work });
  expect(code).toBe(0);
  expect(stdout).toMatchInlineSnapshot(`
    "repository shop.example
    └── project counter  Where people buy
        ├── servers
        │   └── stock  stdio · stock-server --all
        │       └── secret keys/stock
        └── prompts
            ├── greet
            └── sell  its own

    unused: nothing names them
    └── server/spare
    "
  `);
});

it('tells the same as json', async () => {
  const { stdout } = await mcpctl(['tree', '-o', 'json'], { cwd: shop.work });
  expect(JSON.parse(stdout)).toEqual({
    repository: 'shop.example',
    projects: [
      {
        name: 'counter',
        description: 'Where people buy',
        servers: [{ name: 'stock', transport: 'stdio', source: 'stock-server --all', secrets: ['keys/stock'] }],
        prompts: [
          { name: 'greet', scope: 'global' },
          { name: 'sell', scope: 'project/counter' },
        ],
        skills: [],
      },
    ],
    unused: ['server/spare'],
  });
});

it('marks what is broken, and what is missing', async () => {
  const broken = tempRepository({ ...shopFiles, 'servers/stock.yaml': 'kind: Server\n' });
  writeFiles(broken.work, { 'prompts/greet.md': null });
  const { stdout } = await mcpctl(['tree'], { cwd: broken.work });
  broken.remove();
  expect(stdout).toMatchInlineSnapshot(`
    "repository shop.example
    └── project counter  Where people buy  ✗ broken
        ├── servers
        │   └── stock  ✗ broken
        └── prompts
            ├── greet  ✗ missing
            └── sell  its own
    "
  `);
});

it('shows a commit of the example, and is the same every time', async () => {
  const options = { cwd: new URL('../../../example-repo', import.meta.url).pathname };
  const [first, second] = [await mcpctl(['tree'], options), await mcpctl(['tree'], options)];
  expect(first).toEqual(second);
  expect(first.stdout).toContain('│   │   └── secret demo/session-key');
});
