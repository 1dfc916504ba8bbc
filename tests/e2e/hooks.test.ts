import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mcpctl } from '../command-line.ts';
import { type PersonAtWork, person, userFile } from '../people.ts';
import { serverFile, serverFiles, type TempRepository, tempRepository, writeFiles } from '../temp-repository.ts';

/** ann has to approve changes of servers; bob proposes. git itself runs the hooks, and they the real command line. */
let repository: TempRepository;
let ann: PersonAtWork;
let bob: PersonAtWork;

const policy = `apiVersion: mcpctl.dev/v1
kind: Repository
spec:
  id: test.example
  review:
    protect: [{ paths: [servers/], owners: { users: [ann] } }]
`;
const prompt = '---\ntitle: A prompt\n---\nHello\n';
const broken = serverFile('new').replace('stdio', 'telepathy');

beforeEach(() => {
  repository = tempRepository(serverFiles(1));
  ann = person(repository.folder, 'ann', repository.bare);
  bob = person(repository.folder, 'bob', repository.bare);
  repository.commit({
    'mcpctl.yaml': policy,
    'access/users/ann.yaml': userFile(ann),
    'access/users/bob.yaml': userFile(bob),
    'access/serviceaccounts/robot.yaml': 'apiVersion: mcpctl.dev/v1\nkind: ServiceAccount\nspec: {}\n',
  });
  for (const one of [ann, bob]) one.git('pull', '--quiet');
});
afterEach(() => repository.remove());

async function install(where: string, ...more: string[]): Promise<void> {
  const { code, stderr } = await mcpctl(['hooks', 'install', '-C', where, ...more], { env: ann.env });
  expect(code, stderr).toBe(0);
}

/** @returns what git said when it refused */
function refused(who: PersonAtWork, ...args: string[]): string {
  try {
    who.git(...args);
  } catch (error) {
    return String((error as { stderr: unknown }).stderr);
  }
  throw new Error(`git ${args.join(' ')} went through`);
}

function commit(who: PersonAtWork, files: Record<string, string | null>, message = 'Change'): void {
  writeFiles(who.work, files);
  who.git('add', '--all');
  who.git('commit', '--quiet', '--no-verify', '-m', message);
}

const main = () => repository.git('ls-remote', 'origin');

describe('in a clone', () => {
  beforeEach(() => install(bob.work));

  it('a commit of what is not valid is refused, with all that is wrong', () => {
    writeFiles(bob.work, { 'servers/new.yaml': broken, 'prompts/p.md': 'no front matter' });
    bob.git('add', '--all');
    const said = refused(bob, 'commit', '-m', 'Change');
    expect(said).toContain('servers/new.yaml:7:14');
    expect(said).toContain('prompts/p.md');
    writeFiles(bob.work, { 'servers/new.yaml': serverFile('new'), 'prompts/p.md': prompt });
    bob.git('add', '--all');
    bob.git('commit', '-m', 'Change');
  });

  it.each([
    ['Bump: huge', false],
    ['Version: one', false],
    ['Bump: minor', true],
    ['Version: 2.0.0', true],
    ['Anything: else', true],
  ])('a message that ends with `%s`: goes through: %s', (trailer, through) => {
    const args = ['commit', '--allow-empty', '-m', `Change\n\n${trailer}`];
    if (through) bob.git(...args);
    else expect(refused(bob, ...args)).toContain('TRAILER_INVALID');
  });

  it('a push of what is not valid is refused, wherever it goes', () => {
    commit(bob, { 'servers/new.yaml': broken });
    const before = main();
    expect(refused(bob, 'push', 'origin', 'HEAD:refs/heads/elsewhere')).toContain('servers/new.yaml:7:14');
    expect(main()).toBe(before);
    commit(bob, { 'servers/new.yaml': serverFile('new') });
    bob.git('push', '--quiet', 'origin', 'HEAD:refs/heads/elsewhere', 'HEAD:refs/heads/another');
  });

  it('a hook that was there runs first, and comes back', async () => {
    await mcpctl(['hooks', 'uninstall', '-C', bob.work], { env: bob.env });
    const hook = join(bob.work, '.git/hooks/pre-commit');
    expect(existsSync(hook)).toBe(false);
    const own = '#!/bin/sh\necho mine first >&2\n[ ! -e stop ]\n';
    writeFileSync(hook, own);
    chmodSync(hook, 0o755);
    await install(bob.work);
    await install(bob.work);
    writeFiles(bob.work, { stop: 'x' });
    expect(refused(bob, 'commit', '--allow-empty', '-m', 'x')).toBe('mine first\n');
    writeFiles(bob.work, { stop: null, 'servers/new.yaml': broken });
    bob.git('add', '--all');
    expect(refused(bob, 'commit', '-m', 'x')).toContain('servers/new.yaml:7:14');
    await mcpctl(['hooks', 'uninstall', '-C', bob.work], { env: bob.env });
    expect(readFileSync(hook, 'utf8')).toBe(own);
    expect(bob.git('config', '--list', '--local')).not.toContain('mcpctl.');
  });
});

describe('in a bare repository', () => {
  beforeEach(() => install(repository.bare, '--bare'));

  it.each<[string, () => string, string]>([
    [
      'what is not valid',
      () => {
        commit(bob, { 'prompts/p.md': 'no front matter' });
        return refused(bob, 'push', 'origin', 'main');
      },
      'prompts/p.md',
    ],
    [
      'what needs approval, pushed directly',
      () => {
        commit(bob, { 'servers/new.yaml': serverFile('new') });
        return refused(bob, 'push', 'origin', 'main');
      },
      'changes `servers/new.yaml` without the approvals that review.protect servers/ asks for',
    ],
    [
      'the same, hidden behind a later commit that takes it back',
      () => {
        commit(bob, { 'servers/new.yaml': serverFile('new') });
        commit(bob, { 'servers/new.yaml': null });
        return refused(bob, 'push', 'origin', 'main');
      },
      'servers/new.yaml',
    ],
    [
      'a merge of it that claims to be a proposal',
      () => {
        bob.git('checkout', '--quiet', '-b', 'side');
        commit(bob, { 'servers/new.yaml': serverFile('new') });
        bob.git('checkout', '--quiet', 'main');
        bob.git(
          'merge',
          '--quiet',
          '--no-ff',
          'side',
          '-m',
          'Merge\n\nProposal-Id: server-new-0a1b2c\nApproved-By: ann',
        );
        return refused(bob, 'push', 'origin', 'main');
      },
      'server-new-0a1b2c is pending: review.protect servers/: 0 of 1',
    ],
    [
      'a rewritten main',
      () => {
        bob.git('commit', '--quiet', '--no-verify', '--amend', '-m', 'Other');
        return refused(bob, 'push', '--force', 'origin', 'main');
      },
      'main is never rewritten',
    ],
    ['no main', () => refused(bob, 'push', 'origin', ':main'), 'main cannot be deleted'],
    [
      'a moved version tag',
      () => {
        bob.git('tag', 'v1.0.0', 'HEAD~1');
        bob.git('push', '--quiet', 'origin', 'v1.0.0');
        bob.git('tag', '--force', 'v1.0.0', 'HEAD');
        return refused(bob, 'push', '--force', 'origin', 'v1.0.0');
      },
      'version tags never move',
    ],
    [
      'a deleted version tag of a resource',
      () => {
        bob.git('push', '--quiet', 'origin', 'HEAD:refs/tags/servers/server-0/v1.0.0');
        return refused(bob, 'push', 'origin', ':refs/tags/servers/server-0/v1.0.0');
      },
      'version tags never move',
    ],
    [
      'a proposal of no id',
      () => refused(bob, 'push', 'origin', 'HEAD:refs/heads/proposals/x'),
      '`proposals/x` is no id of a proposal',
    ],
    [
      'a proposal that is not valid',
      () => {
        commit(bob, { 'servers/new.yaml': broken });
        return refused(bob, 'push', 'origin', 'HEAD:refs/heads/proposals/server-new-0a1b2c');
      },
      'servers/new.yaml:7:14',
    ],
    [
      'a review that says nothing',
      () => {
        bob.git('commit', '--quiet', '--allow-empty', '-m', 'I approve this');
        return refused(bob, 'push', 'origin', 'HEAD:refs/heads/reviews/server-new-0a1b2c');
      },
      'there is no statement',
    ],
  ])('refuses %s', (_situation, attempt, words) => {
    const branches = () =>
      main()
        .split('\n')
        .filter(line => !line.includes('refs/tags'))
        .join('\n');
    const refs = branches();
    expect(attempt()).toContain(words);
    expect(branches()).toBe(refs);
  });

  it('takes what nothing protects, work on other branches, and new version tags', () => {
    commit(bob, { 'prompts/p.md': prompt });
    bob.git('push', '--quiet', 'origin', 'main');
    commit(bob, { 'servers/new.yaml': broken });
    bob.git('push', '--quiet', 'origin', 'HEAD:refs/heads/work', 'main~1:refs/tags/v1.0.0');
    expect(main()).toContain('refs/tags/v1.0.0');
  });

  it('takes a merge with the approvals that policy asks for', async () => {
    writeFiles(bob.work, { 'servers/new.yaml': serverFile('new') });
    const proposed = await mcpctl(['propose'], { cwd: bob.work, env: bob.env });
    const id = proposed.stdout.trim();
    expect(proposed.code, proposed.stderr).toBe(0);
    await mcpctl(['review', 'diff', id], { cwd: ann.work, env: ann.env });
    const { code, stdout, stderr } = await mcpctl(['review', 'approve', id], { cwd: ann.work, env: ann.env });
    expect(code, stderr).toBe(0);
    expect(main()).toContain(`${stdout.trim().split(' ')[2]}\trefs/heads/main`);
  });

  it('with the pusher known: programs and strangers write proposals only', async () => {
    await install(repository.bare, '--bare', '--pusher-env', 'REMOTE_USER');
    commit(bob, { 'prompts/p.md': prompt });
    const push = (user: string | undefined, to: string) => {
      bob.env.REMOTE_USER = user;
      return () => refused(bob, 'push', '--quiet', 'origin', `HEAD:refs/heads/${to}`);
    };
    expect(push(undefined, 'main')()).toContain('`REMOTE_USER` is not in its environment');
    expect(push('robot', 'main')()).toContain('robot is no user of this repository');
    expect(push('eve', 'work')()).toContain('eve is no user of this repository');
    expect(push('robot', 'proposals/prompt-p-0a1b2c')).toThrow('went through');
    expect(push('bob', 'main')).toThrow('went through');
  }, 120_000);
});

it.each<[string, string[], string]>([
  ['the bare hooks in a clone', ['--bare'], 'not a bare one'],
  ['identity rules in a clone', ['--pusher-env', 'REMOTE_USER'], '`--pusher-env` is for a bare repository'],
])('does not install %s', async (_situation, more, words) => {
  const { code, stderr } = await mcpctl(['hooks', 'install', '-C', bob.work, ...more], { env: bob.env });
  expect(stderr).toContain(words);
  expect(code).toBe(2);
  expect(existsSync(join(bob.work, '.git/hooks/pre-commit'))).toBe(false);
});
