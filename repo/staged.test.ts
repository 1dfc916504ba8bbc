import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverFile, serverFiles, type TempRepository, tempRepository, writeFiles } from '../tests/temp-repository.ts';
import { readContents, readStaged } from './index.ts';

let repository: TempRepository;
beforeEach(() => {
  repository = tempRepository(serverFiles(1));
});
afterEach(() => repository.remove());

function staged(folder = repository.work, env: Record<string, string | undefined> = process.env) {
  return readStaged(folder, env, repository.work);
}

async function summary(folder?: string): Promise<string[]> {
  const files = await staged(folder);
  return files.map(({ path, resource, problems }) => {
    return [path, resource?.id, ...problems.map(({ code }) => code)].filter(Boolean).join(' ');
  });
}

describe('readStaged', () => {
  it('reads what is staged, not what lies on disk', async () => {
    writeFiles(repository.work, { 'servers/new.yaml': serverFile('new'), 'servers/loose.yaml': 'kind: [' });
    repository.git('add', 'servers/new.yaml');
    writeFiles(repository.work, { 'servers/new.yaml': 'rubbish: [', 'servers/server-0.yaml': 'rubbish: [' });
    expect(await summary()).toEqual([
      'mcpctl.yaml repository/repository',
      'servers/new.yaml server/new',
      'servers/server-0.yaml server/server-0',
    ]);
  });

  it('leaves out what is removed from the index', async () => {
    repository.git('rm', '--quiet', '--cached', 'servers/server-0.yaml');
    expect(await summary()).toEqual(['mcpctl.yaml repository/repository']);
  });

  it('reads a folder of a larger repository', async () => {
    writeFiles(repository.work, { 'ai/mcpctl.yaml': 'kind: Repository\n', 'other/servers/x.yaml': 'x' });
    repository.git('add', '.');
    expect(await summary(join(repository.work, 'ai'))).toEqual([expect.stringMatching(/^mcpctl\.yaml FIELD_MISSING/)]);
  });

  it('follows no link', async () => {
    writeFiles(repository.work, { 'servers/link.yaml': { link: '/etc/passwd' } });
    repository.git('add', '.');
    expect(await summary()).toContain('servers/link.yaml FILE_NOT_REGULAR');
  });

  it('tells of a merge that is not done', async () => {
    repository.git('checkout', '--quiet', '-b', 'side');
    repository.commit({ 'servers/server-0.yaml': serverFile('server-0', 'side') });
    repository.git('checkout', '--quiet', '-b', 'other', 'HEAD~1');
    repository.commit({ 'servers/server-0.yaml': serverFile('server-0', 'other') });
    expect(() => repository.git('merge', 'side')).toThrow();
    expect(await summary()).toContain('servers/server-0.yaml FILE_UNMERGED');
  });

  it('reads the index that git names to a hook', async () => {
    const index = join(repository.folder, 'hook-index');
    writeFiles(repository.work, { 'servers/hooked.yaml': serverFile('hooked') });
    repository.git('add', 'servers/hooked.yaml');
    copyFileSync(join(repository.work, '.git', 'index'), index);
    repository.git('rm', '--quiet', '--cached', 'servers/hooked.yaml');
    const paths = (await staged(repository.work, { ...process.env, GIT_INDEX_FILE: index })).map(({ path }) => path);
    expect(paths).toContain('servers/hooked.yaml');
    expect((await staged()).map(({ path }) => path)).not.toContain('servers/hooked.yaml');
  });

  it('is a problem outside of a repository', async () => {
    const folder = join(repository.folder, 'plain');
    mkdirSync(folder);
    await expect(staged(folder)).rejects.toMatchObject({ problem: { code: 'REMOTE_NOT_FOUND' } });
  });
});

describe('readContents', () => {
  it('gives the bytes of blobs, also from a bare repository', async () => {
    const oid = repository.git('rev-parse', 'HEAD:mcpctl.yaml');
    const contents = await readContents(repository.bare, [oid, oid], 1_000, process.env);
    expect(contents.get(oid)?.toString()).toBe(serverFiles(0)['mcpctl.yaml']);
  });

  it.each([
    ['one that is missing', '0123456789012345678901234567890123456789', 1_000],
    ['one that is too large', '', 3],
  ])('refuses %s', async (_situation, oid, maxBytes) => {
    const asked = oid || repository.git('rev-parse', 'HEAD:mcpctl.yaml');
    const reading = readContents(repository.work, [asked], maxBytes, process.env);
    await expect(reading).rejects.toMatchObject({ problem: { code: 'READ_FAILED' } });
  });
});
