import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mcpctl, type Outcome } from '../command-line.ts';
import { type PersonAtWork, person, protectedBy, userFile } from '../people.ts';
import { serverFile, serverFiles, type TempRepository, tempRepository, writeFiles } from '../temp-repository.ts';

/** ann and bob own servers, and two have to approve; zoe proposes. */
let repository: TempRepository;
let ann: PersonAtWork;
let bob: PersonAtWork;
let zoe: PersonAtWork;

const policy = protectedBy('servers/', ['ann', 'bob'], 2);

beforeEach(() => {
  repository = tempRepository(serverFiles(1));
  [ann, bob, zoe] = ['ann', 'bob', 'zoe'].map(name => person(repository.folder, name, repository.bare)) as [
    PersonAtWork,
    PersonAtWork,
    PersonAtWork,
  ];
  const users = [ann, bob, zoe].map(one => [`access/users/${one.name}.yaml`, userFile(one)] as const);
  repository.commit({ 'mcpctl.yaml': policy, ...Object.fromEntries(users) });
  for (const one of [ann, bob, zoe]) one.git('pull', '--quiet');
});
afterEach(() => repository.remove());

function as(who: PersonAtWork, ...argv: string[]): Promise<Outcome> {
  return mcpctl(argv, { cwd: who.work, env: who.env });
}

async function proposed(file = 'servers/new.yaml', text = serverFile('new')): Promise<string> {
  writeFiles(zoe.work, { [file]: text });
  const { code, stdout, stderr } = await as(zoe, 'propose', '-m', 'Serve more', '--reason', 'it is asked for');
  expect(code, stderr).toBe(0);
  return stdout.trim();
}

function remote(): string {
  return repository.git('ls-remote', 'origin');
}

async function approve(who: PersonAtWork, id: string): Promise<Outcome> {
  const shown = await as(who, 'review', 'diff', id);
  expect(shown.code, shown.stderr).toBe(0);
  return as(who, 'review', 'approve', id, '--note', `${who.name} looked`);
}

describe('a proposal', () => {
  it('needs two, then is merged, and main proves why', async () => {
    const id = await proposed();
    expect(id).toMatch(/^server-new-[0-9a-f]{6}$/);
    expect(zoe.git('status', '--porcelain')).toBe('?? servers/new.yaml');
    const pending = await as(ann, 'review', 'pending');
    expect(pending.stdout).toBe(
      `ID                 STATUS   APPROVALS  BY   TITLE\n${id}  pending  0 of 2     zoe  Serve more\n`,
    );
    const diff = await as(ann, 'review', 'diff', id);
    expect(diff.stdout).toMatch(/Look at (?:this|these \d+) first:\n[\s\S]*what is run: server\/new[\s\S]*OPERATION/);
    expect(diff.stdout).toContain('create     instance/new-0  declared, and not there');
    expect(diff.stdout).toContain('+++ b/servers/new.yaml');
    const first = await as(ann, 'review', 'approve', id);
    expect(first).toMatchObject({ code: 0, stdout: `${id} approved\n` });
    expect(first.stderr).toContain('asks for 1 more, of user/bob');
    const second = await approve(bob, id);
    expect(second.stdout).toMatch(new RegExp(`^${id} merged [0-9a-f]{40}\n$`));
    const merge = second.stdout.trim().split(' ')[2] ?? '';
    expect(remote()).toContain(`${merge}\trefs/heads/main`);
    expect(remote()).not.toContain(`proposals/${id}`);
    zoe.git('fetch', '--quiet');
    const statements = zoe
      .git('log', '-1', '--format=%(trailers:key=Review-Statement,valueonly)', merge)
      .split('\n')
      .map(one => JSON.parse(Buffer.from(one, 'base64').toString()));
    expect(statements).toMatchObject([
      { proposal: id, verdict: 'approve' },
      { proposal: id, verdict: 'approve', reason: 'bob looked' },
    ]);
    expect((await as(ann, 'review', 'pending', '-o', 'json')).stdout).toBe('[]\n');
  });

  it('is rejected with a reason, amended, and pending again', async () => {
    const id = await proposed();
    await as(ann, 'review', 'show', id);
    const rejected = await as(ann, 'review', 'reject', id, '--reason', 'it logs too much');
    expect(rejected).toMatchObject({ code: 0, stdout: `${id} rejected\n` });
    expect((await as(zoe, 'review', 'show', id)).stdout).toContain('✗ rejected by user/ann: it logs too much');
    expect(JSON.parse((await as(zoe, 'review', 'pending', '-o', 'json')).stdout)[0].status).toBe('rejected');
    writeFiles(zoe.work, { 'servers/new.yaml': serverFile('new', 'quiet') });
    expect((await as(zoe, 'propose', '-m', 'Log less', '--amend', id)).stdout).toBe(`${id}\n`);
    expect(JSON.parse((await as(zoe, 'review', 'pending', '-o', 'json')).stdout)[0].status).toBe('pending');
    // What was said about the old one is no reason against what is said now.
    expect(await approve(ann, id)).toMatchObject({ code: 0, stdout: `${id} approved\n` });
  });

  it('approved, rejected and approved again needs other words', async () => {
    const id = await proposed();
    await approve(ann, id);
    expect((await approve(ann, id)).stderr).toContain('you have said exactly this about it before');
    expect((await as(ann, 'review', 'reject', id, '--reason', 'wait')).code).toBe(0);
    expect((await as(ann, 'review', 'approve', id, '--note', 'now it is fine')).code).toBe(0);
    expect(JSON.parse((await as(bob, 'review', 'pending', '-o', 'json')).stdout)[0].approvedBy).toEqual(['user/ann']);
  });

  it('is withdrawn by its author only', async () => {
    const id = await proposed();
    expect(await as(ann, 'review', 'withdraw', id, '--reason', 'no')).toMatchObject({ code: 5 });
    expect(await as(zoe, 'review', 'withdraw', id, '--reason', 'no need any more')).toMatchObject({
      code: 0,
      stdout: `${id} withdrawn\n`,
    });
    expect((await as(zoe, 'review', 'pending', '-o', 'json')).stdout).toBe('[]\n');
  });

  it('comes from the commands that change a working tree', async () => {
    const { code, stdout, stderr } = await as(zoe, 'delete', 'server', 'server-0', '--propose');
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^server-server-0-[0-9a-f]{6}\n$/);
    expect(zoe.git('status', '--porcelain')).toBe('');
    expect((await as(ann, 'review', 'diff', stdout.trim())).stdout).toContain('remove     instance/server-0-0');
  });

  it('is a restored or an edited resource, too', async () => {
    const first = repository.git('rev-parse', 'HEAD');
    repository.commit({ 'servers/server-0.yaml': serverFile('server-0', 'two') });
    zoe.git('pull', '--quiet');
    const restored = await as(
      zoe,
      'restore',
      'server',
      'server-0',
      '--revision',
      first,
      '--propose',
      '--note',
      'two fails',
    );
    expect(restored.code, restored.stderr).toBe(0);
    expect((await as(ann, 'review', 'diff', restored.stdout.trim())).stdout).toContain('server.js, one]');
    zoe.env = { ...zoe.env, EDITOR: "sed -i 's/two/three/'" };
    const edited = await as(zoe, 'edit', 'server', 'server-0', '--propose');
    expect(edited.code, edited.stderr).toBe(0);
    expect((await as(ann, 'review', 'diff', edited.stdout.trim())).stdout).toContain('server.js, three]');
    expect(zoe.git('status', '--porcelain')).toBe('');
  });

  it('is listed by its status, also when it is over', async () => {
    const [merged, open] = [await proposed(), await proposed('servers/more.yaml', serverFile('more'))];
    await approve(ann, merged);
    await approve(bob, merged);
    const listed = async (...argv: string[]) => (await as(zoe, 'get', 'proposals', ...argv, '-o', 'name')).stdout;
    expect(await listed()).toBe(`proposal/${open}\n`);
    expect(await listed('--status', 'approved')).toBe(`proposal/${merged}\n`);
    expect((await listed('--status', 'all')).split('\n').sort()).toEqual(
      ['', `proposal/${open}`, `proposal/${merged}`].sort(),
    );
    expect(JSON.parse((await as(zoe, 'get', 'proposal', merged, '-o', 'json')).stdout)).toMatchObject([
      { id: merged, status: 'approved' },
    ]);
    expect(await as(zoe, 'get', 'proposals', 'server-none-000000')).toMatchObject({ code: 1 });
  });

  it('points at another one about the same', async () => {
    const first = await proposed();
    writeFiles(bob.work, { 'servers/new.yaml': serverFile('new', 'other') });
    expect((await as(bob, 'propose')).stderr).toContain(`! ${first} is about the same: Serve more`);
  });
});

describe('nothing is merged and nothing recorded', () => {
  it.each<[string, string, number, (id: string) => Promise<Outcome>]>([
    ['without having looked', 'you have not looked', 1, id => as(ann, 'review', 'approve', id)],
    [
      'when the branch moved since',
      'you looked at',
      1,
      async id => {
        await as(ann, 'review', 'diff', id);
        writeFiles(zoe.work, { 'servers/new.yaml': serverFile('new', 'worse') });
        await as(zoe, 'propose', '--amend', id);
        return as(ann, 'review', 'approve', id);
      },
    ],
    [
      'when main moved and the plan with it',
      'it is another for server/server-0',
      1,
      async () => {
        const id = await proposed('servers/server-0.yaml', serverFile('server-0', 'two'));
        await as(ann, 'review', 'diff', id);
        repository.commit({ 'servers/server-0.yaml': serverFile('server-0').replace('for a test', 'for two') });
        return as(ann, 'review', 'approve', id);
      },
    ],
    [
      'by somebody not entitled',
      'owns nothing',
      5,
      async () => {
        writeFiles(ann.work, { 'servers/mine.yaml': serverFile('mine') });
        return approve(zoe, (await as(ann, 'propose')).stdout.trim());
      },
    ],
    [
      'by a stranger',
      'belongs to no user',
      5,
      async id => approve(person(repository.folder, 'eve', repository.bare), id),
    ],
  ])('%s', async (_situation, message, code, attempt) => {
    const id = await proposed();
    const outcome = await attempt(id);
    expect(outcome.stderr).toContain(message);
    expect(outcome.code).toBe(code);
    expect(remote()).not.toContain('reviews/');
    expect(remote()).toContain(`proposals/${id}`);
  });

  it('by its author', async () => {
    writeFiles(ann.work, { 'servers/mine.yaml': serverFile('mine') });
    const id = (await as(ann, 'propose')).stdout.trim();
    const { code, stderr } = await approve(ann, id);
    expect(stderr).toContain('somebody else has to approve it [REVIEW_SELF_APPROVAL]');
    expect(code).toBe(5);
  });

  it('by who signed its commits, whatever author they name', async () => {
    for (const [name, value] of [
      ['gpg.format', 'ssh'],
      ['user.signingkey', ann.keyFile],
      ['commit.gpgsign', 'true'],
    ] as const) {
      ann.git('config', name, value);
    }
    ann.env = { ...ann.env, GIT_AUTHOR_EMAIL: 'zoe@x.example', GIT_COMMITTER_EMAIL: 'zoe@x.example' };
    writeFiles(ann.work, { 'servers/mine.yaml': serverFile('mine') });
    const { stdout, stderr } = await as(ann, 'propose');
    expect(stderr).toContain('proposed');
    expect((await approve(ann, stdout.trim())).stderr).toContain('user/ann is an author of this');
  });

  it('when it conflicts', async () => {
    const id = await proposed('servers/server-0.yaml', serverFile('server-0', 'two'));
    repository.commit({ 'servers/server-0.yaml': serverFile('server-0', 'three') });
    const { code, stderr } = await approve(ann, id);
    expect(stderr).toContain('conflicts with main in servers/server-0.yaml [PROPOSAL_CONFLICT]');
    expect(code).toBe(1);
    expect((await as(zoe, 'review', 'withdraw', id, '--reason', 'too late')).code).toBe(0);
  });

  it.each<[string, string]>([
    ['has a mistake', serverFile('new').replace('stdio', 'telepathy')],
    ['is named otherwise', serverFile('other')],
  ])('of what %s: it is not even proposed', async (_situation, text) => {
    writeFiles(zoe.work, { 'servers/new.yaml': text });
    const { code, stderr } = await as(zoe, 'propose');
    expect(stderr).toContain('✗ nothing was proposed: one error');
    expect(code).toBe(1);
    expect(remote()).not.toContain('proposals/');
  });

  it('of a mistake that was pushed past the command line', async () => {
    zoe.git('checkout', '--quiet', '-b', 'x');
    writeFileSync(join(zoe.work, 'servers', 'new.yaml'), serverFile('new').replace('stdio', 'telepathy'));
    zoe.git('add', '.');
    zoe.git('commit', '--quiet', '-m', 'Sneak in');
    zoe.git('push', '--quiet', 'origin', 'HEAD:refs/heads/proposals/server-new-00ff00');
    const { code, stderr } = await approve(ann, 'server-new-00ff00');
    expect(stderr).toContain('server-new-00ff00 is not valid');
    expect(code).toBe(1);
  });

  it('of a change of the policy by the policy that it brings', async () => {
    writeFiles(zoe.work, {
      'mcpctl.yaml': policy.replace('[ann, bob]', '[zoe]').replace('approvals: 2', 'approvals: 1'),
    });
    const id = (await as(zoe, 'propose')).stdout.trim();
    const { code, stderr } = await approve(zoe, id);
    expect(stderr).toContain('REVIEW_SELF_APPROVAL');
    expect(code).toBe(5);
  });
});

it('a change of an environment shows what it does there, and is approved as that', async () => {
  const id = await proposed('environments/prod/servers/server-0.yaml', 'spec: { replicas: 2 }\n');
  const { stdout, stderr } = await as(ann, 'review', 'show', id);
  expect(stdout, stderr).toContain('Nothing starts, stops or is served differently.');
  expect(stdout).toMatch(/In the environment prod:\n.*\ncreate +instance\/server-0-1/);
  const shown = JSON.parse((await as(ann, 'review', 'show', id, '-o', 'json')).stdout);
  expect(shown.plan.environments).toMatchObject([{ name: 'prod', changes: [{ id: 'server/server-0' }] }]);
  expect((await as(ann, 'review', 'approve', id)).code).toBe(0);
  // It is another plan once the server itself is another.
  repository.commit({ 'environments/prod/servers/server-0.yaml': 'spec: { replicas: 3 }\n' });
  expect((await as(bob, 'review', 'show', id)).stdout).toMatch(/does not count|PROPOSAL_CONFLICT|conflicts/);
});

it('of two who approve at once one merges, and the other is told', async () => {
  const id = await proposed();
  await approve(ann, id);
  await as(bob, 'review', 'diff', id);
  await as(ann, 'review', 'diff', id);
  const both = await Promise.all([as(bob, 'review', 'approve', id), as(ann, 'review', 'reject', id, '--reason', 'no')]);
  expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
  expect(both.find(({ code }) => code === 1)?.stderr).toMatch(/REVIEW_RACE|PROPOSAL_NOT_FOUND/);
});
