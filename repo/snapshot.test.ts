import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TempRepository, tempRepository, writeFiles } from '../tests/temp-repository.ts';
import { openMirror } from './mirror.ts';
import { isRepository, snapshotFolder } from './snapshot.ts';

const env = { PATH: process.env.PATH };
let repository: TempRepository;
let folder: string;
let bare: string;
beforeEach(() => {
  repository = tempRepository({ 'deploy/a': 'tracked' });
  folder = join(repository.work, 'deploy');
  bare = join(repository.folder, 'snapshots.git');
});
afterEach(() => repository.remove());

function git(...args: string[]): string {
  return execFileSync('git', ['--git-dir', bare, ...args], { encoding: 'utf8' });
}

describe('a snapshot of a folder', () => {
  it('has every file as it is, but for .git', async () => {
    const odd = 'dir/ä "quoted" \\ back\nline\tb.txt';
    writeFiles(folder, {
      '.gitignore': '*\n',
      '.gitattributes': '* text eol=crlf\n',
      'crlf.txt': 'a\r\nb\n',
      empty: '',
      'nested/.git/config': 'x',
      link: { link: '/etc/passwd' },
      'run.sh': '#!/bin/sh\n',
      [odd]: Buffer.from([0, 255, 10]),
    });
    chmodSync(join(folder, 'run.sh'), 0o755);
    expect(await snapshotFolder(folder, bare, env)).toMatchObject({ changed: true });
    const entries = git('ls-tree', '-r', '-z', 'main')
      .split('\0')
      .filter(line => line !== '')
      .map(line => `${line.slice(0, 6)} ${line.slice(line.indexOf('\t') + 1)}`);
    expect(entries.sort()).toEqual([
      '100644 .gitattributes',
      '100644 .gitignore',
      '100644 a',
      '100644 crlf.txt',
      `100644 ${odd}`,
      '100644 empty',
      '100755 run.sh',
      '120000 link',
    ]);
    expect(git('show', 'main:crlf.txt')).toBe('a\r\nb\n');
    git('fsck', '--strict');
  });

  it('is a new commit only when something changed, and can be followed', async () => {
    const first = await snapshotFolder(folder, bare, env);
    expect(await snapshotFolder(folder, bare, env)).toEqual({ ...first, changed: false });
    const mirror = await openMirror({
      dir: join(repository.folder, 'mirror.git'),
      remote: { kind: 'path', url: bare, display: folder },
      ref: 'refs/heads/main',
      env,
      home: repository.folder,
      refresh: () => snapshotFolder(folder, bare, env),
    });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: false });
    writeFiles(folder, { a: 'other', b: 'new' });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
    writeFiles(folder, { b: null });
    expect(await mirror.fetch('poke')).toMatchObject({ changed: true });
    chmodSync(join(folder, 'a'), 0o755);
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
    expect(git('rev-list', '--count', 'main')).toBe('4\n');
  });

  it('is the same commit on every machine', async () => {
    const first = await snapshotFolder(folder, bare, env);
    expect(await snapshotFolder(folder, join(repository.folder, 'other.git'), env)).toEqual(first);
  });

  it.each([
    ['is damaged: made anew', () => writeFileSync(join(bare, 'HEAD'), 'rubbish'), {}],
    [
      'holds something else',
      () => mkdirSync(join(bare, 'x'), { recursive: true }),
      { problem: { code: 'STATE_UNUSABLE' } },
    ],
  ])('whose repository %s', async (situation, prepare, expected) => {
    if (situation.startsWith('is damaged')) await snapshotFolder(folder, bare, env);
    prepare();
    expect(await snapshotFolder(folder, bare, env)).toMatchObject(expected);
  });

  it('of a folder that is too large, or missing, is a problem', async () => {
    writeFiles(folder, { big: '' });
    truncateSync(join(folder, 'big'), 65 * 1024 * 1024);
    expect(await snapshotFolder(folder, bare, env)).toMatchObject({ problem: { code: 'READ_FAILED' } });
    const missing = await snapshotFolder(join(folder, 'nosuch'), bare, env);
    expect(missing).toMatchObject({ problem: { code: 'REMOTE_NOT_FOUND' } });
  });
});

describe('isRepository', () => {
  it.each([
    ['a working tree', () => repository.work, true],
    ['a bare repository', () => repository.bare, true],
    ['a folder inside a working tree', () => folder, false],
    ['a plain folder', () => repository.folder, false],
    ['nothing', () => '/nonexistent', false],
  ])('%s', async (_situation, path, expected) => {
    expect(await isRepository(path())).toBe(expected);
  });
});
