import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AskedPatch, askPatch } from './ask-patch.ts';
import { compareWith } from './changes.ts';
import type { FilePair } from './compare.ts';
import { compareStates } from './compare-states.ts';
import { type History, openHistoryAt } from './history.ts';
import { type PatchedFile, readPatch } from './patch.ts';
import { textDiff } from './text-diff.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-patch-'));
  git('init', '--quiet', '--initial-branch=main');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function git(...args: string[]): string {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
  return execFileSync('git', [...who, ...args], { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 28 }).trim();
}

function bytesOf(commit: string, path: string): Buffer {
  return execFileSync('git', ['cat-file', 'blob', `${commit}:${path}`], { cwd: folder, maxBuffer: 2 ** 28 });
}

function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

function commit(): string {
  git('add', '--all');
  git('commit', '--quiet', '--allow-empty', '--message=x');
  return git('rev-parse', 'HEAD');
}

async function withHistory<T>(work: (history: History) => Promise<T>): Promise<T> {
  const history = openHistoryAt({ gitDir: join(folder, '.git'), path: '', tip: 'HEAD' }, process.env);
  try {
    return await work(history);
  } finally {
    history.close();
  }
}

async function filesOf(history: History, from: string, to: string): Promise<PatchedFile[]> {
  const files: PatchedFile[] = [];
  expect(await readPatch(history, askPatch(history, from, to), file => files.push(file))).toBeGreaterThan(0);
  return files;
}

/** Both contents as git has them, and what the library finds different. */
function expectAsGit(from: string, to: string, { path, from: old = path, before, after, difference }: FilePair): void {
  const contents = [
    [before, from, old],
    [after, to, path],
  ] as const;
  for (const [content, at, name] of contents) {
    if (content) expect(Buffer.from(content.bytes).equals(bytesOf(at, name)), `${at}:${name}`).toBe(true);
  }
  const plain = [before, after].map(side => side && { bytes: side.bytes, mode: side.mode });
  expect(textDiff(plain[0], plain[1]), path).toEqual({ kind: 'text', hunks: difference?.hunks });
  const sizes = { before: before?.bytes.length ?? 0, after: after?.bytes.length ?? 0 };
  expect(difference?.bytes, path).toEqual(sizes);
}

/** What is done to a file; and whether git shows it as text. */
type State = [what: string, isText: boolean, before: string | Buffer | undefined, after: string | Buffer | undefined];

const lines = Array.from({ length: 30 }, (_, index) => `line ${index}\n`);
const edited = lines.map((line, index) => (index % 9 === 4 ? `other ${index}\n` : line));
const states: State[] = [
  ['several places', true, lines.join(''), edited.join('')],
  ['no line end before', true, 'a\nb', 'a\nb\n'],
  ['no line end after', true, 'a\nb\n', 'a\nb'],
  ['no line end at all', true, 'a\nb', 'a\nc'],
  ['no line end far away', true, `x\n${lines.join('')}end`, `y\n${lines.join('')}end`],
  ['no line end near', true, 'x\na\nb\nc\nd\nend', 'y\na\nb\nc\nd\nend'],
  ['no line end nearer', true, 'x\na\nend', 'y\na\nend'],
  ['lines like those of a patch', true, '-a\n+b\n a\n', '-a\n+b\n\\ No newline at end of file\n@@ -1 +1 @@\n--- a/x\n'],
  ['a last line like its mark', true, 'a\n', '\\ No newline at end of file\n'],
  ['empty lines', true, '\n\na\n\n\n', '\n\nb\n\n\n'],
  ['returns', true, 'a\r\nb\r\n', 'a\r\nc\r\nd\re\n'],
  ['other separators', true, 'a\u2028b\n', 'a\u2028c\u0085\n'],
  ['new', true, undefined, 'all new\nb\n'],
  ['gone', true, 'what goes\nwith it\n', undefined],
  ['to nothing', true, 'a\n', ''],
  ['from nothing', true, '', 'a'],
  ['letters', true, 'ä\n€\n', 'ä\n😀\n'],
  ['nothing, and new', false, undefined, ''],
  ['a byte order mark', false, 'a\n', '\ufeffa\n'],
  ['what could not be read', false, 'a\n', 'a\ufffd\n'],
  ['not UTF-8', false, 'a\n', Buffer.from([0x61, 0xe9, 0x0a])],
  ['a NUL far behind', false, 'a\n', `${'x'.repeat(9_000)}\0\n`],
  ['bytes', false, Buffer.from([0, 1, 2]), Buffer.from([0, 1, 3])],
  ['too large', false, 'a\n', 'x'.repeat(1024 * 1024 + 1)],
  ['too many lines', false, 'a\n', 'b\n'.repeat(20_001)],
];

describe('a patch', () => {
  it('has what git has of every file, and leaves out what is no text', async () => {
    const name = (what: string) => `prompts/${what.replaceAll(' ', '-')}.md`;
    for (const [what, , before] of states) if (before !== undefined) write(name(what), before);
    write('prompts/mode.md', 'a\n');
    write('prompts/moved.md', lines.join(''));
    write('prompts/moved-and-edited.md', lines.join(''));
    write('prompts/link.md', 'a\n');
    write('prompts/of "quotes"\nand lines.md', 'a\n');
    symlinkSync('a', join(folder, 'prompts/links.md'));
    const from = commit();
    for (const [what, , , after] of states) {
      if (after === undefined) rmSync(join(folder, name(what)));
      else write(name(what), after);
    }
    chmodSync(join(folder, 'prompts/mode.md'), 0o755);
    renameSync(join(folder, 'prompts/moved.md'), join(folder, 'prompts/zz-moved.md'));
    rmSync(join(folder, 'prompts/moved-and-edited.md'));
    write('prompts/zz-moved-and-edited.md', `${lines.join('')}more\n`);
    rmSync(join(folder, 'prompts/link.md'));
    symlinkSync('elsewhere', join(folder, 'prompts/link.md'));
    rmSync(join(folder, 'prompts/links.md'));
    symlinkSync('b', join(folder, 'prompts/links.md'));
    write('prompts/of "quotes"\nand lines.md', 'b\n');
    git('update-index', '--add', '--cacheinfo', `160000,${from},prompts/module.md`);
    const to = commit();

    await withHistory(async history => {
      const files = await filesOf(history, from, to);
      const raw = git('diff-tree', '-r', '-M', '--name-only', '-z', from, to).split('\0').filter(Boolean);
      expect(files.map(({ change }) => change.path)).toEqual(raw);
      for (const { pair } of files) if (pair) expectAsGit(from, to, pair);
      const isText = (path: string) => files.find(({ change }) => change.path === path)?.pair !== undefined;
      expect(states.map(([what]) => [what, isText(name(what))])).toEqual(states.map(([what, text]) => [what, text]));
      const others = ['mode', 'zz-moved', 'link', 'links', 'module'].map(one => `prompts/${one}.md`);
      expect(others.filter(isText)).toEqual([]);
      expect(isText('prompts/zz-moved-and-edited.md')).toBe(true);
      expect(isText('prompts/of "quotes"\nand lines.md')).toBe(true);
      // One way says what the other says.
      const one = await compareStates(history, { commit: from }, { commit: to });
      const other = await compareWith(history, { commit: from }, { commit: to }, undefined, undefined);
      expect(JSON.parse(JSON.stringify(one))).toEqual(JSON.parse(JSON.stringify(other)));
    });
  });

  it('is the same whatever the repository’s own settings and attributes say', async () => {
    write('prompts/set.md', 'a\n\nb\n');
    write('prompts/hidden.md', 'a\n');
    write('.gitattributes', 'hidden.md -diff\nset.md diff=own\n');
    write('prompts/.gitattributes', 'hidden.md binary\n');
    const from = commit();
    write('prompts/set.md', 'a\n\nc\n');
    write('prompts/hidden.md', 'b\n');
    const to = commit();
    const settings = {
      'diff.suppressBlankEmpty': 'true',
      'diff.external': 'false',
      'diff.noprefix': 'true',
      'diff.algorithm': 'patience',
      'diff.own.command': 'false',
      'diff.own.textconv': 'false',
      'diff.own.xfuncname': '.*',
      'diff.context': '0',
      'diff.renames': 'false',
      'color.ui': 'always',
      'core.quotePath': 'false',
    };
    for (const [key, value] of Object.entries(settings)) git('config', key, value);
    try {
      await withHistory(async history => {
        for (const { pair } of await filesOf(history, from, to)) if (pair) expectAsGit(from, to, pair);
        const { files } = await compareStates(history, { commit: from }, { commit: to });
        expect(files.map(({ path, hunks }) => [path, hunks.flatMap(hunk => hunk.lines)])).toEqual([
          ['prompts/hidden.md', ['-a', '+b']],
          ['prompts/set.md', [' a', ' ', '-b', '+c']],
        ]);
      });
    } finally {
      for (const key of Object.keys(settings)) git('config', '--unset', key);
    }
  });

  it('has what git has of a commit, whatever lies where a working tree could be', async () => {
    const place = mkdtempSync(join(tmpdir(), 'mcpctl-place-'));
    try {
      const own = (...args: string[]) => execFileSync('git', ['-C', place, ...args], { encoding: 'utf8' }).trim();
      own('init', '--quiet');
      // Files of this folder, by their whole paths.
      for (const [key, value] of [
        ['core.worktree', '/'],
        ['core.trustctime', 'false'],
        ['core.checkStat', 'minimal'],
        ['user.name', 'Test'],
        ['user.email', 'test@example.com'],
      ] as const) {
        own('config', key, value);
      }
      const file = join(place, 'a.md');
      const at = (day: number) => new Date(`2026-01-0${day}T00:00:00Z`);
      const [from, to] = ['spec: one\n', 'spec: two\n'].map((text, index) => {
        writeFileSync(file, text);
        utimesSync(file, at(index + 1), at(index + 1));
        own('add', file);
        own('commit', '--quiet', '--message=x');
        return own('rev-parse', 'HEAD');
      });
      writeFileSync(file, '# nothing\n');
      utimesSync(file, at(2), at(2));
      copyFileSync(join(place, '.git/index'), join(place, '.git/index.none'));
      const history = openHistoryAt({ gitDir: join(place, '.git'), path: '', tip: 'HEAD' }, process.env);
      try {
        const [found] = await filesOf(history, from ?? '', to ?? '');
        expect([found?.pair?.before?.text, found?.pair?.after?.text]).toEqual(['spec: one\n', 'spec: two\n']);
      } finally {
        history.close();
      }
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });

  it('that attributes force to be text is still no text that is too large', async () => {
    write('prompts/forced.md', 'a\n');
    const from = commit();
    write('prompts/forced.md', 'x'.repeat(1024 * 1024 + 1));
    const to = commit();
    write('.git/info/attributes', '* diff\n');
    try {
      await withHistory(async history => {
        expect((await filesOf(history, from, to)).map(({ pair }) => pair)).toEqual([undefined]);
        const { files } = await compareStates(history, { commit: from }, { commit: to });
        expect(files).toMatchObject([{ summary: 'too-large', hunks: [] }]);
      });
    } finally {
      rmSync(join(folder, '.git/info/attributes'));
    }
  });

  it('tells a lock that can be run, as both', async () => {
    const lock = (version: string) => JSON.stringify({ packages: { 'node_modules/a': { version } } });
    write('locks/servers/a/package-lock.json', lock('1.0.0'));
    const from = commit();
    write('locks/servers/a/package-lock.json', lock('2.0.0'));
    chmodSync(join(folder, 'locks/servers/a/package-lock.json'), 0o755);
    const to = commit();
    await withHistory(async history => {
      const { risks } = await compareStates(history, { commit: from }, { commit: to });
      expect(risks.map(({ category }) => category)).toEqual(['lock', 'executable']);
    });
  });

  it('tells a move by what git says, not by how a name is shown', async () => {
    const name = (byte: number) => Buffer.concat([Buffer.from(join(folder, 'prompts/')), Buffer.from([byte])]);
    writeFileSync(name(0xff), lines.join(''));
    const from = commit();
    renameSync(name(0xff), name(0xfe));
    const to = commit();
    await withHistory(async history => {
      expect((await compareStates(history, { commit: from }, { commit: to })).files.map(({ op }) => op)).toEqual([
        'renamed',
      ]);
    });
  });

  it('is looked at once, however long a name or a section is', async () => {
    const MIB = 1024 * 1024;
    const facts = `:100644 100644 ${'1'.repeat(40)} ${'2'.repeat(40)} M`;
    const long = 'n'.repeat(8 * MIB);
    const list = ['long', 'last'].map(path => `${facts}\0${path === 'long' ? long : path}\0`).join('');
    const head = `index ${'1'.repeat(40)}..${'2'.repeat(40)} 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n`;
    const answer = `${list}\0diff --git a/x b/x\n${head}-a\n+${'x'.repeat(24 * MIB)}\ndiff --git a/y b/y\n${head}-a\n+b\n`;
    const bytes = Buffer.from(answer);
    const files: PatchedFile[] = [];
    await withHistory(async history => {
      const asked: AskedPatch = {
        async pieces(take) {
          for (let at = 0; at < bytes.length; at += 64 * 1024) take(bytes.subarray(at, at + 64 * 1024));
          return true;
        },
      };
      expect(await readPatch(history, asked, file => files.push(file))).toBe(bytes.length);
    });
    expect(files.map(({ change, pair }) => [change.path.length, pair?.after?.text])).toEqual([
      [long.length, undefined],
      ['last'.length, 'b\n'],
    ]);
  });

  it('of any texts tells both of them', async () => {
    const line = fc.constantFrom('', 'a', 'b', ' a', '-', '+', '\\', '@@ -1 +1 @@', 'diff --git a/x b/x', '\r', 'ü');
    const text = fc
      .tuple(fc.array(line, { maxLength: 30 }), fc.boolean())
      .map(([all, hasEnd]) => `${all.join('\n')}${hasEnd ? '\n' : ''}`);
    const several = fc.array(fc.tuple(text, text), { minLength: 20, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(several, async pairs => {
        for (const [index, [before]] of pairs.entries()) write(`prompts/any-${index}.md`, before);
        const from = commit();
        for (const [index, [, after]] of pairs.entries()) write(`prompts/any-${index}.md`, after);
        const to = commit();
        await withHistory(async history => {
          const files = await filesOf(history, from, to);
          expect(files.length).toBe(pairs.filter(([before, after]) => before !== after).length);
          for (const { pair, change } of files) {
            const [before, after] = pairs[Number(/\d+/.exec(change.path)?.[0])] ?? [];
            expect([pair?.before?.text, pair?.after?.text]).toEqual([before, after]);
          }
        });
      }),
      { numRuns: 10, seed: 20_261_201 },
    );
  });

  it('that is cut off, or is none, is told from a whole one', async () => {
    write('prompts/cut.md', 'a\n');
    const from = commit();
    write('prompts/cut.md', 'b\n');
    write('prompts/cut-2.md', 'b\n');
    const to = commit();
    await withHistory(async history => {
      const pieces: Buffer[] = [];
      await askPatch(history, from, to).pieces(piece => void pieces.push(piece));
      const all = Buffer.concat(pieces);
      const asked = (answers: readonly Buffer[]): AskedPatch => ({
        async pieces(take) {
          for (const answer of answers) take(answer);
          return true;
        },
      });
      const isWhole = async (answer: Buffer) =>
        (await readPatch(history, asked([answer]), () => undefined)) !== undefined;
      expect(await isWhole(all)).toBe(true);
      const list = all.indexOf('\0\0');
      const heads = all.lastIndexOf('@@ -');
      for (let end = 1; end < all.length; end++) {
        // Without its lines a file is read in another way.
        const isOnlyHead = end > all.lastIndexOf('diff --git') && end <= heads && all[end - 1] === 0x0a;
        if (!isOnlyHead) expect(await isWhole(all.subarray(0, end)), `${end} of ${list}, ${heads}`).toBe(false);
      }
      expect(await isWhole(Buffer.from('fatal: whatever\n'))).toBe(false);
      expect(await isWhole(Buffer.concat([all, all]))).toBe(false);
      // What comes byte by byte is no other answer.
      const slowly = asked(Array.from(all, byte => Buffer.from([byte])));
      const files: PatchedFile[] = [];
      expect(await readPatch(history, slowly, file => files.push(file))).toBe(all.length);
      expect(files.map(({ pair }) => pair?.after?.text)).toEqual(['b\n', 'b\n']);
    });
  });
});
