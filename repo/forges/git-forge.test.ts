import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverFile, serverFiles, type TempRepository, tempRepository } from '../../tests/temp-repository.ts';
import { changedPaths, withSnapshots } from '../index.ts';
import {
  commitMessage,
  commitTree,
  createGitForge,
  type Forge,
  localRefs,
  mergeMessage,
  mergeTree,
  treeWith,
  userWorkspace,
  type Workspace,
} from './index.ts';

let repository: TempRepository;
let workspace: Workspace;
let forge: Forge;
const env = {
  ...process.env,
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@x.example',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@x.example',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

beforeEach(async () => {
  repository = tempRepository(serverFiles(2));
  workspace = await userWorkspace({ folder: repository.work, env });
  forge = createGitForge(workspace);
  await forge.refresh();
});
afterEach(() => repository.remove());

const id = 'server-new-0a1b2c';

const changed = (from: string, to: string) =>
  withSnapshots(workspace, env, ({ objects }) => changedPaths(objects, from, to));

async function propose(file = 'servers/new.yaml', text = serverFile('new'), as = id): Promise<string> {
  const changes = new Map([[file, { bytes: Buffer.from(text), mode: '100644' as const }]]);
  const tree = await treeWith(workspace, localRefs.main, changes);
  const message = commitMessage('Add new', 'It is needed.', [
    ['Proposal-Id', as],
    ['Reason', 'needed\nReview-Statement: forged'],
  ]);
  const head = await commitTree(workspace, tree, [localRefs.main], message);
  await forge.publish({ id: as, head, title: 'Add new', body: '' });
  await forge.refresh();
  return head;
}

async function merge(head: string, as = id) {
  const main = repository.git('rev-parse', localRefs.main);
  const merged = await mergeTree(workspace, main, head);
  if (!('tree' in merged)) throw new Error(merged.conflicts.join());
  const message = mergeMessage({ id: as, title: 'Add new' }, [signed]);
  const commit = await commitTree(workspace, merged.tree, [main, head], message);
  return { id: as, head, main, commit, title: 'Add new' };
}

const signed = { text: '{"verdict":"approve"}\n', signature: 'c2ln' };
const approve = (head: string) => ({ id, head, verdict: 'approve' as const, reason: 'fine', signed });

describe('proposals on a git remote', () => {
  it('lists what is proposed, with what it changes and who wrote it', async () => {
    const head = await propose();
    expect(await forge.list()).toMatchObject([
      {
        id,
        head,
        title: 'Add new',
        reason: 'needed Review-Statement: forged',
        authors: [{ name: 'Ann', email: 'ann@x.example' }],
        paths: ['servers/new.yaml'],
        state: 'open',
      },
    ]);
    expect(repository.git('status', '--porcelain')).toBe('');
    expect(repository.git('branch', '--list')).toBe('* main');
  });

  it('an approval that merges: both, with the statement in the merge', async () => {
    const head = await propose();
    const { merged: commit } = await forge.review(approve(head), await merge(head));
    await forge.refresh();
    expect(repository.git('rev-parse', localRefs.main)).toBe(commit);
    expect(await forge.list()).toEqual([]);
    expect(await forge.list({ ended: true })).toMatchObject([{ id, head, state: 'merged', merged: commit }]);
    expect(await changed(`${commit}^1`, `${commit}`)).toEqual(['servers/new.yaml']);
    expect(repository.git('log', '-1', '--format=%(trailers:key=Review-Statement,valueonly)', `${commit}`)).toBe(
      Buffer.from(signed.text).toString('base64'),
    );
  });

  it('keeps the statements, oldest first', async () => {
    const head = await propose();
    await forge.review(approve(head));
    await forge.refresh();
    const other = { text: '{"verdict":"reject"}\n', signature: 'bm8=' };
    await forge.review({ ...approve(head), verdict: 'reject', signed: other });
    await forge.refresh();
    expect((await forge.statements()).get(id)).toEqual({ signed: [signed, other], attested: [] });
  });

  it.each<[string, (head: string) => Promise<unknown>]>([
    ['somebody reviewed', async head => repository.git('push', 'origin', `${head}:refs/heads/reviews/${id}`)],
  ])('merges nothing and records nothing when %s meanwhile', async (_situation, happens) => {
    const head = await propose();
    const prepared = await merge(head);
    await happens(head);
    const before = repository.git('ls-remote', 'origin');
    await expect(forge.review(approve(head), prepared)).rejects.toMatchObject({ problem: { code: 'REVIEW_RACE' } });
    expect(repository.git('ls-remote', 'origin')).toBe(before);
  });

  it('a rejection stays in sight behind any number of others', async () => {
    const head = await propose();
    const said = (text: string) =>
      commitMessage('Review', '', [
        ['Review-Statement', text],
        ['Review-Signature', 'c2ln'],
      ]);
    const commit = (message: string, from = '') =>
      `commit refs/heads/reviews/${id}\ncommitter x <x@x> 1700000000 +0000\ndata ${message.length}\n${message}${from}\n`;
    const many = Array.from({ length: 1_200 }, (_, at) => commit(said(`eA${at}`)));
    const input = commit(said('bm8='), `from ${head}\n`) + many.join('');
    execFileSync('git', ['fast-import', '--quiet'], { cwd: repository.work, input });
    repository.git('push', '--quiet', 'origin', `reviews/${id}`);
    await forge.refresh();
    expect((await forge.statements()).get(id)?.signed[0]?.text).toBe('no');
  });

  it('a withdrawn one is over, and nothing of it is lost', async () => {
    const head = await propose();
    await forge.review({ ...approve(head), verdict: 'withdraw' });
    await forge.refresh();
    expect(await forge.list()).toEqual([]);
    expect(await forge.list({ ended: true })).toMatchObject([{ id, head, state: 'withdrawn', title: 'Add new' }]);
    expect(repository.git('ls-remote', 'origin', 'refs/heads/proposals/*')).toBe('');
    expect(repository.git('merge-base', '--is-ancestor', head, `refs/mcpctl/reviews/${id}`)).toBe('');
  });

  it('names the files in conflict', async () => {
    const head = await propose('servers/server-0.yaml', serverFile('server-0', 'two'));
    repository.commit({ 'servers/server-0.yaml': serverFile('server-0', 'three') });
    await forge.refresh();
    expect(await mergeTree(workspace, localRefs.main, head)).toEqual({ conflicts: ['servers/server-0.yaml'] });
  });
});

it.each([
  ['a path that climbs', '../x'],
  ['git’s own folder', 'a/.GIT/config'],
  ['a line break', 'a\nD mcpctl.yaml'],
])('refuses to write %s', async (_situation, path) => {
  const changes = new Map([[path, { bytes: Buffer.from('x'), mode: '100644' as const }]]);
  await expect(treeWith(workspace, localRefs.main, changes)).rejects.toMatchObject({
    problem: { code: 'PROPOSAL_INVALID' },
  });
});

it('writes any other name and content as they are', async () => {
  const changes = new Map([
    ['prompts/a "b" \\ c.md', { bytes: Buffer.from('done\nD mcpctl.yaml\n'), mode: '100755' as const }],
    ['servers/server-1.yaml', null],
  ]);
  const tree = await treeWith(workspace, localRefs.main, changes);
  expect(await changed(localRefs.main, tree)).toEqual(['prompts/a "b" \\ c.md', 'servers/server-1.yaml']);
  expect(repository.git('cat-file', 'blob', `${tree}:prompts/a "b" \\ c.md`)).toBe('done\nD mcpctl.yaml');
});
