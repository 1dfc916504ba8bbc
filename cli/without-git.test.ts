import { afterAll, beforeAll, expect, it } from 'vitest';
import { mcpctl } from '../tests/command-line.ts';
import { type TempRepository, tempRepository } from '../tests/temp-repository.ts';

let repository: TempRepository;

beforeAll(() => {
  repository = tempRepository({
    'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n',
    'prompts/greet.md': '---\ntitle: Greet\n---\nHello.\n',
  });
});
afterAll(() => repository.remove());

it.each([
  ['log'],
  ['blame', 'prompt', 'greet'],
  ['get', 'revisions', 'prompt', 'greet'],
  ['plan'],
  ['trust', 'show'],
  ['release', '--dry-run'],
  ['restore', 'prompt', 'greet', '--revision', 'HEAD', '--commit'],
])('%s says that there is no git', async (...argv) => {
  const { code, stderr } = await mcpctl(argv, {
    cwd: repository.work,
    env: { HOME: repository.folder, PATH: '/nowhere' },
  });
  expect(stderr).toContain('git could not be run: ENOENT [GIT_MISSING]');
  expect(code).toBe(1);
});
