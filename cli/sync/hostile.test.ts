import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGitServer } from '../../tests/git-server.ts';
import { emptyRepository, type SkillsMachine, skillFiles, skillsMachine } from '../../tests/skills-machine.ts';
import { type TempRepository, tempRepository } from '../../tests/temp-repository.ts';

let repository: TempRepository;
let machine: SkillsMachine;

beforeEach(() => {
  repository = tempRepository({ ...emptyRepository, ...skillFiles('skills/good') });
  machine = skillsMachine();
});
afterEach(() => {
  repository.remove();
  machine.remove();
});

const git = (args: readonly string[], input?: Buffer | string) =>
  execFileSync('git', args, { cwd: repository.work, ...(input !== undefined && { input }) })
    .toString()
    .trim();

/** Commit a skill `evil` with files that git itself would not let one add. Entries of one folder each. */
function commitEvil(
  entries: readonly { folder: readonly string[]; name: string; mode: string; content?: string }[],
): void {
  const blobs = new Map<string, string>();
  const blob = (content: string) => {
    const oid = blobs.get(content) ?? git(['hash-object', '-w', '--stdin'], content);
    blobs.set(content, oid);
    return oid;
  };
  const main = blob('---\nname: evil\ndescription: Evil\n---\nText\n');
  const tree = (items: { name: string; mode: string; oid: string }[]) => {
    const sorted = items.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
    const bytes = sorted.flatMap(({ name, mode, oid }) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]);
    return git(['hash-object', '-w', '-t', 'tree', '--literally', '--stdin'], Buffer.concat(bytes));
  };
  const items = entries.map(({ folder, name, mode, content = 'x' }) => {
    let item = { name, mode, oid: mode === '160000' ? '1'.repeat(40) : blob(content) };
    for (const part of folder.toReversed()) item = { name: part, mode: '40000', oid: tree([item]) };
    return item;
  });
  const evil = tree([{ name: 'SKILL.md', mode: '100644', oid: main }, ...items]);
  const good = git(['rev-parse', 'HEAD:skills/good']);
  const skills = tree([
    { name: 'evil', mode: '40000', oid: evil },
    { name: 'good', mode: '40000', oid: good },
  ]);
  const root = tree([
    { name: 'mcpctl.yaml', mode: '100644', oid: git(['rev-parse', 'HEAD:mcpctl.yaml']) },
    { name: 'skills', mode: '40000', oid: skills },
  ]);
  const commit = git(['-c', 'user.name=T', '-c', 'user.email=t@example.com', 'commit-tree', root, '-m', 'evil']);
  git(['push', '-q', '--force', 'origin', `${commit}:refs/heads/main`]);
}

const file = (name: string, ...folder: string[]) => ({ folder, name, mode: '100644' });

describe('a hostile bundle is refused before any write, and its neighbours go on:', () => {
  it.each([
    ['a symbolic link', [{ folder: [], name: 'link', mode: '120000', content: '/etc/passwd' }]],
    ['a link to a folder outside', [{ folder: [], name: 'out', mode: '120000', content: '../../..' }]],
    ['a submodule', [{ folder: [], name: 'sub', mode: '160000' }]],
    ['a device', [file('aux.md')]],
    ['a trailing dot', [file('run.sh.')]],
    ['a backslash', [file('..\\x')]],
    ['a stream of NTFS', [file('a:b')]],
    ['case twins', [file('Readme.txt'), file('README.txt')]],
    ['Unicode twins', [file('caf\u00e9'), file('cafe\u0301')]],
    ['a control character', [file('a\u0007b')]],
    ['sixteen folders more', [file('x', ...'abcdefghijklmnopqr')]],
    ['a thousand and one files', Array.from({ length: 1_001 }, (_, index) => file(`f${index}`))],
    ['a file of nine MiB', [{ ...file('big'), content: 'x'.repeat(9 * 1024 * 1024) }]],
  ])('%s', async (_situation, entries) => {
    commitEvil(entries);
    const { code, report } = await machine.sync(['--from', repository.bare]);
    expect(code).toBe(0);
    expect(report.installed).toEqual(['skill/good']);
    expect(report.errors.map(one => one.code)).toEqual([expect.stringMatching(/^SKILL_(?:REFUSED|INVALID)$/)]);
    expect(report.errors[0]).toMatchObject({
      resource: 'skill/evil',
      at: { file: expect.stringContaining('skills/evil') },
    });
    expect(machine.names('.claude/skills')).toEqual(['good']);
    expect(machine.names('.mcpctl/store')).toHaveLength(1);
  });
});

describe('what git itself takes for an attack is refused with the whole commit:', () => {
  it.each([
    ['a path that climbs out', file('x', '..', '..'), 'hasDotdot'],
    ['a folder named `.`', file('x', '.'), 'hasDot'],
    ['.git', file('config', '.git'), 'hasDotgit'],
    ['.GIT', file('config', '.GIT'), 'hasDotgit'],
    ['git~1', file('config', 'git~1'), 'hasDotgit'],
  ])('%s', async (_situation, entry, why) => {
    commitEvil([entry]);
    const { code, report } = await machine.sync(['--from', repository.bare]);
    expect({ code, installed: report.installed }).toEqual({ code: 1, installed: [] });
    expect(report.errors[0]?.message).toContain(why);
    expect(machine.names('.claude')).toEqual([]);
  });
});

it.each([
  ['a path that climbs out', file('x', '..', '..')],
  ['a folder named `.`', file('x', '.')],
  ['.git', file('config', '.git')],
  ['.GIT', file('config', '.GIT')],
  ['a file .git', file('.git')],
  ['git~1', file('config', 'git~1')],
])('over HTTP, where no git looks, the skill that has it is refused: %s', async (_situation, entry) => {
  commitEvil([entry]);
  const server = await startGitServer({ root: repository.folder });
  try {
    const { code, report } = await machine.sync(['--from', `${server.url}/remote.git`]);
    expect({ code, installed: report.installed }).toEqual({ code: 0, installed: ['skill/good'] });
    expect(report.errors).toMatchObject([
      { resource: 'skill/evil', at: { file: expect.stringContaining('skills/evil') } },
    ]);
    expect(machine.names('.claude/skills')).toEqual(['good']);
  } finally {
    await server.close();
  }
});

it('a blob that unfolds to far more than a skill may have is not read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-bomb-'));
  try {
    // So many zeros pack to next to nothing.
    const bomb = join(folder, 'bomb');
    closeSync(openSync(bomb, 'w'));
    truncateSync(bomb, 200 * 1024 * 1024);
    execFileSync('mkdir', ['-p', join(repository.work, 'skills/bomb')]);
    execFileSync('cp', ['--sparse=always', bomb, join(repository.work, 'skills/bomb/data')]);
    repository.commit(skillFiles('skills/bomb'));
    const { report } = await machine.sync(['--from', repository.bare]);
    expect(report.errors.length).toBeGreaterThan(0);
    expect(machine.names('.claude/skills')).not.toContain('bomb');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
