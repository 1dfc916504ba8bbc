import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TempRepository, tempRepository } from '../../tests/temp-repository.ts';
import { type Objects, openObjects } from '../objects.ts';
import { openStored } from './index.ts';

const MAX = 1024 * 1024;
const FEW = 20;
/** Without it whatever is not answered here is not answered. */
const noGit = { PATH: '/nonexistent' };

let repository: TempRepository;
let gitDir: string;
beforeEach(() => {
  repository = history();
  gitDir = join(repository.work, '.git');
});
afterEach(() => repository.remove());

/** Commits with files that change, folders, an executable, a link, and names that are no ASCII. */
function history(options: { format?: string } = {}): TempRepository {
  const made = tempRepository({ 'a.txt': 'one\n', 'prompts/x 100644 y.md': 'odd\n' }, options);
  for (let turn = 0; turn < 6; turn++) {
    const lines = Array.from({ length: 200 }, (_, line) => `line ${line === turn * 30 ? turn : line}\n`);
    made.commit({
      'a.txt': lines.join(''),
      'prompts/y.md': `${turn}\n`,
      'prompts/ümläut.md': 'x\n',
      'prompts/deep/er/z.md': 'z\n',
      [`large-${turn}.bin`]: randomBytes(5_000),
      link: { link: 'a.txt' },
      empty: '',
    });
  }
  made.git('tag', '-a', 'v1.0.0', '-m', 'one');
  made.git('tag', '-a', 'of-a-tag', '-m', 'two', 'v1.0.0');
  made.git('tag', 'light', 'HEAD~2');
  made.git('branch', 'feature/x', 'HEAD~1');
  return made;
}

/** Names that only what is stored decides, so that git need not be asked. */
function plainNames(git: (...args: string[]) => string): string[] {
  const all = git('rev-list', '--all', '--objects', '--no-object-names').split('\n');
  const head = git('rev-parse', 'HEAD');
  return [
    ...all,
    ...['HEAD', 'HEAD~1', 'HEAD~3', 'HEAD^', 'HEAD^^~1', 'HEAD~0', 'main', 'feature/x', 'light', 'v1.0.0'],
    ...['refs/heads/main', 'refs/tags/v1.0.0', 'heads/main', 'tags/light', 'v1.0.0~2'],
    ...['HEAD^{tree}', 'v1.0.0^{commit}', 'of-a-tag^{commit}', 'of-a-tag^{tree}', `${head}^{commit}`, `${head}^{tree}`],
    ...[
      'a.txt',
      'prompts',
      'prompts/y.md',
      'prompts/x 100644 y.md',
      'prompts/ümläut.md',
      'prompts/deep/er/z.md',
      'link',
    ],
  ].flatMap(name => (name.length < 60 ? [name] : []));
}

function paths(): string[] {
  const files = ['a.txt', 'prompts', 'prompts/y.md', 'prompts/x 100644 y.md', 'y.md', 'prompts/ümläut.md', ''];
  const more = ['prompts/deep/er/z.md', 'link', 'empty', 'none', 'a.txt/x', 'prompts/none', 'y', 'prompts/100644 y.md'];
  return [...files, ...more];
}

/** Names by which plain repositories have commits. */
const COMMITS = /^(?:HEAD|main|feature\/x|light|v1\.0\.0|refs\/|heads\/|tags\/)[^:{]*$/;

async function answers(objects: Objects, names: readonly string[]): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const name of names) {
    const commit = COMMITS.test(name) ? await objects.commit(name) : undefined;
    found.push([
      name,
      commit,
      await objects.info(name),
      await objects.contents(name, MAX),
      await objects.contents(name, 3),
    ]);
  }
  return found;
}

/** @param env of the one that reads here; one is opened for a few names, as a command does */
async function compare(dir: string, names: readonly string[], env: NodeJS.ProcessEnv = noGit): Promise<void> {
  const git = openObjects(dir, process.env);
  try {
    for (let from = 0; from < names.length; from += FEW) {
      const some = names.slice(from, from + FEW);
      const here = openStored(dir, env);
      const found = await answers(here, some).finally(here.close);
      expect(found).toEqual(await answers(git, some));
    }
  } finally {
    git.close();
  }
}

const states: readonly (readonly [situation: string, make: (git: TempRepository['git']) => void])[] = [
  ['every object in a file of its own', () => undefined],
  ['packed', git => void git('gc', '--quiet')],
  [
    'packed with deltas by id',
    git => void git('-c', 'repack.useDeltaBaseOffset=false', 'repack', '-adfq', '--depth=50'),
  ],
  [
    'in several packs',
    git => void (git('repack', '-dq') + git('commit', '-qm', 'x', '--allow-empty') + git('repack', '-dq')),
  ],
  ['packed, with newer commits', git => void (git('gc', '--quiet') + git('commit', '-qm', 'x', '--allow-empty'))],
  ['without a commit graph', git => void git('-c', 'gc.writeCommitGraph=false', 'gc', '--quiet')],
  [
    'refs that were packed and moved',
    git => void (git('pack-refs', '--all') + git('branch', '-f', 'light2', 'HEAD~3')),
  ],
];

describe('an ordinary repository is read as git reads it, and without git:', () => {
  it.each(states)('%s', async (_situation, make) => {
    make(repository.git);
    const known = plainNames(repository.git).filter(name => !paths().includes(name));
    const inTrees = [
      'HEAD',
      'v1.0.0',
      'HEAD~4',
      repository.git('rev-parse', 'HEAD'),
      repository.git('rev-parse', 'HEAD^{tree}'),
    ];
    await compare(gitDir, [...known, ...inTrees.flatMap(from => paths().map(path => `${from}:${path}`))]);
  });

  it('many questions are git’s, which answers them beside us', async () => {
    const here = openStored(gitDir, noGit);
    const ask = () =>
      here.info('HEAD').then(
        () => 'here',
        () => 'git',
      );
    const answered = await Promise.all(Array.from({ length: 200 }, ask));
    expect([...new Set(answered)]).toEqual(['here', 'git']);
    here.close();
  });

  it('what is committed while it is open is there', async () => {
    repository.git('gc', '--quiet');
    const here = openStored(gitDir, noGit);
    await here.info('HEAD');
    const later = repository.commit({ 'later.txt': 'later\n' });
    expect(await here.info('HEAD')).toMatchObject({ oid: later, type: 'commit' });
    expect((await here.contents(`${later}:later.txt`, MAX))?.bytes?.toString()).toBe('later\n');
    here.close();
  });
});

describe('git is asked', () => {
  it.each<[string, string[]]>([
    ['for what is not there', ['0'.repeat(40), 'none', 'refs/heads/none', 'HEAD~99', `${'0'.repeat(40)}:a.txt`]],
    ['for a shortened id', ['SHORT']],
    ['for other ways to say it', ['HEAD^2', 'HEAD@{0}', ':/x', 'v1.0.0^{blob}', 'HEAD^{tree}^{commit}', '@']],
    ['for paths that are none', ['HEAD:./a.txt', 'HEAD:prompts/', 'HEAD:/a.txt']],
  ])('%s', async (_situation, names) => {
    const short = repository.git('rev-parse', '--short=7', 'HEAD');
    const all = names.map(name => (name === 'SHORT' ? short : name));
    await compare(gitDir, all, process.env);
    const here = openStored(gitDir, noGit);
    for (const name of all) await expect(here.info(name), name).rejects.toThrow();
    here.close();
  });

  it('for a commit that is gone, though it was written down', async () => {
    const gone = repository.git('commit-tree', 'HEAD^{tree}', '-p', 'HEAD', '-m', 'gone');
    repository.git('branch', 'gone', gone);
    repository.git('commit-graph', 'write', '--reachable');
    repository.git('branch', '-D', 'gone');
    repository.git('prune', '--expire=now');
    const here = openStored(gitDir, process.env);
    // By then the graph is open.
    expect(await here.commit('HEAD~1')).toBe(repository.git('rev-parse', 'HEAD~1'));
    expect(await here.commit(gone)).toBeUndefined();
    here.close();
  });

  it('for a name that two refs have', async () => {
    repository.git('tag', 'both', 'HEAD~1');
    repository.git('branch', 'both', 'HEAD~2');
    await compare(gitDir, ['both', 'both:a.txt'], process.env);
    await expect(openStored(gitDir, noGit).info('both')).rejects.toThrow();
  });

  it.each<[situation: string, make: () => string]>([
    [
      'ids are longer',
      () => {
        repository.remove();
        repository = history({ format: 'sha256' });
        return join(repository.work, '.git');
      },
    ],
    ['objects are replaced', () => replaced()],
    ['replacements are packed', () => replaced('pack-refs', '--all')],
    ['the history is cut off', () => cloned('--depth=2', `file://${repository.bare}`)],
    ['objects are in another repository', () => cloned('--shared', repository.bare)],
  ])('where %s', async (_situation, make) => {
    const dir = make();
    await compare(dir, ['HEAD', 'HEAD~1', 'HEAD:a.txt', 'HEAD:prompts/y.md', 'main'], process.env);
    await expect(openStored(dir, noGit).info('HEAD')).rejects.toThrow();
  });
});

it('of a partial clone, what is there is read; what is not is git’s to refuse', async () => {
  repository.git('config', '--file', join(repository.bare, 'config'), 'uploadpack.allowFilter', 'true');
  const dir = cloned('--filter=blob:none', `file://${repository.bare}`);
  await compare(dir, ['HEAD', 'HEAD~1', 'HEAD~1:prompts']);
  for (const open of [openStored, openObjects]) {
    await expect(open(dir, process.env).contents('HEAD~1:prompts/y.md', MAX)).rejects.toThrow('git cat-file ended');
  }
});

function replaced(...more: string[]): string {
  repository.git('replace', 'HEAD', 'HEAD~1');
  if (more.length > 0) repository.git(...more);
  return gitDir;
}

function cloned(...args: string[]): string {
  const target = join(repository.folder, 'clone');
  execFileSync('git', ['clone', '-q', ...args, target], { stdio: 'ignore' });
  return join(target, '.git');
}

it('leaves a repository of very many packs to git, and no file open', async () => {
  repository.git('config', 'gc.auto', '0');
  for (let turn = 0; turn < 70; turn++) {
    repository.git('commit', '-qm', `${turn}`, '--allow-empty');
    repository.git('repack', '-dq');
  }
  await compare(gitDir, ['HEAD', 'HEAD~60', 'HEAD:a.txt'], process.env);
  await expect(openStored(gitDir, noGit).info('HEAD')).rejects.toThrow();
});

describe('what is damaged is git’s to tell:', () => {
  const pack = (ending: string) => {
    const folder = join(gitDir, 'objects/pack');
    const name = readdirSync(folder).find(one => one.endsWith(ending)) ?? '';
    chmodSync(join(folder, name), 0o600);
    return join(folder, name);
  };
  const names = ['HEAD', 'HEAD~5', 'HEAD:a.txt', 'HEAD~5:a.txt', 'HEAD:prompts/deep/er/z.md'];

  it.each<[string, () => void]>([
    ['a pack that is cut off', () => truncateSync(pack('.pack'), 2_000)],
    ['an index that is cut off', () => truncateSync(pack('.idx'), 1_500)],
    ['an index of another version', () => writeFileSync(pack('.idx'), Buffer.alloc(2_000, 1))],
    ['a commit graph that is cut off', () => truncateSync(graph(), 300)],
    ['a commit graph that is none', () => writeFileSync(graph(), 'nonsense')],
    ['a ref that is none', () => writeFileSync(join(gitDir, 'HEAD'), 'nonsense\n')],
    ['a ref that leads to itself', () => writeRef('refs/heads/main', 'ref: refs/heads/main\n')],
    ['a ref that leads out', () => writeRef('refs/heads/main', 'ref: refs/../../x\n')],
    ['refs that are nonsense', () => writeFileSync(join(gitDir, 'packed-refs'), 'nonsense\n')],
  ])('%s', async (_situation, damage) => {
    repository.git('gc', '--quiet');
    const truth = await outcomes(openObjects(gitDir, process.env), names);
    damage();
    const git = await outcomes(openObjects(gitDir, process.env), names);
    // What is whole besides may be found here, where git gives up on all of it.
    for (const [index, one] of (await outcomes(openStored(gitDir, process.env), names)).entries()) {
      expect([truth[index], git[index]], names[index]).toContainEqual(one);
    }
  });

  function graph(): string {
    const file = join(gitDir, 'objects/info/commit-graph');
    expect(existsSync(file)).toBe(true);
    chmodSync(file, 0o600);
    return file;
  }

  function writeRef(name: string, text: string): void {
    mkdirSync(join(gitDir, name, '..'), { recursive: true });
    writeFileSync(join(gitDir, name), text);
  }

  it('whatever byte of a pack, its index or the graph is another, it says what git says, or less', async () => {
    repository.git('gc', '--quiet');
    const files = [pack('.pack'), pack('.idx'), graph()];
    const truth = await outcomes(openObjects(gitDir, process.env), names);
    const at = fc.tuple(fc.nat(files.length - 1), fc.nat(1_000_000), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(at, async ([file, place, change]) => {
        const path = files[file] ?? '';
        const good = readFileSync(path);
        const bad = Buffer.from(good);
        const position = place % bad.length;
        bad[position] = (bad[position] ?? 0) ^ change;
        writeFileSync(path, bad);
        try {
          const here = await outcomes(openStored(gitDir, noGit), names);
          // An answer is a true one, what a damaged file says instead, which git believes as well, or none.
          const git = await outcomes(openObjects(gitDir, process.env), names);
          for (const [index, one] of here.entries()) {
            if (one !== 'failed') expect([truth[index], git[index]]).toContainEqual(one);
          }
        } finally {
          writeFileSync(path, good);
        }
      }),
      { numRuns: 40 },
    );
  });
});

/** One by one, each with a connection of its own, for a failure ends it. */
async function outcomes(first: Objects, names: readonly string[]): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const name of names) {
    found.push(await first.contents(name, MAX).catch(() => 'failed'));
  }
  first.close();
  return found;
}

it('opens nothing before it is asked, and leaves nothing open, also of a pack that is damaged', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-stored-'));
  openStored(folder, noGit).close();
  rmSync(folder, { recursive: true });
  repository.git('gc', '--quiet');
  const here = openStored(gitDir, noGit);
  await here.info('HEAD');
  here.close();
  expect(openFiles()).toEqual([]);
  await expect(here.info('HEAD')).rejects.toThrow('closed');
  repository.git('commit', '-qm', 'x', '--allow-empty');
  repository.git('repack', '-dq');
  for (const ending of ['.idx', '.pack']) {
    const folder = join(gitDir, 'objects/pack');
    const name = readdirSync(folder).find(one => one.endsWith(ending)) ?? '';
    chmodSync(join(folder, name), 0o600);
    truncateSync(join(folder, name), 5);
    const other = openStored(gitDir, noGit);
    await expect(other.info('HEAD')).rejects.toThrow();
    other.close();
    expect(openFiles()).toEqual([]);
  }
});

/** Files of the repository that this process has open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap(name => {
    try {
      const path = readlinkSync(`/proc/self/fd/${name}`);
      return path.startsWith(repository.folder) ? [path] : [];
    } catch {
      return [];
    }
  });
}
