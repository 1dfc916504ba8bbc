import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PlannedCommit, type PlannedHistory, plannedHistory } from '../../tests/planned-history.ts';
import { type History, openHistory, readLog, resolveRevision, revisionsOf, touchedBy } from './index.ts';

const repository = 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n';

/** Long enough for git to see that two versions are of one text, and that two texts are not the same. */
function text(words: string, about = 'greeting'): string {
  const lines = Array.from({ length: 8 }, (_, index) => `${about} ${index} ${about.repeat(3)}\n`);
  return `---\ntitle: ${about}\n---\n${lines.join('')}${words}\n`;
}

const commits: PlannedCommit[] = [
  { name: 'first', files: { 'mcpctl.yaml': repository, 'prompts/other.md': text('one', 'other') } },
  { name: 'made', files: { 'prompts/draft.md': text('one') }, author: 'Ben' },
  {
    name: 'edited',
    files: { 'prompts/draft.md': text('two') },
    message: 'Edit\n\nNote: two words\nProposal-Id: prompt-draft-0a1b2c',
  },
  { name: 'moved', files: { 'prompts/greet.md': { from: 'prompts/draft.md' } } },
  { name: 'mixed', files: { 'prompts/greet.md': text('three'), 'prompts/other.md': text('two', 'other') } },
  { name: 'nested', files: { 'prompts/data/greet.md': { from: 'prompts/greet.md' } } },
  {
    name: 'skill',
    files: {
      'skills/review/SKILL.md': '---\nname: review\ndescription: Reviews\n---\nLook.\n',
      'skills/review/run.sh': { executable: 'echo 1\n' },
    },
  },
  { name: 'script', files: { 'skills/review/run.sh': { executable: 'echo 2\n' } } },
  { name: 'retired', files: { 'prompts/other.md': null } },
  { name: 'side', files: { 'prompts/other.md': text('kept', 'other') }, onto: 'script' },
  { name: 'merged', files: { 'prompts/other.md': text('kept', 'other') }, onto: 'retired', merges: 'side' },
  { name: 'gone', files: { 'skills/review': null, 'prompts/ring-b.md': text('one', 'ring') } },
  { name: 'ring-1', files: { 'prompts/ring-a.md': { from: 'prompts/ring-b.md' } } },
  { name: 'ring-2', files: { 'prompts/ring-b.md': { from: 'prompts/ring-a.md' } } },
  { name: 'ring-3', files: { 'prompts/ring-a.md': { from: 'prompts/ring-b.md' } } },
];

let planned: PlannedHistory;
let history: History;
beforeAll(async () => {
  planned = plannedHistory(commits);
  history = await openHistory(planned.folder, process.env);
});
afterAll(() => {
  history.close();
  planned.remove();
});

async function namesOf(id: string): Promise<string[]> {
  const names = new Map(commits.map(({ name }) => [planned.oid(name), name]));
  const found = await revisionsOf(history, id, planned.oid('ring-3'));
  return found.map(({ commit, op }) => `${names.get(commit)}: ${op}`);
}

describe('revisionsOf', () => {
  it.each<[situation: string, id: string, expected: string[]]>([
    [
      'follows renames, into folders too',
      'prompt/greet',
      ['nested: renamed', 'mixed: changed', 'moved: renamed', 'edited: changed', 'made: created'],
    ],
    ['survives a deletion, of a whole folder', 'skill/review', ['gone: deleted', 'script: changed', 'skill: created']],
    [
      'tells a merge that brings a deleted file back',
      'prompt/other',
      ['side: changed', 'retired: deleted', 'mixed: changed', 'first: created'],
    ],
    [
      'ends in a circle of renames',
      'prompt/ring-a',
      ['ring-3: renamed', 'ring-2: renamed', 'ring-1: renamed', 'gone: created'],
    ],
    ['has nothing of what never was', 'prompt/never', []],
  ])('%s', async (_situation, id, expected) => {
    expect(await namesOf(id)).toEqual(expected);
  });

  it('leaves out a merge of the same second as the change that it brings', async () => {
    const made: PlannedCommit[] = [
      { name: 'first', files: { 'mcpctl.yaml': repository } },
      { name: 'made', files: { 'prompts/greet.md': text('one') }, day: 1 },
      { name: 'changed', files: { 'prompts/greet.md': text('two') }, day: 1 },
      { name: 'merged', files: { 'prompts/greet.md': text('two') }, onto: 'made', merges: 'changed', day: 1 },
    ];
    const same = plannedHistory(made);
    const opened = await openHistory(same.folder, process.env);
    try {
      const found = await revisionsOf(opened, 'prompt/greet', 'main');
      expect(found.map(({ commit }) => commit)).toEqual([same.oid('changed'), same.oid('made')]);
    } finally {
      opened.close();
      same.remove();
    }
  });

  it.each(['prompts/data/greet.md', 'prompts/ring-a.md', 'mcpctl.yaml'])(
    '%s: as git log --follow has it',
    async path => {
      const id = path === 'mcpctl.yaml' ? 'repository/repository' : `prompt/${path.replace(/^.*\/|\.md$/g, '')}`;
      const ours = await revisionsOf(history, id, 'main');
      const theirs = planned.git('log', '--follow', '--format=%H', '--', path).split('\n');
      expect(ours.map(({ commit }) => commit)).toEqual(theirs);
    },
  );

  it('has who, when, why, and the trailers', async () => {
    const [, , , edited] = await revisionsOf(history, 'prompt/greet', 'main');
    expect(edited).toMatchObject({
      author: { name: 'Ann', email: 'ann@example.com' },
      date: '2026-01-03T00:00:00Z',
      subject: 'Edit',
      version: expect.stringMatching(/^0\.0\.0\+2\.g[0-9a-f]{7}$/),
      trailers: [
        { key: 'Note', value: 'two words' },
        { key: 'Proposal-Id', value: 'prompt-draft-0a1b2c' },
      ],
    });
  });
});

describe('resolveRevision', () => {
  it.each<[name: string, commit: string]>([
    ['main', 'ring-3'],
    ['HEAD~2', 'ring-1'],
    ['2026-01-02', 'made'],
    ['2026-01-02T00:00Z', 'made'],
    ['2026-01-02T00:30+01:00', 'first'],
    ['2026-01-02T00:30:00.25+01:00', 'first'],
    ['2030-01-01', 'ring-3'],
  ])('%s', async (name, commit) => {
    expect(await resolveRevision(history, name)).toBe(planned.oid(commit));
  });

  it('takes shortened ids, and those in the name of an unreleased version', async () => {
    const oid = planned.oid('made');
    expect(await resolveRevision(history, oid.slice(0, 7))).toBe(oid);
    expect(await resolveRevision(history, `v1.4.0+3.g${oid.slice(0, 8)}`)).toBe(oid);
  });

  it.each([
    ['nothing of the name', 'no-such-branch', 'REVISION_NOT_FOUND'],
    ['no such commit', 'deadbeef00', 'REVISION_NOT_FOUND'],
    ['no such release', 'v9.9.9', 'REVISION_NOT_FOUND'],
    ['before the first commit', '2020-01-01', 'REVISION_TOO_EARLY'],
    ['an option', '--output=/tmp/x', 'REF_INVALID'],
    ['a path', 'HEAD:mcpctl.yaml', 'REF_INVALID'],
    ['nothing', '', 'REF_INVALID'],
  ])('refuses %s', async (_situation, name, code) => {
    const hint = expect.stringContaining(
      code === 'REVISION_TOO_EARLY' ? 'Give a later date' : 'a commit, branch, tag, version, release or date (`2026-',
    );
    await expect(resolveRevision(history, name)).rejects.toMatchObject({ problem: { code, hint } });
  });

  it.each([
    ['2026-99-99', 'date'],
    ['2026-13-45', 'date'],
    ['2026-02-30', 'date'],
    ['2026-04-31', 'date'],
    ['2027-02-29T12:00Z', 'date'],
    ['2026-01-02T25:00', 'time'],
  ])('refuses %s, a %s that does not exist', async (name, what) => {
    const message = `\`${name}\` is a ${what} that does not exist`;
    await expect(resolveRevision(history, name)).rejects.toMatchObject({ problem: { code: 'REF_INVALID', message } });
  });
});

it('an ambiguous shortened id lists the commits that it could be', async () => {
  const many = plannedHistory(
    Array.from({ length: 700 }, (_, index) => ({ name: `commit-${index}`, files: { f: `${index}` } })),
  );
  const open = await openHistory(many.folder, process.env);
  try {
    const ids = many
      .git('rev-list', 'main')
      .split('\n')
      .map(id => id.slice(0, 4));
    const twice = ids.find((id, index) => ids.indexOf(id) !== index) ?? '';
    const error = await resolveRevision(open, twice).catch(({ problem }) => problem);
    expect(error).toMatchObject({ code: 'REVISION_AMBIGUOUS' });
    expect(error.message).toMatch(/could be \d+ commits: [0-9a-f]+ 202\d-\d\d-\d\d commit-\d+, [0-9a-f]+ /);
  } finally {
    open.close();
    many.remove();
  }
});

it('a merge that brings back what was deleted later than the other side kept it is a revision', async () => {
  const resurrected = plannedHistory([
    { name: 'base', files: { 'prompts/a.md': text('one') } },
    { name: 'side', files: { 'prompts/a.md': text('two') } },
    { name: 'deleted', files: { 'prompts/a.md': null }, onto: 'base' },
    { name: 'merge', files: { 'prompts/a.md': text('two') }, onto: 'deleted', merges: 'side' },
  ]);
  const open = await openHistory(resurrected.folder, process.env);
  try {
    const found = await revisionsOf(open, 'prompt/a', 'main');
    expect(found.map(({ subject, op }) => `${subject}: ${op}`)).toEqual([
      'merge: created',
      'deleted: deleted',
      'side: changed',
      'base: created',
    ]);
  } finally {
    open.close();
    resurrected.remove();
  }
});

it('reads a bare repository, and passes over names that nobody can read', async () => {
  const odd = plannedHistory(
    [
      { name: 'base', files: { 'prompts/a.md': text('one') } },
      { name: 'odd', files: { '"prompts/\\001/b.md"': text('two'), '"skills/s/\\n.md"': 'x' } },
    ],
    { bare: true },
  );
  const open = await openHistory(odd.folder, process.env);
  try {
    expect((await revisionsOf(open, 'prompt/a', 'main')).map(({ subject }) => subject)).toEqual(['base']);
    expect(await revisionsOf(open, 'prompt/b', 'main')).toEqual([]);
    const [newest] = await readLog(open, { from: 'main' });
    expect(newest && (await touchedBy(open, newest))).toEqual([]);
  } finally {
    open.close();
    odd.remove();
  }
});
