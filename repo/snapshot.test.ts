import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TempRepository, tempRepository, writeFiles } from '../tests/temp-repository.ts';
import { openMirror } from './mirror.ts';
import { isRepository, type SnapshotOptions, snapshotFolder } from './snapshot.ts';

const env = { PATH: process.env.PATH };
let repository: TempRepository;
let folder: string;
let bare: string;
beforeEach(() => {
  repository = tempRepository({ 'deploy/prompts/a.md': 'tracked' });
  folder = join(repository.work, 'deploy');
  bare = join(repository.folder, 'snapshots.git');
});
afterEach(() => repository.remove());

const snapshot = (options: Partial<SnapshotOptions> = {}) =>
  snapshotFolder({ folder, path: '', bareDir: bare, env, ...options });

function git(...args: string[]): string {
  return execFileSync('git', ['--git-dir', bare, ...args], { encoding: 'utf8' });
}

/** `<mode> <path>` of every file of the snapshot. */
function entries(): string[] {
  const lines = git('ls-tree', '-r', '-z', 'main').split('\0').filter(Boolean);
  return lines.map(line => `${line.slice(0, 6)} ${line.slice(line.indexOf('\t') + 1)}`).sort();
}

describe('a snapshot of a folder', () => {
  it('has every file of the format as it is, and nothing else', async () => {
    const odd = 'prompts/ä "quoted" \\ back\nline\tb.md';
    writeFiles(folder, {
      'mcpctl.yaml': 'x',
      'mcpctl.yml': 'x',
      '.env': 'TOKEN=plaintext',
      '.gitattributes': '* text eol=crlf\n',
      'node_modules/big': '',
      'git~1': '',
      'prompts/.git/config': 'x',
      'prompts/crlf.md': 'a\r\nb\n',
      'servers/empty.yaml': '',
      'servers/link.yaml': { link: '/etc/passwd' },
      'servers/run.sh': '#!/bin/sh\n',
      [odd]: Buffer.from([0, 255, 10]),
    });
    truncateSync(join(folder, 'node_modules/big'), 65 * 1024 * 1024);
    chmodSync(join(folder, 'servers/run.sh'), 0o755);
    expect(await snapshot()).toMatchObject({ changed: true });
    expect(entries()).toEqual([
      '100644 mcpctl.yaml',
      '100644 mcpctl.yml',
      '100644 prompts/a.md',
      '100644 prompts/crlf.md',
      `100644 ${odd}`,
      '100644 servers/empty.yaml',
      '100755 servers/run.sh',
      '120000 servers/link.yaml',
    ]);
    expect(git('show', 'main:prompts/crlf.md')).toBe('a\r\nb\n');
    git('fsck', '--strict');
  });

  it('has only what is below the path', async () => {
    writeFiles(folder, {
      'deep/ai/mcpctl.yaml': 'x',
      'deep/ai/.env': 'x',
      'deep/other/mcpctl.yaml': 'x',
      'deep/aid': 'x',
    });
    await snapshot({ path: 'deep/ai' });
    expect(entries()).toEqual(['100644 deep/ai/mcpctl.yaml']);
  });

  it('is a new commit only when something changed, and can be followed', async () => {
    const first = await snapshot();
    expect(await snapshot()).toEqual({ ...first, changed: false });
    const mirror = await openMirror({
      dir: join(repository.folder, 'mirror.git'),
      remote: { kind: 'path', url: bare, display: folder },
      ref: 'refs/heads/main',
      env,
      home: repository.folder,
      refresh: () => snapshot(),
    });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: false });
    writeFiles(folder, { 'prompts/a.md': 'other', 'prompts/b.md': 'new' });
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
    writeFiles(folder, { 'prompts/b.md': null });
    expect(await mirror.fetch('poke')).toMatchObject({ changed: true });
    chmodSync(join(folder, 'prompts/a.md'), 0o755);
    expect(await mirror.fetch('poll')).toMatchObject({ changed: true });
    expect(git('rev-list', '--count', 'main')).toBe('4\n');
  });

  it('is the same commit on every machine', async () => {
    const first = await snapshot();
    expect(await snapshot({ bareDir: join(repository.folder, 'other.git') })).toEqual(first);
  });

  it.each([
    ['is damaged: made anew', () => writeFileSync(join(bare, 'HEAD'), 'rubbish'), {}],
    [
      'holds something else',
      () => mkdirSync(join(bare, 'x'), { recursive: true }),
      { problem: { code: 'STATE_UNUSABLE' } },
    ],
  ])('whose repository %s', async (situation, prepare, expected) => {
    if (situation.startsWith('is damaged')) await snapshot();
    prepare();
    expect(await snapshot()).toMatchObject(expected);
  });

  it('of a folder that is too large, or missing, is a problem', async () => {
    writeFiles(folder, { 'prompts/big.md': '' });
    truncateSync(join(folder, 'prompts/big.md'), 65 * 1024 * 1024);
    expect(await snapshot()).toMatchObject({ problem: { code: 'READ_FAILED' } });
    const missing = await snapshot({ folder: join(folder, 'nosuch') });
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
