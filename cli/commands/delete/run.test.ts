import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mcpctl } from '../../../tests/command-line.ts';
import { shopFiles } from '../../../tests/shop-files.ts';
import { type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';

let shop: TempRepository;
beforeAll(() => {
  shop = tempRepository({
    ...shopFiles,
    'skills/data/pack/SKILL.md': '---\nname: pack\ndescription: Packs\n---\nPack it.\n',
    'skills/data/pack/deep/run.sh': 'x',
  });
});
afterEach(() => shop.git('checkout', '--quiet', '.'));
afterAll(() => shop.remove());

function remove(...args: string[]) {
  return mcpctl(['delete', ...args], { cwd: shop.work });
}

function changes(): string[] {
  const status = shop.git('status', '--porcelain');
  return status === '' ? [] : status.split('\n').map(line => line.trim());
}

describe('delete', () => {
  it.each<[string, string[], string, string[]]>([
    ['what nothing names', ['server', 'spare'], 'server/spare deleted\n', ['D servers/spare.yaml']],
    [
      'a project with all of its own',
      ['project/counter'],
      'project/counter deleted\nproject/counter/prompt/sell deleted\n',
      ['D projects/counter/project.yaml', 'D projects/counter/prompts/sell.md'],
    ],
    [
      'a project’s prompt',
      ['prompt', 'sell', '-p', 'counter'],
      'project/counter/prompt/sell deleted\n',
      ['D projects/counter/prompts/sell.md'],
    ],
    [
      'every file of a bundle',
      ['skills', 'pack'],
      'skill/pack deleted\n',
      ['D skills/data/pack/SKILL.md', 'D skills/data/pack/deep/run.sh'],
    ],
    ['nothing in a dry run', ['server', 'spare', '--dry-run'], 'server/spare deleted (dry run)\n', []],
    ['what is named, by force', ['secret', 'keys', '--force'], 'secret/keys deleted\n', ['D secrets/keys.yaml']],
  ])('takes out %s', async (_situation, args, stdout, changed) => {
    const outcome = await remove(...args);
    expect(outcome.code).toBe(0);
    expect(outcome.stdout).toBe(stdout);
    expect(changes()).toEqual(changed);
  });

  it('leaves no empty folders', async () => {
    await remove('skill', 'pack');
    expect(existsSync(join(shop.work, 'skills'))).toBe(false);
  });

  it.each<[string, string[], number, string]>([
    [
      'what others name, and says where',
      ['server', 'stock'],
      1,
      'projects/counter/project.yaml:6:13: `project/counter` names `server/stock`',
    ],
    ['what is not there', ['server', 'spar'], 1, 'Did you mean `spare`?'],
    ['what is in a project', ['prompt', 'sell'], 1, 'project/counter has one: prompt sell -p counter'],
    ['one of two that is not there', ['server', 'spare', 'other'], 1, 'there is no `server/other`'],
    ['no name', ['server'], 2, 'a name is missing'],
    ['the repository', ['repository', 'repository'], 2, 'is what makes the folder a repository'],
    ['a name that is a path', ['server', '../../x'], 2, 'cannot name a Server'],
  ])('refuses %s', async (_situation, args, code, message) => {
    const outcome = await remove(...args);
    expect(outcome.stderr).toContain(message);
    expect(outcome.code).toBe(code);
    expect(changes()).toEqual([]);
  });
});
