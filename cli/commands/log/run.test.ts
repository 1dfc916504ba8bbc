import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpctl, type Outcome } from '../../../tests/command-line.ts';
import { type PlannedHistory, plannedHistory } from '../../../tests/planned-history.ts';
import { serverFile, tempRepository, writeFiles } from '../../../tests/temp-repository.ts';

const repository = 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n';

let planned: PlannedHistory;
beforeAll(() => {
  planned = plannedHistory([
    {
      name: 'first',
      files: {
        'mcpctl.yaml': repository,
        'servers/a.yaml': serverFile('a'),
        'prompts/greet.md': '---\n---\nOne\nTwo\n',
      },
    },
    { name: 'readme', files: { 'README.md': 'Not ours\n' } },
    {
      name: 'proposed',
      author: 'Ben',
      files: { 'prompts/greet.md': '---\n---\nOne\nTwo, better\n' },
      message: 'Better\n\nProposal-Id: prompt-greet-0a1b2c\nNote: Says more',
    },
    { name: 'main', onto: 'readme', files: { 'servers/a.yaml': serverFile('a', 'two') } },
    {
      name: 'merge',
      onto: 'main',
      merges: 'proposed',
      author: 'Cleo',
      files: { 'prompts/greet.md': '---\n---\nOne\nTwo, better\n' },
      message: 'Merge proposal\n\nReviewed-by: Dora <dora@example.com>',
    },
    {
      name: 'forge',
      onto: 'merge',
      author: 'Ben',
      files: {
        'projects/demo/prompts/own.md': '---\n---\nOwn\n',
        'projects/demo/project.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Project\nspec: {}\n',
      },
    },
    {
      name: 'pull',
      onto: 'merge',
      merges: 'forge',
      author: 'Eve',
      files: {
        'projects/demo/prompts/own.md': '---\n---\nOwn\n',
        'projects/demo/project.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Project\nspec: {}\n',
      },
      message: 'Merge pull request #7 from ben/proposals/prompt-own-112233',
    },
  ]);
});
afterAll(() => planned.remove());

function run(...args: string[]): Promise<Outcome> {
  return mcpctl(args, { cwd: planned.folder });
}

async function listed(...args: string[]): Promise<string[]> {
  const { stdout } = await run('log', '-o', 'json', ...args);
  const subjects = new Map(
    planned
      .git('log', '--format=%H %s')
      .split('\n')
      .map(line => [line.slice(0, 40), line.slice(41)]),
  );
  return JSON.parse(stdout).map(({ commit, resources }: { commit: string; resources: { id: string; op: string }[] }) =>
    [subjects.get(commit), ...resources.map(({ id, op }) => `${op} ${id}`)].join(', '),
  );
}

describe('log', () => {
  it.each<[situation: string, args: string[], expected: string[]]>([
    [
      'the newest',
      ['-n', '1'],
      [
        'Merge pull request #7 from ben/proposals/prompt-own-112233, created project/demo, created project/demo/prompt/own',
      ],
    ],
    ['one kind', ['--kind', 'srv'], ['main, changed server/a', 'first, created server/a']],
    [
      'one project',
      ['-p', 'demo', '-n', '1'],
      [
        'Merge pull request #7 from ben/proposals/prompt-own-112233, created project/demo, created project/demo/prompt/own',
      ],
    ],
    [
      'one author, in any case',
      ['--author', 'BEN@example'],
      ['forge, created project/demo, created project/demo/prompt/own', 'Better, changed prompt/greet'],
    ],
    ['one proposal', ['--proposal', 'prompt-greet-0a1b2c'], ['Better, changed prompt/greet']],
    [
      'as it was',
      ['--at', '2026-01-02'],
      ['first, created repository/repository, created prompt/greet, created server/a'],
    ],
    ['nobody', ['--author', '.*'], []],
  ])('%s', async (_situation, args, expected) => {
    const found = await listed(...args);
    expect(found.map(line => line.split(', ').sort())).toEqual(expected.map(line => line.split(', ').sort()));
  });

  it('has the commits that git log has for the same paths', async () => {
    const { stdout } = await run('log', '-o', 'name');
    const theirs = planned.git(
      'log',
      '--format=%H',
      '--full-history',
      '--show-pulls',
      '--',
      'mcpctl.yaml',
      'servers',
      'prompts',
      'projects',
    );
    expect(stdout.trim().split('\n')).toEqual(theirs.split('\n'));
  });

  it.each([
    ['a limit that is none', ['-n', '0'], 2, 'USAGE'],
    ['a proposal that is an option', ['--proposal', '--all'], 2, 'USAGE'],
    ['an unknown kind', ['--kind', 'promt'], 2, 'USAGE'],
  ])('refuses %s', async (_situation, args, code, said) => {
    const outcome = await run('log', ...args);
    expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(`[${said}]`)]);
  });
});

describe('blame', () => {
  it('tells of each line who made it, from which proposal, and who let it in', async () => {
    const { stdout } = await run('blame', 'prompt', 'greet', '-o', 'json');
    const { path, lines } = JSON.parse(stdout);
    expect(path).toBe('prompts/greet.md');
    expect(lines.map(({ commit }: { commit: string }) => commit)).toEqual(
      planned
        .git('blame', '--porcelain', 'HEAD', '--', 'prompts/greet.md')
        .split('\n')
        .flatMap(line => /^([0-9a-f]{40}) /.exec(line)?.[1] ?? []),
    );
    expect(lines[2]).toMatchObject({ line: 3, text: 'One', commit: planned.oid('first'), approvers: [] });
    expect(lines[3]).toMatchObject({
      text: 'Two, better',
      author: { name: 'Ben' },
      proposal: 'prompt-greet-0a1b2c',
      approvers: ['Dora <dora@example.com>'],
    });
  });

  it('takes a forge’s merge as the approval where no trailer says more', async () => {
    const { stdout } = await run('blame', 'prompt', 'own', '-p', 'demo');
    expect(stdout).toMatch(/^[0-9a-f]{7} +2026-01-06 +Ben +prompt-own-112233 +Eve +3 +Own$/m);
  });

  it.each([
    ['never', 'List what is gone'],
    ['own', 'project/demo has one: prompt own -p demo'],
  ])('says of %s that it is not there, and what to do', async (name, hint) => {
    const { code, stderr } = await run('blame', 'prompt', name);
    expect([code, stderr]).toEqual([1, expect.stringMatching(`\\[RESOURCE_NOT_FOUND\\]\n  → ${hint}`)]);
  });
});

it.each([
  [['log']],
  [['log', '--at', 'HEAD~1']],
  [['log', '--at', '2026-01-31']],
  [['diff']],
  [['get', 'revisions', 'prompt', 'greet']],
  [['blame', 'prompt', 'greet']],
])('%j, where nothing was committed yet, says how to begin', async argv => {
  const fresh = tempRepository();
  writeFiles(fresh.work, { 'mcpctl.yaml': repository });
  const { code, stdout, stderr } = await mcpctl(argv, { cwd: fresh.work });
  fresh.remove();
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toBe(
    '✗ the branch has no commit yet [REVISION_NOT_FOUND]\n  → Make the first one: git add --all && git commit\n',
  );
});

it('describe revision tells who, why, from where, and what it did', async () => {
  const { stdout } = await run('describe', 'revision', planned.oid('proposed').slice(0, 8));
  expect(stdout).toContain('Author:       Ben <ben@example.com>\n');
  expect(stdout).toContain('Proposal:     prompt-greet-0a1b2c\nApproved by:  Dora <dora@example.com>\n');
  expect(stdout).toContain('changed  prompt/greet  prompts/greet.md\n');
  const json = JSON.parse((await run('describe', 'rev', planned.oid('main'), '-o', 'json')).stdout);
  expect(json).toMatchObject({
    subject: 'main',
    resources: [{ id: 'server/a', op: 'changed' }],
    risks: [{ category: 'command', what: 'spec.command' }],
  });
});
