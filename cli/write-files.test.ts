import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileContent } from '../schema/index.ts';
import { type FileChange, readContent, writeFiles } from './write-files.ts';

let root: string;
let outside: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mcpctl-write-'));
  outside = mkdtempSync(join(tmpdir(), 'mcpctl-outside-'));
  writeFileSync(join(root, 'a'), 'old');
});
afterEach(() => {
  for (const folder of [root, outside]) rmSync(folder, { recursive: true, force: true });
});

function content(text: string, mode: FileContent['mode'] = '100644'): FileContent {
  return { bytes: Buffer.from(text), mode };
}

/** Every file with its text; folders end in `/`. */
function tree(): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    entries.map(path =>
      statSync(join(root, path)).isDirectory() ? [`${path}/`, ''] : [path, readFileSync(join(root, path), 'utf8')],
    ),
  );
}

const change: FileChange = { path: 'a', before: content('old'), after: content('new') };

describe('writeFiles', () => {
  it('changes, makes and removes files, with the folders around them', async () => {
    const run: FileChange = { path: 'b/c/run', before: undefined, after: content('x', '100755') };
    await writeFiles(root, [change, run]);
    expect(tree()).toEqual({ a: 'new', 'b/': '', 'b/c/': '', 'b/c/run': 'x' });
    expect(statSync(join(root, 'b/c/run')).mode & 0o777 & ~0o022).toBe(0o755);
    await writeFiles(root, [{ ...run, before: run.after ?? undefined, after: null }]);
    expect(tree()).toEqual({ a: 'new' });
  });

  it.each<[string, FileChange, () => void]>([
    [
      'was changed',
      { path: 'z', before: content('one'), after: content('two') },
      () => writeFileSync(join(root, 'z'), 'three'),
    ],
    [
      'is there meanwhile',
      { path: 'z', before: undefined, after: content('two') },
      () => writeFileSync(join(root, 'z'), 'three'),
    ],
    ['is gone', { path: 'y/z', before: content('one'), after: content('two') }, () => undefined],
    [
      'is another mode',
      { path: 'z', before: content('one'), after: content('two') },
      () => {
        writeFileSync(join(root, 'z'), 'one');
        chmodSync(join(root, 'z'), 0o755);
      },
    ],
    [
      'is a symbolic link',
      { path: 'z', before: undefined, after: content('two') },
      () => symlinkSync('a', join(root, 'z')),
    ],
    ['is a folder', { path: 'z', before: undefined, after: content('two') }, () => mkdirSync(join(root, 'z'))],
    [
      'lies behind a symbolic link',
      { path: 'l/z', before: undefined, after: content('two') },
      () => symlinkSync(outside, join(root, 'l')),
    ],
    ['lies behind a file', { path: 'a/z', before: undefined, after: content('two') }, () => undefined],
  ])('changes nothing at all when one file %s', async (_situation, other, prepare) => {
    prepare();
    const before = { ...tree() };
    await expect(writeFiles(root, [change, other])).rejects.toThrow(/FILE_CHANGED|FILE_NOT_REGULAR/);
    expect(tree()).toEqual(before);
    expect(existsSync(join(outside, 'z'))).toBe(false);
  });

  it('takes back what was done when a later file cannot be put in place', async () => {
    // One is to be a file where another needs a folder, which is seen when the first one stands already.
    const clash = ['n', 'n/m'].map(path => ({ path, before: undefined, after: content('x') }));
    await expect(writeFiles(root, [change, ...clash])).rejects.toThrow('EISDIR');
    expect(tree()).toEqual({ a: 'old' });
  });
});

describe('readContent', () => {
  it.each<[string, string, () => void, string]>([
    ['a symbolic link', 'z', () => symlinkSync('a', join(root, 'z')), 'FILE_NOT_REGULAR'],
    ['a folder', 'z', () => mkdirSync(join(root, 'z')), 'FILE_NOT_REGULAR'],
    ['what lies behind a link', 'l/a', () => symlinkSync('.', join(root, 'l')), 'FILE_NOT_REGULAR'],
  ])('refuses %s', async (_situation, path, prepare, code) => {
    prepare();
    await expect(readContent(root, path)).rejects.toThrow(code);
  });

  it('reads a file with its mode, and nothing where none is', async () => {
    chmodSync(join(root, 'a'), 0o755);
    expect(await readContent(root, 'a')).toEqual(content('old', '100755'));
    expect(await readContent(root, 'b/c')).toBeUndefined();
  });
});
