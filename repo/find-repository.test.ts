import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findRepository } from './find-repository.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-find-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const env = { PATH: process.env.PATH, HOME: '/nowhere', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
const git = (...args: string[]) =>
  execFileSync('git', ['-C', root, '-c', 'user.name=x', '-c', 'user.email=x', ...args], { env });

it.each<[situation: string, make: () => void, folder: string]>([
  ['the top of a working tree', () => git('init', '-q', 'a'), 'a'],
  ['a folder of it', () => [git('init', '-q', 'a'), mkdirSync(join(root, 'a/b/c'), { recursive: true })], 'a/b/c'],
  ['a folder with a repository of its own', () => [git('init', '-q', 'a'), git('init', '-q', 'a/b')], 'a/b'],
  [
    'a linked working tree',
    () => [
      git('init', '-q', 'a'),
      git('-C', 'a', 'commit', '-q', '--allow-empty', '-m', 'x'),
      git('-C', 'a', 'worktree', 'add', '-q', '../linked'),
    ],
    'linked',
  ],
  ['a bare repository', () => git('init', '-q', '--bare', 'a.git'), 'a.git'],
  ['a folder inside of a bare repository', () => git('init', '-q', '--bare', 'a.git'), 'a.git/refs'],
  [
    'a working tree that is elsewhere',
    () => [mkdirSync(join(root, 'else')), git('init', '-q', 'a'), git('-C', 'a', 'config', 'core.worktree', root)],
    'else/../a',
  ],
  [
    'a folder that is reached by a link',
    () => [git('init', '-q', 'a'), mkdirSync(join(root, 'a/b')), symlinkSync(join(root, 'a/b'), join(root, 'link'))],
    'link',
  ],
  [
    'a `.git` that is none',
    () => [git('init', '-q', 'a'), mkdirSync(join(root, 'a/b/.git'), { recursive: true })],
    'a/b',
  ],
  [
    'a `.git` that is a file',
    () => [git('init', '-q', '--separate-git-dir', 'apart', 'a'), writeFileSync(join(root, 'a/x'), '')],
    'a',
  ],
])('finds what git finds: %s', async (_situation, make, folder) => {
  make();
  const args = ['-C', join(root, folder), 'rev-parse', '--absolute-git-dir', '--show-prefix'];
  const [gitDir = '', prefix = ''] = execFileSync('git', args, { env, encoding: 'utf8' }).split('\n');
  expect(await findRepository(join(root, folder), env)).toMatchObject({ gitDir, path: prefix.replace(/\/$/, '') });
});
