import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpctl, type Outcome } from '../../../tests/command-line.ts';
import { type PlannedCommit, type PlannedHistory, plannedHistory } from '../../../tests/planned-history.ts';
import { serverFile } from '../../../tests/temp-repository.ts';

const repository = 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n';
const lines = Array.from({ length: 40 }, (_, index) => `Line ${index} of the prompt.\n`);
function prompt(...changes: [index: number, text: string][]): string {
  const text = lines.map((line, index) => changes.find(([at]) => at === index)?.[1] ?? line);
  return `---\ntitle: Greet\n---\n${text.join('')}`;
}
const big = Array.from({ length: 60_000 }, (_, index) => `${index} is a number of some length\n`).join('');

const commits: PlannedCommit[] = [
  {
    name: 'first',
    files: {
      'mcpctl.yaml': repository,
      'servers/a.yaml': serverFile('a'),
      'servers/b.yaml': serverFile('b'),
      'prompts/greet.md': prompt(),
      'skills/review/SKILL.md': '---\nname: review\ndescription: Reviews\n---\nLook.\n',
      'skills/review/run.sh': 'echo 1\n',
      'skills/review/skill.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Skill\nspec:\n  postInstall: run.sh\n',
    },
  },
  {
    name: 'edits',
    files: {
      'prompts/greet.md': prompt([2, 'Another.\n'], [20, ''], [38, 'Last\nlines\n']),
      'servers/a.yaml': serverFile('a', 'two'),
    },
  },
  { name: 'script', files: { 'skills/review/run.sh': { executable: 'echo 2\n' }, 'servers/b.yaml': null } },
  { name: 'moved', files: { 'prompts/hello.md': { from: 'prompts/greet.md' } } },
  { name: 'big', files: { 'skills/review/data.txt': big } },
  { name: 'hostile', files: { 'prompts/hello.md': `${prompt()}\u001b]0;owned\u0007\u202etxt\n` } },
  { name: 'nested', files: { 'prompts/more/hello.md': { from: 'prompts/hello.md' } } },
  { name: 'broken', files: { 'servers/a.yaml': `${serverFile('a')}  bogus: 1\n` } },
];

let planned: PlannedHistory;
beforeAll(() => {
  planned = plannedHistory(commits);
});
afterAll(() => planned.remove());

function diff(...args: string[]): Promise<Outcome> {
  return mcpctl(['diff', ...args], { cwd: planned.folder });
}

/** git leaves a count of one out, and adds a line for orientation behind `@@`. */
function hunksOf(text: string): string[] {
  const all = text.split('\n').filter(line => /^(?:[-+ @\\])/.test(line));
  return all.map(line =>
    line.replace(/^@@ (.*?) @@.*/, (_, range: string) => `@@ ${range.replace(/([-+]\d+)(?= |$)/g, '$1,1')} @@`),
  );
}

describe('diff', () => {
  it.each([
    ['one prompt', ['prompt', 'greet', '--from', 'first', '--to', 'edits'], ['prompts/greet.md']],
    ['one server', ['server', 'a', '--from', 'first', '--to', 'edits'], ['servers/a.yaml']],
    ['everything', ['--from', 'first', '--to', 'edits'], []],
    ['a deletion', ['server', 'b', '--from', 'edits', '--to', 'script'], ['servers/b.yaml']],
  ])('%s: as git diff has it', async (_situation, args, paths) => {
    const named = args.map(word => (commits.some(({ name }) => name === word) ? planned.oid(word) : word));
    const [from = '', to = ''] = named.filter(word => /^[0-9a-f]{40}$/.test(word));
    const ours = await diff(...named);
    const theirs = planned.git('diff', '--no-indent-heuristic', from, to, '--', ...paths);
    expect(hunksOf(ours.stdout.slice(ours.stdout.indexOf('--- ')))).toEqual(hunksOf(theirs));
  });

  it('puts first what it would do', async () => {
    const { stdout } = await diff('skill', 'review', '--from', planned.oid('edits'), '--to', planned.oid('script'));
    expect(stdout).toMatch(/^Look at these 2 first:\n/);
    expect(stdout).toContain('what is run when a skill comes or goes: skill/review: the content of run.sh');
    expect(stdout).toContain('a file that can be run: skill/review: run.sh: not executable → executable');
    expect(stdout).toContain('mode 100644 → 100755\n');
  });

  it('gives hunks as JSON', async () => {
    const { stdout } = await diff(
      'server',
      'a',
      '--from',
      planned.oid('first'),
      '--to',
      planned.oid('edits'),
      '-o',
      'json',
    );
    expect(JSON.parse(stdout)).toMatchObject({
      from: planned.oid('first'),
      to: planned.oid('edits'),
      risks: [{ category: 'command', resource: 'server/a', what: 'spec.command' }],
      files: [
        {
          path: 'servers/a.yaml',
          resource: 'server/a',
          op: 'changed',
          hunks: [{ oldStart: 5, newStart: 5, lines: expect.arrayContaining(['-  command: [node, server.js, one]']) }],
        },
      ],
      problems: [],
    });
  });

  it('follows a move', async () => {
    const { stdout } = await diff('--from', planned.oid('script'), '--to', planned.oid('moved'));
    expect(stdout).toBe('--- a/prompts/greet.md\n+++ b/prompts/hello.md\nmoved from prompts/greet.md\n');
  });

  it('follows a resource into a folder', async () => {
    const { stdout } = await diff('prompt', 'hello', '--from', planned.oid('hostile'), '--to', planned.oid('nested'));
    expect(stdout).toBe('--- a/prompts/hello.md\n+++ b/prompts/more/hello.md\nmoved from prompts/hello.md\n');
  });

  it('tells only the size of what is too large, and the limit', async () => {
    const { code, stdout, stderr } = await diff('--from', planned.oid('moved'), '--to', planned.oid('big'));
    expect([code, stdout]).toEqual([
      0,
      `/dev/null and b/skills/review/data.txt differ: 0 → ${big.length} bytes, too large to show\n`,
    ]);
    expect(stderr).toContain('1048576 bytes a file, 33554432 together [DIFF_TOO_LARGE]');
  });

  it('shows what could steer a terminal, and what hides, escaped', async () => {
    const { stdout } = await diff('--from', planned.oid('big'), '--to', planned.oid('hostile'));
    expect(stdout).toContain('+\\u001b]0;owned\\u0007\\u202etxt\n');
    expect(stdout).toContain('text that nobody sees: prompt/hello:44: text whose direction is turned');
    expect(stdout).not.toMatch(/[\u001b\u0007\u202e]/);
  });

  it('marks what does not validate, and shows it as text', async () => {
    const { stdout, stderr } = await diff(
      'server',
      'a',
      '--from',
      planned.oid('hostile'),
      '--to',
      planned.oid('broken'),
    );
    expect(stdout).toContain('+  bogus: 1\n');
    expect(stderr).toMatch(/servers\/a\.yaml:12:3: it does not validate: .*bogus.* \[REVISION_INVALID\]/);
  });

  it('compares with the working tree unless told otherwise', async () => {
    const path = join(planned.folder, 'servers', 'a.yaml');
    try {
      writeFileSync(path, serverFile('a', 'three'));
      writeFileSync(join(planned.folder, 'prompts', 'new.md'), '---\n---\nNew\n');
      expect((await diff('-o', 'name')).stdout).toBe('prompt/new\nserver/a\n');
      expect((await diff('server', 'a', '--exit-code')).code).toBe(3);
      expect((await diff('prompt', 'hello', '--exit-code')).code).toBe(0);
    } finally {
      planned.git('checkout', '--quiet', '.');
      planned.git('clean', '--quiet', '--force');
    }
  });

  it.each([
    ['nothing of that name', ['prompt', 'never'], 1, 'RESOURCE_NOT_FOUND'],
    ['a kind without a name', ['prompt'], 2, 'USAGE'],
    ['a scope without a resource', ['-p', 'demo'], 2, 'USAGE'],
    ['an unknown revision', ['--from', 'nope'], 1, 'REVISION_NOT_FOUND'],
    ['no daemon', ['--to', 'live'], 1, 'DAEMON_NOT_RUNNING'],
  ])('refuses %s', async (_situation, args, code, said) => {
    const outcome = await diff(...args);
    expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(`[${said}]`)]);
  });
});
