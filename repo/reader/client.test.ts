import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverFile, serverFiles, type TempRepository, tempRepository } from '../../tests/temp-repository.ts';
import type { Reader, ReadResult } from '../types.ts';
import { openReader, type ReaderOptions } from './client.ts';

const trap = new URL('./trap.ts', import.meta.url);

let repository: TempRepository;
const readers: Reader[] = [];
beforeEach(() => {
  repository = tempRepository();
});
afterEach(async () => {
  await Promise.all(readers.splice(0).map(reader => reader.close()));
  repository.remove();
});

function open(options: Partial<ReaderOptions> = {}): Reader {
  const reader = openReader({ gitDir: repository.bare, keptIn: join(repository.folder, 'parsed'), ...options });
  readers.push(reader);
  return reader;
}

/** path → what was made of it: its id, or the codes of its problems. */
function summary(result: ReadResult): Record<string, string> {
  if ('problem' in result) throw new Error(`${result.problem.code}: ${result.problem.message}`);
  const entries = result.files.map(({ path, resource, problems }): [string, string] => [
    path,
    problems.map(({ code }) => code).join() || (resource?.id ?? ''),
  ]);
  return Object.fromEntries(entries.sort());
}

/** The processes below this one, by what they were started with. */
function children(needle: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(needle);
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function eventually(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 200 && !condition(); attempt++) await sleep(50);
  expect(condition()).toBe(true);
}

describe('reading a commit', () => {
  it('gives every file of the format, parsed, and nothing else', async () => {
    const commit = repository.commit({
      ...serverFiles(2),
      'README.md': '# hi',
      'src/big.bin': Buffer.alloc(1000),
      '.github/workflows/ci.yaml': 'on: push',
      'servers/broken.yaml': 'kind: [',
      'servers/notes.txt': 'x',
    });
    const result = await open().read(commit);
    expect(summary(result)).toEqual({
      'mcpctl.yaml': 'repository/repository',
      'servers/server-0.yaml': 'server/server-0',
      'servers/server-1.yaml': 'server/server-1',
      'servers/broken.yaml': 'YAML_SYNTAX',
      'servers/notes.txt': 'FILE_UNKNOWN',
    });
    expect(result).toMatchObject({ commit, removed: [], blobsRead: 4 });
    expect(result).not.toHaveProperty('base');
  });

  it('gives only what changed since another commit, and reads only its blobs', async () => {
    const first = repository.commit({ ...serverFiles(50), 'servers/nested/deep/x.yaml': serverFile('x') });
    const reader = open();
    await reader.read(first);
    const second = repository.commit({
      'servers/server-7.yaml': serverFile('server-7', 'changed'),
      'servers/server-8.yaml': null,
      'servers/nested/deep/x.yaml': null,
      'servers/new.yaml': serverFile('new'),
    });
    const result = await reader.read(second, first);
    expect(summary(result)).toEqual({ 'servers/new.yaml': 'server/new', 'servers/server-7.yaml': 'server/server-7' });
    if ('problem' in result) return;
    expect(result.removed.sort()).toEqual(['servers/nested/deep/x.yaml', 'servers/server-8.yaml']);
    expect(result).toMatchObject({ commit: second, base: first, blobsRead: 2 });
  });

  it('reads no blob that it has parsed before: a revert, a move away and back', async () => {
    const first = repository.commit(serverFiles(3));
    const reader = open();
    await reader.read(first);
    const second = repository.commit({ 'servers/server-1.yaml': serverFile('server-1', 'changed') });
    await reader.read(second, first);
    expect(await reader.read(first, second)).toMatchObject({
      files: [{ path: 'servers/server-1.yaml' }],
      blobsRead: 0,
    });
    expect(await reader.read(first)).toMatchObject({ blobsRead: 0 });
  });

  it('reads a copied blob anew: what it declares depends on its path', async () => {
    const first = repository.commit({ 'servers/a.yaml': serverFile('a') });
    const reader = open();
    await reader.read(first);
    const second = repository.commit({ 'servers/b.yaml': serverFile('a') });
    expect(summary(await reader.read(second, first))).toEqual({ 'servers/b.yaml': 'IDENTITY_MISMATCH' });
  });

  it('gives everything when the other commit is not there any more', async () => {
    const commit = repository.commit(serverFiles(2));
    const result = await open().read(commit, '1'.repeat(40));
    expect(Object.keys(summary(result))).toHaveLength(3);
    expect(result).not.toHaveProperty('base');
  });

  it('a file becomes a folder, and a folder a file', async () => {
    const first = repository.commit({ 'prompts/x.md': '---\n---\nhi', 'prompts/y.md/z.md': '---\n---\nhi' });
    const reader = open();
    await reader.read(first);
    const second = repository.commit({ 'prompts/x.md': null, 'prompts/y.md/z.md': null });
    const third = repository.commit({ 'prompts/x.md/z.md': '---\n---\nhi', 'prompts/y.md': '---\n---\nhi' });
    expect(await reader.read(second, first)).toMatchObject({
      files: [],
      removed: ['prompts/x.md', 'prompts/y.md/z.md'],
    });
    const result = await reader.read(third, first);
    expect(summary(result)).toEqual({ 'prompts/x.md/z.md': 'prompt/z', 'prompts/y.md': 'prompt/y' });
    expect(result).toMatchObject({ removed: expect.arrayContaining(['prompts/x.md', 'prompts/y.md/z.md']) });
  });

  it('reads a subfolder as the root', async () => {
    const commit = repository.commit({ 'deploy/mcp/servers/a.yaml': serverFile('a'), 'servers/b.yaml': 'x' });
    expect(summary(await open({ path: 'deploy/mcp' }).read(commit))).toEqual({ 'servers/a.yaml': 'server/a' });
    const missing = await open({ path: 'deploy/other' }).read(commit);
    expect(missing).toMatchObject({ problem: { code: 'REPOSITORY_MISSING' } });
    const file = await open({ path: 'servers/b.yaml' }).read(commit);
    expect(file).toMatchObject({ problem: { code: 'REPOSITORY_MISSING' } });
  });

  it('reads a SHA-256 repository', async () => {
    const other = tempRepository(serverFiles(1), { format: 'sha256' });
    const commit = other.git('rev-parse', 'HEAD');
    expect(Object.keys(summary(await open({ gitDir: other.bare }).read(commit)))).toHaveLength(2);
    other.remove();
  });

  it.each([
    ['no such commit', () => '1'.repeat(40)],
    ['a blob', () => repository.git('rev-parse', 'HEAD:mcpctl.yaml')],
  ])('%s is a problem', async (_situation, name) => {
    repository.commit(serverFiles(1));
    expect(await open().read(name())).toMatchObject({ problem: { code: 'READ_FAILED' } });
  });
});

describe('hostile content', () => {
  it('links and submodules are reported, never followed', async () => {
    const commit = repository.commit({ 'servers/a.yaml': { link: '/etc/passwd' }, prompts: { link: '..' } });
    repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},servers/sub.yaml`);
    repository.git('commit', '-qm', 'submodule');
    repository.git('push', '-q', 'origin', 'HEAD:main');
    expect(summary(await open().read(repository.git('rev-parse', 'HEAD')))).toEqual({
      prompts: 'FILE_NOT_REGULAR',
      'servers/a.yaml': 'FILE_NOT_REGULAR',
      'servers/sub.yaml': 'FILE_NOT_REGULAR',
    });
  });

  it('a huge file is refused by its size, unread', async () => {
    const commit = repository.commit({ 'servers/a.yaml': Buffer.alloc(64 * 1024 * 1024, '#'), ...serverFiles(1) });
    const result = await open({ memoryMb: 48 }).read(commit);
    expect(summary(result)).toMatchObject({
      'servers/a.yaml': 'FILE_TOO_LARGE',
      'servers/server-0.yaml': 'server/server-0',
    });
    expect(result).toMatchObject({ blobsRead: 2 });
  });

  it('binary for text is refused', async () => {
    const commit = repository.commit({
      'servers/a.yaml': Buffer.from([0x6b, 0xff, 0xfe]),
      'prompts/b.md': Buffer.from('---\n---\na\0b'),
    });
    expect(summary(await open().read(commit))).toEqual({
      'prompts/b.md': 'FILE_NOT_TEXT',
      'servers/a.yaml': 'FILE_NOT_TEXT',
    });
  });

  it('names that cannot be shown or are too deep stall nothing else', async () => {
    const deep = `servers/${'d/'.repeat(20)}x.yaml`;
    const commit = repository.commit({ 'servers/a\nb.yaml': 'x', [deep]: serverFile('x'), ...serverFiles(1) });
    const read = summary(await open().read(commit));
    expect(read).toMatchObject({ 'servers/a?b.yaml': 'NAME_INVALID', 'servers/server-0.yaml': 'server/server-0' });
    expect(Object.values(read).filter(what => what === 'NAME_INVALID')).toHaveLength(2);
    const without = repository.commit({ 'servers/a\nb.yaml': null });
    expect(await open().read(without, commit)).toMatchObject({ files: [], removed: ['servers/a?b.yaml'] });
  });

  it('a flood of problems: each file tells of its first, all of them only a few of all', async () => {
    const wrong = Array.from({ length: 100 }, (_, index) => `  bogus${index}: 1`).join('\n');
    const bad = `apiVersion: mcpctl.dev/v1\nkind: Server\nspec:\n${wrong}\n`;
    const paths = Array.from({ length: 50 }, (_, index) => `servers/bad-${index}.yaml`);
    const reader = open();
    for (const commit of [
      repository.commit(Object.fromEntries(paths.map(path => [path, bad]))),
      repository.commit({ 'README.md': '' }),
    ]) {
      const result = await reader.read(commit);
      if ('problem' in result) throw new Error(result.problem.message);
      const counts = result.files.filter(({ path }) => path.startsWith('servers/')).map(file => file.problems.length);
      expect(counts).toHaveLength(50);
      expect(Math.min(...counts)).toBe(1);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThan(1_200);
    }
  });

  it('more files than allowed refuse the commit', async () => {
    const blob = repository.git('hash-object', '-w', '--stdin');
    const lines = Array.from({ length: 100_001 }, (_, index) => `100644 blob ${blob}\tf${index}.yaml`).join('\n');
    const git = (args: string[], input: string) =>
      execFileSync('git', args, { cwd: repository.bare, input, encoding: 'utf8' }).trim();
    git(['hash-object', '-w', '--stdin'], '');
    const tree = git(['mktree', '--missing'], lines);
    const root = git(['mktree'], `040000 tree ${tree}\tservers\n`);
    const commit = git(['-c', 'user.name=t', '-c', 'user.email=t', 'commit-tree', root, '-m', 'x'], '');
    expect(await open().read(commit)).toMatchObject({
      problem: { code: 'READ_FAILED', message: expect.stringContaining('100000') },
    });
  });

  it.each([
    ['hangs', 'TRAP hang'],
    ['crashes the process', 'TRAP crash'],
    ['takes all its memory', 'TRAP memory'],
  ])('a file that %s is found and left out; the rest is read', async (_situation, content) => {
    const commit = repository.commit({
      ...serverFiles(20),
      'servers/bad.yaml': content,
      'servers/z.yaml': serverFile('z'),
    });
    const reader = open({ program: trap, timeoutMs: 3_000, memoryMb: 64 });
    const result = await reader.read(commit);
    const read = summary(result);
    expect(read).toMatchObject({ 'servers/bad.yaml': 'FILE_TOO_COSTLY', 'servers/z.yaml': 'server/z' });
    expect(Object.keys(read)).toHaveLength(23);
    if ('problem' in result) return;
    expect(result.files.find(file => file.path === 'servers/bad.yaml')).toMatchObject({ id: 'server/bad' });
    // Known from now on: the next commit is read as fast as any.
    const next = repository.commit({ 'servers/new.yaml': serverFile('new') });
    expect(summary(await reader.read(next, commit))).toEqual({ 'servers/new.yaml': 'server/new' });
    expect(summary(await reader.read(next))).toMatchObject({ 'servers/bad.yaml': 'FILE_TOO_COSTLY' });
  });

  it('a commit with too many such files is given up, and the next one is read', async () => {
    const bad = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`servers/bad-${i}.yaml`, `TRAP crash ${i}`]));
    const commit = repository.commit({ ...serverFiles(1), ...bad });
    const reader = open({ program: trap });
    expect(await reader.read(commit)).toMatchObject({ problem: { code: 'READ_FAILED' } });
    const mended = repository.commit(Object.fromEntries(Object.keys(bad).map(path => [path, null])));
    expect(Object.keys(summary(await reader.read(mended)))).toHaveLength(2);
  });

  it('a real file that takes more than the memory there is, with the real parser', async () => {
    const packages = Object.fromEntries(
      Array.from({ length: 60_000 }, (_, i) => [
        `node_modules/p${i}`,
        { version: '1.0.0', dependencies: { [`d${i}`]: '1' } },
      ]),
    );
    const lock = JSON.stringify({ name: 'x', lockfileVersion: 3, packages });
    const commit = repository.commit({ 'locks/servers/big/package-lock.json': lock, ...serverFiles(1) });
    const read = summary(await open({ memoryMb: 28 }).read(commit));
    expect(read).toMatchObject({
      'locks/servers/big/package-lock.json': 'FILE_TOO_COSTLY',
      'servers/server-0.yaml': 'server/server-0',
    });
  });
});

describe('the reader process', () => {
  it('may die between reads', async () => {
    const commit = repository.commit(serverFiles(2));
    const reader = open();
    await reader.read(commit);
    const pids = children(repository.bare).filter(pid => pid !== process.pid);
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await eventually(() => children(repository.bare).length === 0);
    expect(Object.keys(summary(await reader.read(commit)))).toHaveLength(3);
  });

  it('ends when nothing is read for a while, and is started again by what is about to read', async () => {
    const first = repository.commit(serverFiles(2));
    const reader = open({ idleMs: 200 });
    expect(Object.keys(summary(await reader.read(first)))).toHaveLength(3);
    await eventually(() => children(repository.bare).length === 0);
    reader.wake();
    await eventually(() => children(repository.bare).length > 0);
    await eventually(() => children(repository.bare).length === 0);
    const second = repository.commit({ 'servers/new.yaml': serverFile('new') });
    const result = await reader.read(second, first);
    expect(summary(result)).toEqual({ 'servers/new.yaml': 'server/new' });
    expect(result).toMatchObject({ base: first, blobsRead: 1 });
  });

  it('may be stopped in the middle of a read', async () => {
    const commit = repository.commit(serverFiles(2));
    const reader = open({ timeoutMs: 6_000 });
    await reader.read(commit);
    const [pid] = children(repository.bare);
    if (pid === undefined) throw new Error('no reader process');
    process.kill(pid, 'SIGSTOP');
    expect(Object.keys(summary(await reader.read(commit)))).toHaveLength(3);
  });

  it('has nothing in its environment but PATH', async () => {
    process.env.MCPCTL_SECRET_TEST = 'hunter22';
    const reader = open();
    delete process.env.MCPCTL_SECRET_TEST;
    await reader.read(repository.commit(serverFiles(1)));
    const environments = children(repository.bare).map(pid => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    expect(environments.length).toBeGreaterThan(0);
    for (const environment of environments) {
      const names = environment.split('\0').map(line => line.split('=')[0] ?? '');
      expect(names.filter(name => name !== '').sort()).toEqual([
        'NODE_CHANNEL_FD',
        'NODE_CHANNEL_SERIALIZATION_MODE',
        'PATH',
      ]);
    }
  });

  it('ends with its parent, also while it hangs, and its git with it', async () => {
    const commit = repository.commit({ 'servers/bad.yaml': 'TRAP hang' });
    const script = `
      import { openReader } from ${JSON.stringify(new URL('./client.ts', import.meta.url).href)};
      const reader = openReader({ gitDir: ${JSON.stringify(repository.bare)}, keptIn: ${JSON.stringify(join(repository.folder, 'parsed'))}, program: new URL(${JSON.stringify(trap.href)}) });
      void reader.read(${JSON.stringify(commit)});
      setTimeout(() => console.log('reading'), 1_000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(parent.stdout, 'data');
    expect(children(repository.bare).length).toBeGreaterThan(0);
    parent.kill('SIGKILL');
    await eventually(() => children(repository.bare).length === 0);
  });

  it('is stopped by an abort, and read again afterwards', async () => {
    const commit = repository.commit(serverFiles(2));
    const reader = open();
    const controller = new AbortController();
    const reading = reader.read(commit, undefined, controller.signal);
    controller.abort();
    expect(await reading).toMatchObject({ problem: { code: 'READ_FAILED' } });
    expect(Object.keys(summary(await reader.read(commit)))).toHaveLength(3);
  });

  it('reads nothing after it was closed', async () => {
    const commit = repository.commit(serverFiles(1));
    const reader = open();
    const reading = reader.read(commit);
    await sleep(0);
    await reader.close();
    expect(await reading).toMatchObject({ problem: { code: 'READ_FAILED' } });
    expect(await reader.read(commit)).toMatchObject({ problem: { code: 'READ_FAILED' } });
    await eventually(() => children(repository.bare).length === 0);
  });

  it('goes on when the mirror was made anew under it', async () => {
    const commit = repository.commit(serverFiles(2));
    const reader = open();
    await reader.read(commit);
    const copy = join(repository.folder, 'copy.git');
    execFileSync('git', ['clone', '-q', '--bare', '--no-hardlinks', repository.work, copy]);
    execFileSync('rm', ['-rf', repository.bare]);
    execFileSync('mv', [copy, repository.bare]);
    repository.git('repack', '-adq');
    const next = repository.commit({ 'servers/server-0.yaml': serverFile('server-0', 'changed') });
    expect(summary(await reader.read(next, commit))).toEqual({ 'servers/server-0.yaml': 'server/server-0' });
  });
});

describe('a blob', () => {
  it('is given by its id, up to the size allowed', async () => {
    repository.commit({ a: 'hello' });
    const oid = repository.git('rev-parse', 'HEAD:a');
    const reader = open();
    expect((await reader.blob(oid, 5)).toString()).toBe('hello');
    await expect(reader.blob(oid, 4)).rejects.toMatchObject({ problem: { code: 'FILE_TOO_LARGE' } });
    await expect(reader.blob('1'.repeat(40), 4)).rejects.toMatchObject({ problem: { code: 'READ_FAILED' } });
    await expect(reader.blob('main:a', 9)).rejects.toMatchObject({ problem: { code: 'READ_FAILED' } });
  });
});
