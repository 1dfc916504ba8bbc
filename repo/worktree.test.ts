import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverFile, serverFiles, type TempRepository, tempRepository, writeFiles } from '../tests/temp-repository.ts';
import { readCommit, readWorktree } from './worktree.ts';

let repository: TempRepository;
beforeEach(() => {
  repository = tempRepository();
});
afterEach(() => repository.remove());

describe('a folder on disk and its commit', () => {
  it('give the same files, ids and problems', async () => {
    repository.commit({
      ...serverFiles(40),
      'README.md': 'hi',
      'node_modules/x/servers/y.yaml': 'x',
      'prompts/a.md': '---\ntitle: A\n---\nHello {{name}}\n',
      'prompts/binary.md': Buffer.from([0xff]),
      'servers/broken.yaml': 'kind: [',
      'servers/large.yaml': '#'.repeat(300_000),
      'servers/link.yaml': { link: 'server-1.yaml' },
      'servers/UPPER.yaml': 'x',
      'skills/a/SKILL.md': 'x',
      projects: { link: 'servers' },
    });
    const onDisk = await readWorktree(repository.work);
    expect(onDisk.length).toBeGreaterThan(45);
    const known = (files: typeof onDisk) => files.map(file => ({ ...file, oid: file.resource ? file.oid : '' }));
    expect(known(onDisk)).toEqual(known(await readCommit(repository.work, 'HEAD', process.env)));
    expect(onDisk.map(({ path }) => path)).toEqual(onDisk.map(({ path }) => path).toSorted());
  });

  it('the disk’s bytes are taken as they are, also when git would change them', async () => {
    repository.commit({ '.gitattributes': '*.yaml text eol=crlf\n', ...serverFiles(1) });
    const before = await readWorktree(repository.work);
    writeFiles(repository.work, { 'servers/server-0.yaml': serverFile('server-0').replaceAll('\n', '\r\n') });
    const after = await readWorktree(repository.work);
    const oid = (files: typeof before) => files.find(({ path }) => path === 'servers/server-0.yaml')?.oid;
    expect(oid(after)).not.toBe(oid(before));
  });

  it('odd things on disk are reported, and read past', async () => {
    writeFiles(repository.work, {
      ...serverFiles(1),
      'servers/a\nb.yaml': 'x',
      'servers/out.yaml': { link: '/etc/passwd' },
    });
    execFileSync('mkfifo', [join(repository.work, 'servers/pipe.yaml')]);
    const codes = (await readWorktree(repository.work)).map(({ path, problems }) => [path, problems[0]?.code]);
    expect(Object.fromEntries(codes)).toEqual({
      'mcpctl.yaml': undefined,
      'servers/a\nb.yaml': 'NAME_INVALID',
      'servers/out.yaml': 'FILE_NOT_REGULAR',
      'servers/pipe.yaml': 'FILE_NOT_REGULAR',
      'servers/server-0.yaml': undefined,
    });
  });
});

describe('readWorktree', () => {
  it('reads a folder that is no git repository', async () => {
    const folder = join(repository.folder, 'plain');
    writeFiles(folder, serverFiles(2));
    expect(await readWorktree(folder)).toHaveLength(3);
  });

  it.each([
    ['does not exist', 'nosuch'],
    ['is a file', 'work/a'],
  ])('a folder that %s is a problem', async (_situation, path) => {
    repository.commit({ a: 'b' });
    await expect(readWorktree(join(repository.folder, path))).rejects.toMatchObject({
      problem: { code: 'REMOTE_NOT_FOUND' },
    });
  });

  it('a folder that is nested without end is a problem', async () => {
    mkdirSync(join(repository.work, 'servers', ...Array.from({ length: 40 }, () => 'd')), { recursive: true });
    await expect(readWorktree(repository.work)).rejects.toMatchObject({ problem: { code: 'READ_FAILED' } });
  });
});

describe('readCommit', () => {
  it.each([
    ['HEAD', 'two'],
    ['HEAD~1', 'one'],
    ['main', 'two'],
    ['v1', 'one'],
    ['@{0}', 'two'],
  ])('takes %s', async (revision, argument) => {
    repository.commit({ 'servers/a.yaml': serverFile('a', 'one') });
    repository.git('tag', '-a', '-m', 'x', 'v1');
    repository.commit({ 'servers/a.yaml': serverFile('a', 'two') });
    repository.git('branch', '-M', 'main');
    expect(await readCommit(repository.work, revision, process.env)).toMatchObject([
      { resource: { spec: { command: ['node', 'server.js', argument] } } },
    ]);
  });

  it('takes the folder named, inside a working tree or as a bare repository', async () => {
    repository.commit({ 'deploy/servers/a.yaml': serverFile('a'), 'servers/b.yaml': serverFile('b') });
    expect(await readCommit(join(repository.work, 'deploy'), 'HEAD', process.env)).toMatchObject([
      { path: 'servers/a.yaml' },
    ]);
    expect(await readCommit(repository.bare, 'main', process.env)).toMatchObject([{ path: 'servers/b.yaml' }]);
  });

  it.each([
    ['no such revision', 'nosuch', 'REF_NOT_FOUND'],
    ['an option', '--all', 'REF_INVALID'],
    ['a path in a commit', 'HEAD:servers', 'REF_INVALID'],
    ['two revisions', 'HEAD main', 'REF_INVALID'],
    ['a newline', 'HEAD\nmain', 'REF_INVALID'],
    ['nothing', '', 'REF_INVALID'],
  ])('refuses %s', async (_situation, revision, code) => {
    repository.commit(serverFiles(1));
    await expect(readCommit(repository.work, revision, process.env)).rejects.toMatchObject({ problem: { code } });
  });

  it('needs a repository around the folder', async () => {
    await expect(readCommit(repository.folder, 'HEAD', process.env)).rejects.toMatchObject({
      problem: { code: 'REMOTE_NOT_FOUND' },
    });
    await expect(readCommit('/nonexistent', 'HEAD', process.env)).rejects.toMatchObject({
      problem: { code: 'REMOTE_NOT_FOUND' },
    });
  });

  it('runs nothing that the repository’s own configuration names', async () => {
    repository.commit(serverFiles(1));
    const witness = join(repository.folder, 'witness');
    for (const key of ['core.fsmonitor', 'core.pager', 'core.sshCommand', 'alias.cat-file']) {
      repository.git('config', key, `!touch ${witness}; false`);
    }
    await readCommit(repository.work, 'HEAD', process.env);
    expect(() => readFileSync(witness)).toThrow('ENOENT');
  });
});
