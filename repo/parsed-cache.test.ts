import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  globSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { assemble, environmentsOf, type ParsedFile, untriedPatches } from '../schema/index.ts';
import { serverFile, serverFiles, writeFiles } from '../tests/temp-repository.ts';
import { isSettled, type Look, openParsedCache } from './parsed-cache.ts';
import { type Entry, loadParsed } from './parsed-files.ts';
import { fingerprintOf } from './parser-fingerprint.ts';
import { readStaged } from './staged.ts';
import { readCommit, readWorktree } from './worktree.ts';

const repository = join(import.meta.dirname, '..');
const name = 'servers/server-0.yaml';

/** A file of a fixture that is not just text. */
interface Content {
  text?: string;
  base64?: string;
  times?: number;
}

let folder: string;
let root: string;
let home: string;
let env: Record<string, string>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-parsed-'));
  root = join(folder, 'root');
  home = join(folder, 'home');
  env = { MCPCTL_HOME: home };
  mkdirSync(home, { mode: 0o700 });
  mkdirSync(root);
  writeFiles(root, serverFiles(3));
  setBack();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The only file of the cache. */
function cacheFile(): string {
  const [file, ...others] = globSync('cache/parsed/*', { cwd: home });
  if (file === undefined || others.length > 0) throw new Error(`not one file: ${file} ${others}`);
  return join(home, file);
}

/** The files' modification times, long past. */
function setBack(): void {
  for (const file of globSync('**', { cwd: root, withFileTypes: true })) {
    lutimesSync(join(file.parentPath, file.name), 1_000_000, 1_000_000);
  }
}

/** Read, and keep what was parsed as if every file had been left alone for long. */
async function settle(one: string, change: (parsed: ParsedFile) => void = () => undefined): Promise<void> {
  await readWorktree(one, env);
  const entries = await keptEntries();
  const cache = await openParsedCache(one, env);
  for (const { signature, mode, parsed, whole } of entries) {
    change(parsed);
    cache.keep({ signature, touchedAt: 0 }, mode, parsed, whole);
  }
  await cache.save();
}

async function keptEntries(): Promise<Entry[]> {
  const kept = await loadParsed(dirname(cacheFile()), basename(cacheFile(), '.json'));
  return [...(kept?.entries.values() ?? [])];
}

/** Keep what was parsed with a mark that tells when it is used. */
function seed(): Promise<void> {
  return settle(root, ({ resource }) => {
    if (resource) resource.metadata.description = 'kept';
  });
}

/** path → whether what was kept is given. */
async function given(): Promise<Record<string, boolean>> {
  const files = await readWorktree(root, env);
  expect(files.map(({ path }) => path)).toEqual((await readWorktree(root)).map(({ path }) => path));
  return marks(files);
}

function marks(files: readonly ParsedFile[]): Record<string, boolean> {
  return Object.fromEntries(
    files.map(({ path, resource }) => [path.split('/').at(-1), resource?.metadata.description === 'kept']),
  );
}

/** What patches make of their files is found out only where it is kept; what files say is not kept of all. */
function withoutMore({ patch, written: _written, ...file }: ParsedFile): ParsedFile {
  if (!patch) return file;
  const { outcome: _outcome, ...rest } = patch;
  return { ...file, patch: rest };
}

const all = { 'mcpctl.yaml': true, 'server-0.yaml': true, 'server-1.yaml': true, 'server-2.yaml': true };
const none = { 'mcpctl.yaml': false, 'server-0.yaml': false, 'server-1.yaml': false, 'server-2.yaml': false };

describe('what was parsed', () => {
  it('is given again, and only while the files are as they were', async () => {
    await seed();
    expect(await given()).toEqual(all);
  });

  it.each<[string, Record<string, boolean>, () => void]>([
    ['touched: the same bytes', all, () => utimesSync(join(root, name), 2_000_000, 2_000_000)],
    ['written anew: the same bytes', all, () => writeFileSync(join(root, name), readFileSync(join(root, name)))],
    [
      'one byte changed, with the size and the time as before',
      { ...all, 'server-0.yaml': false },
      () => {
        const text = readFileSync(join(root, name), 'utf8');
        const at = text.search(/\d+\.\d+\.\d+/);
        writeFileSync(join(root, name), `${text.slice(0, at)}9${text.slice(at + 1)}`);
        setBack();
      },
    ],
    ['its mode changed', { ...all, 'server-0.yaml': false }, () => chmodSync(join(root, name), 0o755)],
    ['deleted', { 'mcpctl.yaml': true, 'server-1.yaml': true, 'server-2.yaml': true }, () => rmSync(join(root, name))],
    [
      'moved',
      { 'mcpctl.yaml': true, 'server-1.yaml': true, 'server-2.yaml': true, 'moved.yaml': false },
      () => renameSync(join(root, name), join(root, 'servers/moved.yaml')),
    ],
    [
      'two swapped',
      { ...all, 'server-0.yaml': false, 'server-1.yaml': false },
      () => {
        renameSync(join(root, name), join(root, 'x'));
        renameSync(join(root, 'servers/server-1.yaml'), join(root, name));
        renameSync(join(root, 'x'), join(root, 'servers/server-1.yaml'));
      },
    ],
    ['the cache deleted', none, () => rmSync(join(home, 'cache'), { recursive: true })],
    ['the cache is garbage', none, () => writeFileSync(cacheFile(), Buffer.from([0xff, 0, 0x0a, 0x7b]))],
    ['the cache is empty', none, () => writeFileSync(cacheFile(), '')],
    ['the cache is cut off', none, () => writeFileSync(cacheFile(), readFileSync(cacheFile()).subarray(0, -5))],
    [
      'one byte of the cache is another',
      none,
      () => writeFileSync(cacheFile(), readFileSync(cacheFile(), 'utf8').replace('kept', 'kepT')),
    ],
    [
      'the cache is from another parser',
      none,
      () =>
        writeFileSync(
          cacheFile(),
          readFileSync(cacheFile(), 'utf8').replace(/^./, c => (c === '0' ? '1' : '0')),
        ),
    ],
    ['others may write the cache', none, () => chmodSync(cacheFile(), 0o666)],
    ['others may write the home', none, () => chmodSync(home, 0o777)],
  ])('%s', async (_situation, expected, change) => {
    await seed();
    change();
    expect(await given()).toEqual(expected);
    const fresh = await readWorktree(root);
    const paths = fresh.map(({ path }) => path);
    expect((await readWorktree(root, env)).map(({ path }) => path)).toEqual(paths);
  });

  it('is given for the same bytes in a commit and in the index too', async () => {
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: root });
    git('init', '-q');
    git('add', '.');
    git('commit', '-q', '-m', 'one');
    await seed();
    writeFileSync(join(root, name), serverFile('server-0', 'changed'));
    git('update-index', '--chmod=+x', 'servers/server-1.yaml');
    git('add', name);
    const gitEnv = { ...process.env, ...env };
    expect(marks(await readCommit(root, 'HEAD', gitEnv))).toEqual(all);
    const staged = marks(await readStaged(root, gitEnv, root));
    expect(staged).toEqual({ ...all, 'server-0.yaml': false, 'server-1.yaml': false });
  });

  it('says what a patch makes of its file, until one of the two is another', async () => {
    const patch = 'environments/prod/servers/server-0.yaml';
    writeFiles(root, { [patch]: 'spec: { replicas: x }\n' });
    setBack();
    const kept = async () => {
      const entries = await keptEntries();
      const outcome = entries.find(({ parsed }) => parsed.path === patch)?.parsed.patch?.outcome;
      return { outcome, written: entries.filter(({ parsed }) => parsed.written !== undefined).length };
    };
    await readWorktree(root, env);
    expect((await kept()).written).toBe(1);
    expect((await kept()).outcome?.problems).toMatchObject([{ code: 'FIELD_INVALID', at: { file: patch, line: 1 } }]);
    const first = (await kept()).outcome?.over;
    writeFiles(root, { [name]: serverFile('server-0', 'changed') });
    await readWorktree(root, env);
    expect((await kept()).outcome?.over).not.toBe(first);
    rmSync(join(root, name));
    await readWorktree(root, env);
    expect(assemble(await readWorktree(root, env)).flatMap(({ problems }) => problems)).toMatchObject([
      { code: 'PATCH_UNMATCHED' },
    ]);
  });

  it('is kept privately, and only of what is there', async () => {
    await seed();
    expect(statSync(cacheFile()).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(cacheFile())).mode & 0o777).toBe(0o700);
    expect(readFileSync(cacheFile(), 'utf8')).toContain(name);
    rmSync(join(root, name));
    await readWorktree(root, env);
    expect(readFileSync(cacheFile(), 'utf8')).not.toContain(name);
  });

  it('is not written again when nothing changed', async () => {
    await seed();
    const before = statSync(cacheFile(), { bigint: true });
    await readWorktree(root, env);
    expect(statSync(cacheFile(), { bigint: true }).ino).toBe(before.ino);
  });

  it('of many files is not written again for a few that change', async () => {
    writeFiles(root, serverFiles(1_000));
    setBack();
    await seed();
    const whole = statSync(cacheFile(), { bigint: true });
    const changes = cacheFile().replace('.json', '.changes.json');
    const change = async (files: Record<string, string>) => {
      writeFiles(root, files);
      const fresh = await readWorktree(root);
      const kept = await readWorktree(root, env);
      expect(kept.map(({ path, oid }) => [path, oid])).toEqual(fresh.map(({ path, oid }) => [path, oid]));
      return kept;
    };
    await change({ [name]: serverFile('server-0', 'changed'), 'servers/new.yaml': serverFile('new') });
    rmSync(join(root, 'servers/server-1.yaml'));
    const third = await change({ 'servers/server-2.yaml': serverFile('server-2', 'changed') });
    expect(statSync(changes.replace('.changes', ''), { bigint: true }).ino).toBe(whole.ino);
    expect(readFileSync(changes, 'utf8')).toContain('"servers/server-1.yaml"');
    expect(Object.values(marks(third)).filter(kept => !kept)).toHaveLength(3);
    // Beside another whole, the changes mean nothing.
    writeFileSync(changes, readFileSync(changes, 'utf8').replace(/^(\S+ \S+ )\S/, '$1x'));
    expect(Object.values(marks(await change({}))).filter(kept => !kept)).toHaveLength(3);
    // Once much has changed, there is one file again.
    await change(Object.fromEntries(Object.entries(serverFiles(400)).map(([path, text]) => [path, `${text}# more\n`])));
    expect(globSync('cache/parsed/*', { cwd: home })).toHaveLength(1);
  });

  it('of roots that were not read for longest goes first', async () => {
    await seed();
    for (let i = 0; i < 40; i++) writeFileSync(join(home, 'cache/parsed', `old-${i}`), '');
    for (let i = 0; i < 40; i++) utimesSync(join(home, 'cache/parsed', `old-${i}`), i, i);
    writeFiles(root, { name: serverFile('server-0', 'changed'), 'servers/new.yaml': serverFile('new') });
    await readWorktree(root, env);
    const names = readdirSync(join(home, 'cache/parsed'));
    expect(names).toHaveLength(32);
    expect(names).toContain('old-39');
    expect(names.filter(one => one.endsWith('.json'))).toHaveLength(1);
  });

  it.each<[string, () => void]>([
    ['there is no home', () => rmSync(home, { recursive: true })],
    [
      'the home is a file',
      () => {
        rmSync(home, { recursive: true });
        writeFileSync(home, '');
      },
    ],
    ['the cache’s folder is a file', () => writeFileSync(join(home, 'cache'), '')],
    ['the home is read-only', () => chmodSync(home, 0o500)],
  ])('is left alone, and nothing fails, when %s', async (_situation, change) => {
    change();
    expect(await readWorktree(root, env)).toEqual(await readWorktree(root));
  });

  it('makes no home', async () => {
    rmSync(home, { recursive: true });
    await readWorktree(root, env);
    expect(readdirSync(folder)).toEqual(['root']);
  });

  it('survives several that read and write at once', async () => {
    const fresh = await readWorktree(root);
    const script = `
      const { readWorktree } = await import(${JSON.stringify(join(repository, 'repo/worktree.ts'))});
      for (let i = 0; i < 10; i++) await readWorktree(${JSON.stringify(root)}, process.env);`;
    const both = [1, 2].map(() =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env }),
    );
    await Promise.all(both);
    expect((await readWorktree(root, env)).map(withoutMore)).toEqual(fresh.map(withoutMore));
    expect(readdirSync(dirname(cacheFile()))).toHaveLength(1);
  });
});

describe('with and without it, all is the same', () => {
  async function expectSame(one: string): Promise<void> {
    const fresh = await readWorktree(one);
    expect(fresh.length).toBeGreaterThan(0);
    const expectFresh = async () => {
      const files = await readWorktree(one, env);
      expect(files.map(withoutMore)).toStrictEqual(fresh.map(withoutMore));
      expect(untriedPatches(files)).toEqual([]);
      return files;
    };
    await expectFresh();
    // Once more from what was kept, of every file: by its bytes, and then as if all were settled.
    await expectFresh();
    await settle(one);
    const files = await expectFresh();
    const patched = fresh.some(({ path }) => path.startsWith('environments/'));
    for (const environment of patched ? [undefined, ...environmentsOf(fresh)] : []) {
      expect(assemble(files, environment).map(withoutMore)).toEqual(assemble(fresh, environment).map(withoutMore));
    }
    rmSync(cacheFile());
  }

  it('example-repo', () => expectSame(join(repository, 'example-repo')));

  const broken = join(repository, 'tests/fixtures/broken');
  it('broken ones', async () => {
    const names = readdirSync(broken);
    expect(names.length).toBeGreaterThan(80);
    for (const fixture of names) {
      const { files } = parse(readFileSync(join(broken, fixture), 'utf8'));
      const one = join(folder, fixture);
      const contents = Object.entries({ 'mcpctl.yaml': 'kind: Repository\n', ...files }).map(([path, given]) => {
        const { text = '', base64, times = 1 } = typeof given === 'string' ? { text: given } : (given as Content);
        return [path, base64 === undefined ? text.repeat(times) : Buffer.from(base64, 'base64')];
      });
      writeFiles(one, Object.fromEntries(contents));
      await expectSame(one);
    }
  }, 120_000);
});

describe('a file that was changed shortly before it was read', () => {
  it.each([
    ['long ago', 1_000, 10_000, true],
    ['2 s ago', 8_000, 10_000, false],
    ['at the same time', 10_000, 10_000, false],
    ['in the future', 20_000, 10_000, false],
  ])('%s', (_situation, touchedAt, readAt, expected) => {
    expect(isSettled(touchedAt, readAt)).toBe(expected);
  });

  it('is read again, also when it looks the same', async () => {
    const look: Look = { signature: 'same', touchedAt: 9_999 };
    const parsed = { path: name, oid: '1', problems: [] };
    for (const [now, expected] of [
      [10_000, undefined],
      [20_000, parsed],
    ] as const) {
      const cache = await openParsedCache(root, env, now);
      cache.keep(look, '100644', parsed, false);
      await cache.save();
      const next = await openParsedCache(root, env);
      expect(next.unchanged(name, look, false)).toEqual(expected);
      expect(next.parsed({ path: name, mode: '100644', oid: '1' }, false)).toEqual(parsed);
      expect(next.parsed({ path: name, mode: '100644', oid: '1' }, true)).toBeUndefined();
      expect(next.parsed({ path: name, mode: '100755', oid: '1' }, false)).toBeUndefined();
      expect(next.parsed({ path: name, mode: '100644', oid: '2' }, false)).toBeUndefined();
    }
  });
});

it('the parser is another one when a file of it is', () => {
  const file = join(folder, 'parse.ts');
  writeFileSync(file, 'a');
  const before = fingerprintOf([file]);
  expect(fingerprintOf([file])).toBe(before);
  writeFileSync(file, 'b');
  utimesSync(file, 1, 1);
  const after = fingerprintOf([file]);
  expect(after).not.toBe(before);
  cpSync(file, join(folder, 'copy.ts'));
  expect(fingerprintOf([file, join(folder, 'copy.ts')])).not.toBe(after);
});
