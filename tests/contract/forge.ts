import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import {
  type Attested,
  commitMessage,
  commitTree,
  type Forge,
  localRefs,
  mergeMessage,
  mergeTree,
  type Proposal,
  type Review,
  treeWith,
  userWorkspace,
  type Workspace,
} from '../../repo/forges/index.ts';
import { serverFile, serverFiles, type TempRepository, tempRepository } from '../temp-repository.ts';

/** Something that proposals are on, as the people who use it reach it. */
export interface ForgeHost {
  /** The address of a repository that the tests made. */
  serve(repository: TempRepository): Promise<string> | string;
  /** Variables that git needs to reach it, for somebody. */
  env(who: string): Record<string, string>;
  /** The branch that is proposed for; `main` unless given. Asked for each test. */
  branch?(): string;
  /** Put back what a test changed, where the repository stays. */
  clean?(repository: TempRepository): void;
  /** Why nobody else is there to approve. */
  alone?: string | undefined;
  /** Whether its hooks are ours to set; they are unless it says not. */
  hooks?: boolean;
  open(workspace: Workspace, address: string, who: string): Promise<Forge>;
  close(): Promise<unknown>;
}

/** Somebody with a clone of their own. */
interface Somebody {
  name: string;
  workspace: Workspace;
  forge: Forge;
}

const ID = 'server-new-0a1b2c';
const signed = { text: '{"verdict":"approve"}\n', signature: 'c2ln' };

/** What every forge does. @param missing why it cannot be tried here */
export function forgeContract(name: string, start: () => Promise<ForgeHost>, missing?: string): void {
  describe.skipIf(missing !== undefined)(`proposals on ${name}${missing ? `: ${missing}` : ''}`, () => {
    let host: ForgeHost;
    let repository: TempRepository;
    let branch: string;
    let address: string;
    let ann: Somebody;
    let bob: Somebody;
    beforeAll(async () => {
      host = await start();
    });
    afterAll(() => host?.close());
    beforeEach(async () => {
      branch = host.branch?.() ?? 'main';
      repository = tempRepository(serverFiles(2), { branch });
      address = await host.serve(repository);
      ann = await somebody('ann', address);
      bob = await somebody('bob', address);
    });
    afterEach(() => {
      host.clean?.(repository);
      repository.remove();
    });

    /** GitHub lets nobody approve what is their own. */
    function asksForReviewer({ skip }: TestContext): void {
      if (host.alone !== undefined) skip(host.alone);
    }

    async function somebody(who: string, address: string): Promise<Somebody> {
      const email = `${who}@x.example`;
      const env = {
        ...process.env,
        ...host.env(who),
        GIT_AUTHOR_NAME: who,
        GIT_AUTHOR_EMAIL: email,
        GIT_COMMITTER_NAME: who,
        GIT_COMMITTER_EMAIL: email,
      };
      const folder = join(repository.folder, who);
      // Not in between: what is cloned from may be served by this process.
      await promisify(execFile)('git', ['clone', '--quiet', address, folder], { env });
      const workspace = await userWorkspace({ folder, env, branch });
      const forge = await host.open(workspace, address, who);
      await forge.refresh();
      return { name: who, workspace, forge };
    }

    async function draft({ workspace }: Somebody, parent: string, text: string, file = 'servers/new.yaml', id = ID) {
      const changes = new Map([[file, { bytes: Buffer.from(text), mode: '100644' as const }]]);
      const tree = await treeWith(workspace, parent, changes);
      const message = commitMessage('Serve more', '', [
        ['Proposal-Id', id],
        ['Session-Id', 's-1'],
        ['Reason', 'needed'],
      ]);
      return commitTree(workspace, tree, [parent], message);
    }

    /** Ann proposes, and both see it. */
    async function proposed(text = serverFile('new'), file?: string, id = ID): Promise<string> {
      const head = await draft(ann, localRefs.main, text, file, id);
      await ann.forge.publish({ id, head, title: 'Serve more', body: 'needed' });
      await Promise.all([ann.forge.refresh(), bob.forge.refresh()]);
      return head;
    }

    async function prepared({ workspace }: Somebody, head: string) {
      const main = await oid(workspace, localRefs.main);
      const merged = await mergeTree(workspace, main, head);
      if (!('tree' in merged)) throw new Error(merged.conflicts.join());
      const message = mergeMessage({ id: ID, title: 'Serve more' }, [signed]);
      const commit = await commitTree(workspace, merged.tree, [main, head], message);
      return { id: ID, head, main, commit, title: 'Serve more' };
    }

    async function oid(workspace: Workspace, ref: string): Promise<string> {
      return (await workspace.git(['rev-parse', ref])).stdout.toString().trim();
    }

    const review = (head: string, verdict: Review['verdict'] = 'approve'): Review => ({
      id: ID,
      head,
      verdict,
      reason: `${verdict} it`,
      signed: { ...signed, text: `{"verdict":"${verdict}"}\n` },
    });

    /** Branches as they are, whoever asks. */
    const branches = () => {
      const heads = [branch, 'proposals/*', 'reviews/*'].map(one => `refs/heads/${one}`);
      return repository.git('ls-remote', 'origin', ...heads);
    };

    /** Everything that was said, in one form. */
    async function verdicts({ forge }: Somebody): Promise<string[]> {
      const said = (await forge.statements()).get(ID);
      const own = (said?.signed ?? []).map(({ text }) => JSON.parse(text).verdict);
      return [...own, ...(said?.attested ?? []).map((one: Attested) => one.verdict)];
    }

    it('a proposal is listed for everybody, with what it changes and who made it', async () => {
      const head = await proposed();
      const expected: Partial<Proposal> = {
        id: ID,
        head,
        title: 'Serve more',
        reason: 'needed',
        session: 's-1',
        authors: [{ name: 'ann', email: 'ann@x.example' }],
        paths: ['servers/new.yaml'],
        state: 'open',
      };
      expect(await bob.forge.list()).toMatchObject([expected]);
      expect(branches()).toContain(`${head}\trefs/heads/proposals/${ID}`);
    });

    it('several are listed by id', async () => {
      await proposed(serverFile('b'), 'servers/b.yaml', 'server-b-00000b');
      await proposed(serverFile('a'), 'servers/a.yaml', 'server-a-00000a');
      expect((await bob.forge.list()).map(({ id }) => id)).toEqual(['server-a-00000a', 'server-b-00000b']);
    });

    it('an approval that suffices merges: the branch has the change, the proposal is over', async context => {
      asksForReviewer(context);
      const head = await proposed();
      const { merged } = await bob.forge.review(review(head), await prepared(bob, head));
      await bob.forge.refresh();
      expect(merged).toBe(await oid(bob.workspace, localRefs.main));
      expect(repository.git('ls-tree', '--name-only', '-r', '--full-tree', 'HEAD')).not.toContain('servers/new.yaml');
      repository.git('fetch', '--quiet', 'origin', branch);
      expect(repository.git('ls-tree', '--name-only', '-r', 'FETCH_HEAD')).toContain('servers/new.yaml');
      expect(await bob.forge.list()).toEqual([]);
      expect(await bob.forge.list({ ended: true })).toMatchObject([{ id: ID, head, state: 'merged', merged }]);
      expect(branches()).not.toContain('proposals/');
    });

    it('what reviewers say is kept, oldest first', async context => {
      asksForReviewer(context);
      const head = await proposed();
      await bob.forge.review(review(head));
      await bob.forge.refresh();
      await bob.forge.review(review(head, 'reject'));
      await Promise.all([ann.forge.refresh(), bob.forge.refresh()]);
      expect(await verdicts(ann)).toEqual(['approve', 'reject']);
      expect(await ann.forge.list()).toMatchObject([{ id: ID, state: 'open' }]);
    });

    it('an amended one has the new head, and goes on from the old one', async () => {
      const head = await proposed();
      const next = await draft(ann, head, serverFile('new', 'two'));
      await ann.forge.publish({ id: ID, head: next, previous: head, title: 'Serve more', body: '' });
      await bob.forge.refresh();
      expect(await bob.forge.list()).toMatchObject([{ id: ID, head: next, paths: ['servers/new.yaml'] }]);
    });

    it.each<[string, (head: string) => Promise<unknown>]>([
      ['main moved', async () => repository.commit({ 'README.md': 'x' })],
      [
        'the proposal moved',
        async head => {
          const next = await draft(ann, head, serverFile('new', 'worse'));
          return ann.forge.publish({ id: ID, head: next, previous: head, title: 'Serve more', body: '' });
        },
      ],
      ['the proposal went', async () => repository.git('push', '--quiet', 'origin', `:refs/heads/proposals/${ID}`)],
    ])('%s meanwhile: nothing is merged, nothing recorded', async (_situation, happens) => {
      const head = await proposed();
      const merge = await prepared(bob, head);
      await happens(head);
      const before = branches();
      await expect(bob.forge.review(review(head), merge)).rejects.toMatchObject({ problem: { code: 'REVIEW_RACE' } });
      expect(branches()).toBe(before);
      await bob.forge.refresh();
      expect(await verdicts(bob)).toEqual([]);
    });

    it('an approval of an older head is refused, merge or not', async () => {
      const head = await proposed();
      const next = await draft(ann, head, serverFile('new', 'two'));
      await ann.forge.publish({ id: ID, head: next, previous: head, title: 'Serve more', body: '' });
      await bob.forge.refresh();
      const merge = { ...(await prepared(bob, head)), head };
      await expect(bob.forge.review(review(head), merge)).rejects.toMatchObject({ problem: { code: 'REVIEW_RACE' } });
      expect(await bob.forge.list()).toMatchObject([{ head: next }]);
    });

    it('of two who amend at once one is told', async () => {
      const head = await proposed();
      const [one, two] = [
        await draft(ann, head, serverFile('new', 'a')),
        await draft(bob, head, serverFile('new', 'b')),
      ];
      const publish = ({ forge }: Somebody, next: string) =>
        forge.publish({ id: ID, head: next, previous: head, title: 'Serve more', body: '' });
      await publish(ann, one);
      await expect(publish(bob, two)).rejects.toMatchObject({ problem: { code: 'REVIEW_RACE' } });
      expect(branches()).toContain(`${one}\trefs/heads/proposals/${ID}`);
    });

    it('an approval and a withdrawal at once: merged or withdrawn, nothing between', async context => {
      asksForReviewer(context);
      const head = await proposed();
      const merge = await prepared(bob, head);
      const both = await Promise.allSettled([
        bob.forge.review(review(head), merge),
        ann.forge.review(review(head, 'withdraw')),
      ]);
      await bob.forge.refresh();
      const [end] = await bob.forge.list({ ended: true });
      const merged = branches().includes(`${await oid(bob.workspace, localRefs.main)}\trefs/heads/${branch}`);
      expect(merged).toBe(true);
      const changed = (await oid(bob.workspace, localRefs.main)) !== merge.main;
      expect(end?.state).toBe(changed ? 'merged' : 'withdrawn');
      expect(both.some(({ status }) => status === 'fulfilled')).toBe(true);
    });

    it('a withdrawn one is over', async () => {
      const head = await proposed();
      await ann.forge.review(review(head, 'withdraw'));
      await bob.forge.refresh();
      expect(await bob.forge.list()).toEqual([]);
      expect(await bob.forge.list({ ended: true })).toMatchObject([{ id: ID, head, state: 'withdrawn' }]);
      expect(branches()).not.toContain('proposals/');
    });

    it('two approvals at once: one merges, and nothing of the other is recorded', async context => {
      asksForReviewer(context);
      const head = await proposed();
      const merge = await prepared(bob, head);
      const cid = await somebody('cid', address);
      const both = await Promise.allSettled([bob, cid].map(({ forge }) => forge.review(review(head), merge)));
      const merged = both.filter(({ status }) => status === 'fulfilled');
      expect(merged.length).toBeGreaterThanOrEqual(1);
      await bob.forge.refresh();
      expect(await bob.forge.list({ ended: true })).toMatchObject([{ id: ID, state: 'merged' }]);
      if (bob.forge.name === 'git') expect(await verdicts(bob)).toEqual(['approve']);
    });

    it('what only a merge commit changes is a change', async () => {
      const main = await oid(ann.workspace, localRefs.main);
      const side = await commitTree(ann.workspace, `${main}^{tree}`, [main], 'Nothing yet\n');
      const changes = new Map([
        ['servers/new.yaml', { bytes: Buffer.from(serverFile('new')), mode: '100644' as const }],
      ]);
      const tree = await treeWith(ann.workspace, main, changes);
      const head = await commitTree(ann.workspace, tree, [side, main], `Both\n\nProposal-Id: ${ID}\n`);
      await ann.forge.publish({ id: ID, head, title: 'Serve more', body: '' });
      await bob.forge.refresh();
      expect(await bob.forge.list()).toMatchObject([{ id: ID, state: 'open', paths: ['servers/new.yaml'] }]);
    });

    it('what was merged from the branch since is no change of the proposal', async () => {
      const head = await proposed();
      repository.commit({ 'servers/server-0.yaml': serverFile('server-0', 'two') });
      await ann.forge.refresh();
      const main = await oid(ann.workspace, localRefs.main);
      const merged = await mergeTree(ann.workspace, main, head);
      if (!('tree' in merged)) throw new Error(merged.conflicts.join());
      const next = await commitTree(ann.workspace, merged.tree, [head, main], 'Catch up\n');
      await ann.forge.publish({ id: ID, head: next, previous: head, title: 'Serve more', body: '' });
      await bob.forge.refresh();
      expect(await bob.forge.list()).toMatchObject([{ id: ID, state: 'open', paths: ['servers/new.yaml'] }]);
    });

    it('one whose change came another way is superseded', async () => {
      await proposed();
      repository.commit({ 'servers/new.yaml': serverFile('new') });
      await bob.forge.refresh();
      expect(await bob.forge.list()).toMatchObject([{ id: ID, state: 'superseded' }]);
    });

    it('takes nothing else for an id: options, paths, other cases, line breaks', async () => {
      const head = await proposed();
      const before = branches();
      for (const hostile of ['--upload-pack=x', '../main', 'server-a', 'Server-a-0a1b2c', 'server-a-0a1b2c\n', '']) {
        for (const attempt of [
          ann.forge.publish({ id: hostile, head, title: '', body: '' }),
          bob.forge.review({ ...review(head), id: hostile }),
        ]) {
          await expect(attempt).rejects.toMatchObject({ problem: { code: 'PROPOSAL_NOT_FOUND' } });
        }
      }
      expect(branches()).toBe(before);
    });

    it('passes over branches that are no proposals', async () => {
      for (const other of ['x', 'server-a-0a1b2', 'a/server-a-0a1b2c']) {
        repository.git('push', '--quiet', 'origin', `HEAD~0:refs/heads/proposals/${other}`);
      }
      await bob.forge.refresh();
      expect(await bob.forge.list({ ended: true })).toEqual([]);
    });

    it('shows the remote’s own words when a hook refuses, and leaves nothing', async context => {
      if (host.hooks === false) context.skip('the hooks of this remote are not ours to set');
      const { chmodSync, writeFileSync } = await import('node:fs');
      const hook = join(repository.bare, 'hooks', 'pre-receive');
      writeFileSync(hook, '#!/bin/sh\necho not on a Friday >&2\nexit 1\n');
      chmodSync(hook, 0o755);
      await expect(proposed()).rejects.toMatchObject({
        problem: { code: 'REMOTE_REFUSED', message: expect.stringContaining('not on a Friday') },
      });
      expect(branches()).not.toContain('proposals/');
    });
  });
}
