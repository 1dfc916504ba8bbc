import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assembleFiles } from '../schema/index.ts';
import { serverFile, serverFiles, type TempRepository, tempRepository, writeFiles } from '../tests/temp-repository.ts';
import { readContents, readStaged } from './index.ts';
import { loadParsed, storeParsed } from './parsed-files.ts';

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

  it('keeps what it parsed in the repository, and parses only what is staged since', async () => {
    const kept = join(repository.work, '.git', 'mcpctl', 'parsed', 'staged.json');
    const first = await staged();
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    // What is kept is believed: another name in it shows.
    const before = await loadParsed(dirname(kept), 'staged');
    for (const { parsed } of before?.entries.values() ?? []) {
      if (parsed.resource?.name === 'server-0') parsed.resource.name = 'believed';
    }
    await storeParsed(dirname(kept), 'staged', { kept: before?.entries ?? new Map(), made: new Set() }, undefined);
    const name = async () => (await staged()).find(({ path }) => path === 'servers/server-0.yaml')?.resource?.name;
    expect(await name()).toBe('believed');
    writeFiles(repository.work, { 'servers/server-0.yaml': serverFile('server-0', 'changed') });
    repository.git('add', '.');
    expect(await name()).toBe('server-0');
    repository.git('reset', '--quiet', '--hard');
    writeFileSync(kept, 'damaged');
    expect(await staged()).toEqual(first);
  });

  it('knows a patch together with its file', async () => {
    writeFiles(repository.work, { 'environments/prod/servers/server-0.yaml': 'spec: { nonsense: 1 }\n' });
    repository.git('add', '.');
    for (const time of ['first', 'next']) {
      const problems = (await assembleFiles(await staged(), undefined)).flatMap(file => file.problems);
      expect(problems, time).toMatchObject([
        { code: 'FIELD_UNKNOWN', at: { file: 'environments/prod/servers/server-0.yaml' } },
      ]);
    }
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
