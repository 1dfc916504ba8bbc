import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mcpctl, type Outcome } from '../../../tests/command-line.ts';
import { type PlannedHistory, plannedHistory } from '../../../tests/planned-history.ts';
import { serverFile } from '../../../tests/temp-repository.ts';

const repository = 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n';
const project = (servers: string) => `apiVersion: mcpctl.dev/v1\nkind: Project\nspec:\n  servers: [${servers}]\n`;
const skill = (text: string) => `---\nname: review\ndescription: Reviews\n---\n${text}\n`;

let planned: PlannedHistory;
beforeEach(() => {
  planned = plannedHistory([
    {
      name: 'first',
      files: {
        'mcpctl.yaml': repository,
        'servers/a.yaml': serverFile('a'),
        'servers/b.yaml': serverFile('b'),
        'projects/demo/project.yaml': project('a, b'),
        'prompts/greet.md': '---\n---\nOne\n',
        'skills/review/SKILL.md': skill('One.'),
        'skills/review/old.sh': { executable: 'echo old\n' },
      },
    },
    { name: 'edits', files: { 'prompts/greet.md': '---\n---\nTwo\n', 'servers/a.yaml': serverFile('a', 'two') } },
    {
      name: 'skill',
      files: {
        'skills/review/SKILL.md': skill('Two.'),
        'skills/review/old.sh': null,
        'skills/review/new.sh': 'echo new\n',
      },
    },
    {
      name: 'gone',
      files: { 'servers/b.yaml': null, 'projects/demo/project.yaml': project('a'), 'prompts/greet.md': null },
    },
  ]);
});
afterEach(() => planned.remove());

function run(...args: string[]): Promise<Outcome> {
  return mcpctl(args, { cwd: planned.folder });
}

function read(path: string): string {
  return readFileSync(join(planned.folder, path), 'utf8');
}

it('restores what was deleted, as a commit that says from where', async () => {
  const { code, stdout } = await run(
    'restore',
    'prompt',
    'greet',
    '--revision',
    planned.oid('first'),
    '--note',
    'We  need\nit',
  );
  expect([code, stdout]).toEqual([0, 'prompt/greet created\n']);
  expect(read('prompts/greet.md')).toBe('---\n---\nOne\n');
  expect(planned.git('log', '-1', '--format=%B')).toBe(
    `Restore prompt/greet as of ${planned.oid('first').slice(0, 7)}\n\nRestores: ${planned.oid('first')}\nNote: We need it`,
  );
  // History goes on; it is not rewritten.
  expect(planned.git('rev-parse', 'HEAD~1')).toBe(planned.oid('gone'));
  const { stdout: listed } = await run('get', 'revisions', 'prompt', 'greet');
  expect(
    listed
      .split('\n')
      .slice(1)
      .map(line => line.split(/ {2,}/)[2])
      .filter(Boolean),
  ).toEqual(['created', 'deleted', 'changed', 'created']);
});

it('restores every file of a skill, with its mode, and removes what it had not', async () => {
  expect((await run('restore', 'skill', 'review', '--revision', planned.oid('edits'), '--commit')).code).toBe(0);
  expect(planned.git('ls-tree', '-r', 'HEAD', '--', 'skills')).toBe(
    planned.git('ls-tree', '-r', planned.oid('edits'), '--', 'skills'),
  );
  expect(statSync(join(planned.folder, 'skills/review/old.sh')).mode & 0o111).not.toBe(0);
});

it('changes the working tree only, unless it is to commit', async () => {
  const { code, stderr } = await run('restore', 'server', 'a', '--revision', 'HEAD~3');
  expect([code, stderr]).toEqual([0, expect.stringContaining('+  command: [node, server.js, one]')]);
  expect(planned.git('status', '--porcelain')).toBe('M servers/a.yaml');
  expect(planned.git('rev-parse', 'HEAD')).toBe(planned.oid('gone'));
});

it('makes no commit when nothing is different', async () => {
  const { code, stderr } = await run('restore', 'server', 'a', '--revision', 'HEAD', '--note', 'x');
  expect([code, stderr]).toEqual([0, expect.stringContaining('server/a is as')]);
  expect(planned.git('rev-parse', 'HEAD')).toBe(planned.oid('gone'));
});

it('names references that no longer resolve, and restores nothing', async () => {
  const { code, stderr } = await run('restore', 'project', 'demo', '--revision', planned.oid('first'), '--commit');
  expect([code, stderr]).toEqual([1, expect.stringContaining('there is no Server `b` [REFERENCE_UNRESOLVED]')]);
  expect(planned.git('status', '--porcelain')).toBe('');
  const forced = await run('restore', 'project', 'demo', '--revision', planned.oid('first'), '--force', '--commit');
  expect([forced.code, forced.stderr]).toEqual([0, expect.stringContaining('there is no Server `b`')]);
  expect(read('projects/demo/project.yaml')).toBe(project('a, b'));
});

it.each([
  ['what the revision has not', ['prompt', 'greet', '--revision', 'HEAD'], 1, 'RESOURCE_NOT_FOUND'],
  ['an unknown revision', ['prompt', 'greet', '--revision', 'nope'], 1, 'REVISION_NOT_FOUND'],
  ['an empty note', ['server', 'a', '--revision', 'HEAD~3', '--note', ' '], 2, 'USAGE'],
  ['a kind without a name', ['server', '--revision', 'HEAD'], 2, 'USAGE'],
])('refuses %s', async (_situation, args, code, said) => {
  const outcome = await run('restore', ...args);
  expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(`[${said}]`)]);
});

it('does not mix what is not committed into its commit', async () => {
  writeFileSync(join(planned.folder, 'servers/a.yaml'), serverFile('a', 'three'));
  const { code, stderr } = await run('restore', 'server', 'a', '--revision', 'HEAD~3', '--commit');
  expect([code, stderr]).toEqual([1, expect.stringContaining('[COMMIT_FAILED]')]);
  rmSync(join(planned.folder, 'servers/a.yaml'));
});
