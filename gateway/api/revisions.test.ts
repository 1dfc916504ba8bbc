import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openHistoryAt } from '../../repo/history/index.ts';
import { type PlannedHistory, plannedHistory } from '../../tests/planned-history.ts';
import { type TestView, testView } from '../../tests/served-view.ts';
import { serverFile } from '../../tests/temp-repository.ts';
import { createGateway, type Gateway } from '../index.ts';

const repository = 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n';

let planned: PlannedHistory;
let gateway: Gateway;
let view: TestView;
let gitDir: string;
beforeAll(async () => {
  planned = plannedHistory([
    {
      name: 'first',
      files: { 'mcpctl.yaml': repository, 'servers/a.yaml': serverFile('a'), 'prompts/greet.md': '---\n---\nOne\n' },
    },
    { name: 'edits', files: { 'servers/a.yaml': serverFile('a', 'two'), 'prompts/greet.md': '---\n---\nTwo\n' } },
    { name: 'broken', files: { 'servers/a.yaml': `${serverFile('a', 'three')}  bogus: 1\n` } },
  ]);
  view = testView();
  gitDir = join(planned.folder, '.git');
  gateway = await createGateway(view, {
    token: 'token',
    hookSecret: 'secret',
    host: '127.0.0.1',
    port: 0,
    past: {
      open: tip => openHistoryAt({ gitDir, path: '', tip }, process.env),
      async deepen() {
        execFileSync('git', ['fetch', '--quiet', '--unshallow'], { cwd: gitDir });
        return undefined;
      },
    },
  });
});
beforeEach(() => {
  view.service = { commit: planned.oid('broken'), held: { 'server/a': planned.oid('edits') } };
});
afterAll(async () => {
  await gateway.close();
  planned.remove();
});

interface Body {
  total?: number;
  revisions: unknown[];
  files: { path: string }[];
  risks: unknown[];
  problems: unknown[];
}

async function ask(path: string, token = 'token'): Promise<{ status: number; body: Body }> {
  const answer = await fetch(`${gateway.url}/api/v1/revisions${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return { status: answer.status, body: (await answer.json()) as Body };
}

it('lists the revisions of a resource', async () => {
  const { status, body } = await ask('?kind=server&name=a&limit=2');
  expect([status, body.total, body.problems]).toEqual([200, 3, []]);
  expect(body.revisions).toMatchObject([
    { id: 'server/a', commit: planned.oid('broken'), op: 'changed', valid: false, path: 'servers/a.yaml' },
    { id: 'server/a', commit: planned.oid('edits'), valid: true, digest: expect.stringMatching(/^sha256:/) },
  ]);
});

it('tells what is in service, and compares with it', async () => {
  expect((await ask('/live')).body).toEqual(view.service);
  const { body } = await ask(`/${planned.oid('broken')}/diff?against=live`);
  expect(body.files.map(({ path }) => path)).toEqual(['servers/a.yaml']);
  expect(body.risks).toMatchObject([{ category: 'command', resource: 'server/a' }]);
});

it('describes one, and compares it with the one before unless told otherwise', async () => {
  const described = await ask(`/${planned.oid('edits').slice(0, 10)}`);
  expect(described.body).toMatchObject({
    commit: planned.oid('edits'),
    author: { name: 'Ann' },
    resources: [
      { id: 'prompt/greet', op: 'changed' },
      { id: 'server/a', op: 'changed' },
    ],
  });
  const { body } = await ask(`/${planned.oid('edits')}/diff?kind=prompt&name=greet`);
  expect(body).toMatchObject({
    from: planned.oid('first'),
    to: planned.oid('edits'),
    files: [{ path: 'prompts/greet.md', hunks: [{ lines: [' ---', ' ---', '-One', '+Two'] }] }],
  });
});

it('gets the rest of a history of which only the newest part is there', async () => {
  const before = gitDir;
  gitDir = join(planned.folder, 'shallow.git');
  try {
    execFileSync('git', ['clone', '--quiet', '--bare', '--depth=1', `file://${planned.folder}`, gitDir]);
    const { body } = await ask('?kind=server&name=a');
    expect([body.total, body.problems]).toEqual([3, []]);
  } finally {
    gitDir = before;
  }
});

it.each<[situation: string, path: string, status: number, code: string]>([
  ['a list of nothing', '', 400, 'USAGE'],
  ['a kind that is none', '?kind=sever&name=a', 400, 'USAGE'],
  ['a name that is a path', '?kind=server&name=../a', 400, 'USAGE'],
  ['a resource that never was', '?kind=server&name=never', 404, 'RESOURCE_NOT_FOUND'],
  ['an unknown revision', '/nope', 404, 'REVISION_NOT_FOUND'],
  ['a revision that is an option', '/--all', 400, 'REF_INVALID'],
  ['half of a resource', '/HEAD/diff?kind=server', 400, 'USAGE'],
  ['a date before all', '/2001-01-01', 404, 'REVISION_TOO_EARLY'],
])('refuses %s', async (_situation, path, status, code) => {
  expect(await ask(path)).toMatchObject({ status, body: { code } });
});

it('needs the token', async () => {
  expect((await ask('/live', 'wrong')).status).toBe(401);
});

it('has nothing to say before something is in service', async () => {
  view.service = { commit: null, held: {} };
  expect(await ask('/HEAD')).toMatchObject({ status: 503, body: { code: 'NOT_READY' } });
});
