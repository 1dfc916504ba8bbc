import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mcpctl, type Outcome } from '../command-line.ts';
import { type PersonAtWork, person, protectedBy, userFile } from '../people.ts';
import { type TempRepository, tempRepository } from '../temp-repository.ts';
import { startUp, type UpProcess } from './daemon.ts';

/** ann owns prompts; zoe proposes. What was merged has to tell where it came from. */
let repository: TempRepository;
let ann: PersonAtWork;
let zoe: PersonAtWork;

const policy = protectedBy('prompts/', ['ann']);

beforeEach(() => {
  repository = tempRepository({ 'README.md': 'x' });
  ann = person(repository.folder, 'ann', repository.bare);
  zoe = person(repository.folder, 'zoe', repository.bare);
  // Git orders by seconds: what is there from the start is older than what is proposed next.
  process.env.GIT_COMMITTER_DATE = '2026-01-02T03:04:05Z';
  repository.commit({
    'mcpctl.yaml': policy,
    'prompts/greet.md': '---\ntitle: Greet\n---\nHello.\n',
    'access/users/ann.yaml': userFile(ann),
    'access/users/zoe.yaml': userFile(zoe),
  });
  delete process.env.GIT_COMMITTER_DATE;
  for (const one of [ann, zoe]) one.git('pull', '--quiet');
});
afterEach(() => repository.remove());

function as(who: PersonAtWork, ...argv: string[]): Promise<Outcome> {
  return mcpctl(argv, { cwd: who.work, env: who.env });
}

/** zoe edits the prompt as a proposal. @returns its id */
async function edited(expression: string, ...argv: string[]): Promise<string> {
  const env = { ...zoe.env, EDITOR: `sed -i ${expression}` };
  const { code, stdout, stderr } = await mcpctl(['edit', 'prompt', 'greet', '--propose', ...argv], {
    cwd: zoe.work,
    env,
  });
  expect(code, stderr).toBe(0);
  return stdout.trim();
}

async function approved(id: string): Promise<void> {
  await as(ann, 'review', 'diff', id);
  const { code, stderr } = await as(ann, 'review', 'approve', id, '--note', 'ann looked');
  expect(code, stderr).toBe(0);
  for (const one of [ann, zoe]) one.git('pull', '--quiet');
}

/** The message of the newest commit of a proposal, as the remote has it. */
function proposedMessage(id: string): string {
  ann.git('fetch', '--quiet', 'origin', `proposals/${id}`);
  return ann.git('log', '-1', '--format=%B', 'FETCH_HEAD');
}

async function json<T>(...argv: string[]): Promise<T> {
  const { code, stdout, stderr } = await as(ann, ...argv, '-o', 'json');
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

interface Blamed {
  lines: { text: string; commit: string; proposal?: string; approvers: string[]; signed?: boolean }[];
}

describe('what was approved and merged', () => {
  it('tells its proposal and who signed for it, line by line', async () => {
    const id = await edited('s/Hello/Welcome/', '--bump', 'minor', '--note', 'Warmer');
    expect(proposedMessage(id)).toMatch(/^Bump: minor\nNote: Warmer$/m);
    await approved(id);
    const { lines } = await json<Blamed>('blame', 'prompt', 'greet');
    const made = ann.git('rev-parse', 'HEAD^2');
    expect(
      lines.map(({ text, commit, proposal, approvers, signed }) => [
        text,
        commit === made,
        proposal,
        approvers,
        signed,
      ]),
    ).toEqual([
      ['---', false, undefined, [], undefined],
      ['title: Greet', false, undefined, [], undefined],
      ['---', false, undefined, [], undefined],
      ['Welcome.', true, id, ['user/ann'], true],
    ]);
    const revisions = await json<object[]>('get', 'revisions', 'prompt', 'greet');
    expect(revisions).toMatchObject([
      { commit: made, note: 'Warmer', proposal: id, approvers: ['user/ann'], signed: true },
      { op: 'created' },
    ]);
    const { stdout } = await as(ann, 'get', 'revisions', 'prompt', 'greet');
    expect(stdout).toContain(id);
    expect((await as(ann, 'describe', 'revision', made)).stdout).toContain('user/ann');
  });

  it('is found by its proposal, also commits that do not name it', async () => {
    const id = await edited('s/Hello/Welcome/');
    const tip = ann.git('ls-remote', 'origin', `refs/heads/proposals/${id}`).slice(0, 40);
    ann.git('fetch', '--quiet', 'origin', `proposals/${id}`);
    // A further commit that somebody made by hand.
    zoe.git('fetch', '--quiet', 'origin', `proposals/${id}`);
    zoe.git('checkout', '--quiet', '-b', 'own', tip);
    await mcpctl(['edit', 'prompt', 'greet', '--commit'], {
      cwd: zoe.work,
      env: { ...zoe.env, EDITOR: 'sed -i s/Welcome/Hi/' },
    });
    const byHand = zoe.git('rev-parse', 'HEAD');
    zoe.git('push', '--quiet', 'origin', `HEAD:proposals/${id}`);
    zoe.git('checkout', '--quiet', 'main');
    await approved(id);
    const found = await json<{ commit: string; proposal: string }[]>('log', '--proposal', id);
    expect(found.map(({ commit }) => commit)).toEqual([ann.git('rev-parse', 'HEAD'), byHand, tip]);
    expect(new Set(found.map(({ proposal }) => proposal))).toEqual(new Set([id]));
    expect(await json<object[]>('get', 'revisions', 'prompt', 'greet', '--limit', '1')).toMatchObject([
      { commit: byHand, proposal: id, signed: true },
    ]);
    expect(await json<object[]>('log', '--proposal', 'prompt-other-0a1b2c')).toEqual([]);
  });

  it('is not believed when its statements are of another merge', async () => {
    const id = await edited('s/Hello/Welcome/');
    await approved(id);
    const message = ann.git('log', '-1', '--format=%B');
    // Somebody merges something else by hand and copies the approval.
    ann.git('checkout', '--quiet', '-b', 'other');
    await mcpctl(['edit', 'prompt', 'greet', '--commit'], {
      cwd: ann.work,
      env: { ...ann.env, EDITOR: 'sed -i s/Welcome/Pay/' },
    });
    ann.git('checkout', '--quiet', 'main');
    ann.git('merge', '--quiet', '--no-ff', '-m', message, 'other');
    const { lines } = await json<Blamed>('blame', 'prompt', 'greet');
    expect(lines.at(-1)).toMatchObject({ text: 'Pay.' });
    expect(lines.at(-1)).not.toHaveProperty('signed');
    expect(lines.at(-1)?.approvers).not.toContain('user/ann');
  });
});

describe('restoring by a proposal', () => {
  it('carries what it restores, on the command line', async () => {
    const first = ann.git('rev-parse', 'HEAD');
    await approved(await edited('s/Hello/Welcome/'));
    const before = repository.git('ls-remote', 'origin', 'refs/heads/main');
    const { code, stdout, stderr } = await as(
      zoe,
      'restore',
      'prompt',
      'greet',
      '--revision',
      first,
      '--propose',
      '--note',
      'Too warm',
    );
    expect(code, stderr).toBe(0);
    expect(proposedMessage(stdout.trim())).toMatch(new RegExp(`^Restores: ${first}\nNote: Too warm$`, 'm'));
    expect(repository.git('ls-remote', 'origin', 'refs/heads/main')).toBe(before);
    expect(zoe.git('status', '--porcelain')).toBe('');
    await approved(stdout.trim());
    expect(ann.git('show', 'HEAD:prompts/greet.md')).toContain('Hello.');
  });
});

describe('restoring through the gateway', () => {
  let daemon: UpProcess;
  let first: string;

  beforeEach(async () => {
    first = ann.git('rev-parse', 'HEAD');
    await approved(await edited('s/Hello/Welcome/'));
    daemon = await startUp({
      repository: repository.bare,
      stateDir: join(repository.folder, 'state'),
      env: { MCPCTL_HOME: join(repository.folder, 'home') },
    });
  });
  afterEach(() => daemon.stop());

  async function post(path: string, body: unknown) {
    const response = await fetch(`${daemon.url}/api/v1/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${daemon.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as { id: string; code?: string } };
  }

  it('opens a proposal, and leaves main alone', async () => {
    const main = repository.git('ls-remote', 'origin', 'refs/heads/main');
    const { status, body } = await post('prompts/greet/restore', { revision: first, note: 'Too warm', by: 'Zoe' });
    expect([status, body]).toEqual([201, expect.objectContaining({ id: expect.stringMatching(/^prompt-greet-/) })]);
    expect(proposedMessage(body.id)).toMatch(
      new RegExp(`^Proposed-By: Zoe\nReason: Too warm\nRestores: ${first}\nNote: Too warm$`, 'm'),
    );
    expect(repository.git('ls-remote', 'origin', 'refs/heads/main')).toBe(main);
    await approved(body.id);
    expect(ann.git('show', 'HEAD:prompts/greet.md')).toContain('Hello.');
  });

  it('brings back what is gone', async () => {
    const gone = (await as(zoe, 'delete', 'prompt', 'greet', '--propose')).stdout.trim();
    await approved(gone);
    const { status, body } = await post('prompt/greet/restore', { revision: 'HEAD~1' });
    expect(status).toBe(201);
    await approved(body.id);
    expect(ann.git('show', 'HEAD:prompts/greet.md')).toContain('Welcome.');
  });

  const refused: [situation: string, path: string, body: unknown, status: number, code: string][] = [
    ['what is so already', 'prompt/greet/restore', { revision: 'HEAD' }, 422, 'PROPOSAL_INVALID'],
    ['an unknown revision', 'prompt/greet/restore', { revision: 'nope' }, 404, 'REVISION_NOT_FOUND'],
    ['a revision that is an option', 'prompt/greet/restore', { revision: '--all' }, 400, 'REF_INVALID'],
    ['what never was', 'prompt/never/restore', { revision: 'HEAD' }, 404, 'RESOURCE_NOT_FOUND'],
    ['an unknown kind', 'promt/greet/restore', { revision: 'HEAD' }, 400, 'USAGE'],
    ['a scope that the kind has not', 'server/greet/restore?project=demo', { revision: 'HEAD' }, 400, 'USAGE'],
    ['no revision', 'prompt/greet/restore', {}, 400, 'USAGE'],
    [
      'a note that is more than a line',
      'prompt/greet/restore',
      { revision: 'HEAD', note: 'a\nBump: major' },
      400,
      'USAGE',
    ],
  ];

  it('refuses what cannot be, and pushes nothing then', async () => {
    const before = repository.git('ls-remote', 'origin');
    for (const [situation, path, body, status, code] of refused) {
      expect(await post(path, body), situation).toMatchObject({ status, body: { code } });
    }
    expect(repository.git('ls-remote', 'origin')).toBe(before);
  });
});
