import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { asProblem, type Problem } from '../schema/index.ts';
import { repositoryRoot } from './repository-root.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-root-'));
  mkdirSync(join(folder, 'project', 'tools', 'servers'), { recursive: true });
  mkdirSync(join(folder, 'nothing'));
  writeFileSync(join(folder, 'project', 'tools', 'mcpctl.yaml'), '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function problemOf(cwd: string, dir: string): Problem | string {
  try {
    return repositoryRoot(join(folder, cwd), dir).slice(folder.length);
  } catch (error) {
    return asProblem(error);
  }
}

it.each([
  ['project/tools', '.', '/project/tools'],
  ['project/tools/servers', '.', '/project/tools'],
  ['project', 'tools', '/project/tools'],
  ['project', '.', { code: 'REPOSITORY_MISSING', hint: 'A folder in it has one: add `-C tools`.' }],
  ['.', 'project', { code: 'REPOSITORY_MISSING', hint: 'A folder in it has one: add `-C project/tools`.' }],
  ['nothing', '.', { code: 'REPOSITORY_MISSING', hint: expect.stringContaining('mcpctl init DIR') }],
])('from %s, with -C %s: %j', (cwd, dir, expected) => {
  const found = problemOf(cwd, dir);
  if (typeof expected === 'string') expect(found).toBe(expected);
  else expect(found).toMatchObject(expected);
});
