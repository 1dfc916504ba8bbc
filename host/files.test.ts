import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensurePrivateDir, readPrivateFile, writeAtomic } from './files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpctl-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('writeAtomic', () => {
  it('replaces the content, sets the mode and leaves no temporary file', async () => {
    const path = join(folder, 'a');
    await writeFile(path, 'old', { mode: 0o644 });
    await writeAtomic(path, 'new', { mode: 0o600 });
    expect(await readFile(path, 'utf8')).toBe('new');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('leaves no temporary file when the target cannot be replaced', async () => {
    await mkdir(join(folder, 'a', 'full'), { recursive: true });
    await expect(writeAtomic(join(folder, 'a'), 'new')).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['a']);
  });
});

describe('ensurePrivateDir', () => {
  it('creates a folder with its parents as 0700', async () => {
    const path = join(folder, 'a', 'b');
    await ensurePrivateDir(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  it('narrows a folder of ours that is too open', async () => {
    const path = join(folder, 'a');
    await mkdir(path);
    await chmod(path, 0o755);
    await ensurePrivateDir(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  it('refuses a symbolic link to a folder', async () => {
    await symlink(folder, join(folder, 'link'));
    await expect(ensurePrivateDir(join(folder, 'link'))).rejects.toMatchObject({ code: 'NOT_DIRECTORY' });
  });
});

describe('readPrivateFile', () => {
  const situations: [string, (path: string) => Promise<unknown>, string][] = [
    ['readable by the group', path => writeFile(path, 'x').then(() => chmod(path, 0o640)), 'WRONG_MODE'],
    ['writable by others', path => writeFile(path, 'x').then(() => chmod(path, 0o602)), 'WRONG_MODE'],
    ['a folder', path => mkdir(path, { mode: 0o700 }), 'NOT_REGULAR'],
    ['too large', path => writeFile(path, 'x'.repeat(11), { mode: 0o600 }), 'TOO_LARGE'],
    ['absent', async () => undefined, 'ENOENT'],
    [
      'a symbolic link to a private file',
      path => writeFile(`${path}-target`, 'x', { mode: 0o600 }).then(() => symlink(`${path}-target`, path)),
      'NOT_REGULAR',
    ],
  ];
  it.each(situations)('refuses a file that is %s', async (_situation, prepare, code) => {
    const path = join(folder, 'secret');
    await prepare(path);
    await expect(readPrivateFile(path, 10)).rejects.toMatchObject({ code });
  });

  it('reads a private file of exactly the size allowed', async () => {
    const path = join(folder, 'secret');
    await writeFile(path, '0123456789', { mode: 0o600 });
    expect((await readPrivateFile(path, 10)).toString()).toBe('0123456789');
  });
});
