import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { missingProgram } from '../apt.ts';
import { mcpctl, type Outcome } from '../command-line.ts';
import { startGitServer } from '../git-server.ts';
import { type PersonAtWork, person, protectedBy, userFile } from '../people.ts';
import { SSHD, startSshServer } from '../ssh-server.ts';
import { serverFile, serverFiles, type TempRepository, tempRepository, writeFiles } from '../temp-repository.ts';

/** How a remote is reached: its address, what git needs for it, and how to end it. */
interface Reached {
  url: string;
  env: Record<string, string>;
  close(): Promise<unknown>;
}

async function byPath({ bare }: TempRepository): Promise<Reached> {
  return { url: bare, env: {}, close: async () => undefined };
}

async function byHttp({ folder, bare, git }: TempRepository): Promise<Reached> {
  git('-C', bare, 'config', 'http.receivepack', 'true');
  const server = await startGitServer({ root: folder });
  return { url: `${server.url}/remote.git`, env: {}, close: server.close };
}

async function bySsh({ bare }: TempRepository): Promise<Reached> {
  const server = await startSshServer();
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-ssh-'));
  const key = join(folder, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  server.authorize(readFileSync(`${key}.pub`, 'utf8').trim());
  const options = ['StrictHostKeyChecking=no', `UserKnownHostsFile=${join(folder, 'hosts')}`, 'IdentitiesOnly=yes'];
  return {
    url: `ssh://${server.user}@127.0.0.1:${server.port}${bare}`,
    env: { GIT_SSH_COMMAND: ['ssh', '-F', 'none', '-i', key, ...options.flatMap(one => ['-o', one])].join(' ') },
    async close() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const policy = protectedBy('servers/', ['ann', 'bob']);

/** ann and bob own servers, and one of them has to approve; zoe proposes. */
describe.each([
  ['by path', byPath, undefined],
  ['over HTTP', byHttp, undefined],
  ['over ssh', bySsh, missingProgram(SSHD, 'openssh-server')],
] as const)('two reviewers of a remote %s', (_how, reach, missing) => {
  let repository: TempRepository;
  let reached: Reached | undefined;
  let people: { ann: PersonAtWork; bob: PersonAtWork; zoe: PersonAtWork };

  beforeEach(async context => {
    if (missing !== undefined) return context.skip(missing);
    repository = tempRepository(serverFiles(1));
    const [ann, bob, zoe] = ['ann', 'bob', 'zoe'].map(name => person(repository.folder, name, repository.bare));
    if (!ann || !bob || !zoe) throw new Error('nobody there');
    people = { ann, bob, zoe };
    const users = [ann, bob, zoe].map(one => [`access/users/${one.name}.yaml`, userFile(one)] as const);
    repository.commit({ 'mcpctl.yaml': policy, ...Object.fromEntries(users) });
    reached = await reach(repository);
    for (const one of [ann, bob, zoe]) {
      one.git('pull', '--quiet');
      one.git('remote', 'set-url', 'origin', reached.url);
      Object.assign(one.env, reached.env);
    }
  });
  afterEach(async () => {
    await reached?.close();
    reached = undefined;
    repository?.remove();
  });

  const as = (who: PersonAtWork, ...argv: string[]): Promise<Outcome> => mcpctl(argv, { cwd: who.work, env: who.env });

  /** Zoe proposes, and both look at it. */
  async function proposed(): Promise<string> {
    const { ann, bob, zoe } = people;
    writeFiles(zoe.work, { 'servers/new.yaml': serverFile('new') });
    const { code, stdout, stderr } = await as(zoe, 'propose', '-m', 'Serve more', '--reason', 'it is asked for');
    expect(code, stderr).toBe(0);
    for (const one of [ann, bob]) expect((await as(one, 'review', 'diff', stdout.trim())).code).toBe(0);
    return stdout.trim();
  }

  /** What the remote has come to, which must be one thing or the other. */
  function outcome(id: string): 'merged' | 'open' {
    const refs = repository.git('ls-remote', repository.bare);
    const files = repository.git('--git-dir', repository.bare, 'ls-tree', '-r', '--name-only', 'main');
    const [there, open] = [files.includes('servers/new.yaml'), refs.includes(`refs/heads/proposals/${id}`)];
    expect(there).toBe(!open);
    return there ? 'merged' : 'open';
  }

  /** The subjects of what is kept of reviews, newest first. */
  function reviewsOf(id: string): string[] {
    const log = ['log', '--first-parent', '--format=%s', `reviews/${id}`];
    return repository.git('--git-dir', repository.bare, ...log).split('\n');
  }

  it('both approve at once: one merges, and the other is told', async () => {
    const id = await proposed();
    const both = await Promise.all([people.ann, people.bob].map(who => as(who, 'review', 'approve', id)));
    expect(both.map(({ code }) => code).sort(), both.map(({ stderr }) => stderr).join()).toEqual([0, 1]);
    expect(both.find(({ code }) => code === 0)?.stdout).toContain(`${id} merged `);
    expect(both.find(({ code }) => code === 1)?.stderr).toMatch(/REVIEW_RACE|PROPOSAL_NOT_FOUND/);
    expect(outcome(id)).toBe('merged');
    expect(reviewsOf(id).filter(subject => subject === `Approve ${id}`)).toHaveLength(1);
  });

  it('one approves while the other rejects: merged, or rejected and open', async () => {
    const id = await proposed();
    const [approved, rejected] = await Promise.all([
      as(people.ann, 'review', 'approve', id),
      as(people.bob, 'review', 'reject', id, '--reason', 'it reads every file'),
    ]);
    const merged = approved.stdout.includes(`${id} merged `);
    // Who comes after a rejection may still approve; it merges nothing.
    expect(approved.code === 0 || rejected.code === 0, `${approved.stderr}${rejected.stderr}`).toBe(true);
    expect(rejected.code).toBe(merged ? 1 : 0);
    expect(outcome(id)).toBe(merged ? 'merged' : 'open');
    const listed = await as(people.zoe, 'get', 'proposals', '--status', 'all', '-o', 'json');
    expect(JSON.parse(listed.stdout)).toMatchObject([{ id, status: merged ? 'approved' : 'rejected' }]);
  });
});
