import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mcpctl, type Outcome } from '../command-line.ts';
import { type PersonAtWork, person, userFile } from '../people.ts';
import { serverFile, serverFiles, type TempRepository, tempRepository, writeFiles } from '../temp-repository.ts';

/**
 * What somebody who may push tries, to get past the approvals that policy asks for: mallory is a user of the repository,
 * ann owns servers. git itself runs the bare repository's hook, and that the real command line.
 */
let repository: TempRepository;
let ann: PersonAtWork;
let mallory: PersonAtWork;

const policy = `apiVersion: mcpctl.dev/v1
kind: Repository
spec:
  id: test.example
  review:
    protect: [{ paths: [servers/], owners: { users: [ann] } }]
`;
const evil = { 'servers/evil.yaml': serverFile('evil') };

/** @param below the folder that has `mcpctl.yaml`, ending in `/`, or empty */
async function scene(below = '', more: Record<string, string> = {}): Promise<void> {
  const moved = Object.fromEntries(Object.entries(serverFiles(1)).map(([path, text]) => [`${below}${path}`, text]));
  repository = tempRepository(moved);
  ann = person(repository.folder, 'ann', repository.bare);
  mallory = person(repository.folder, 'mallory', repository.bare);
  repository.commit({
    [`${below}mcpctl.yaml`]: policy,
    [`${below}access/users/ann.yaml`]: userFile(ann),
    [`${below}access/users/mallory.yaml`]: userFile(mallory),
    ...more,
  });
  for (const one of [ann, mallory]) one.git('pull', '--quiet');
  if (below !== '') repository.git('-C', repository.bare, 'config', 'mcpctl.path', below.slice(0, -1));
  const { code, stderr } = await mcpctl(['hooks', 'install', '-C', repository.bare, '--bare'], { env: ann.env });
  expect(code, stderr).toBe(0);
}

beforeEach(() => scene());
afterEach(() => repository.remove());

function as(who: PersonAtWork, ...argv: string[]): Promise<Outcome> {
  return mcpctl(argv, { cwd: who.work, env: who.env });
}

/** @returns what git said when it refused */
function refused(...args: string[]): string {
  const before = branches();
  try {
    mallory.git(...args);
  } catch (error) {
    expect(branches()).toBe(before);
    return String((error as { stderr: unknown }).stderr);
  }
  throw new Error(`git ${args.join(' ')} went through`);
}

const branches = () => repository.git('ls-remote', 'origin');

function commit(files: Record<string, string | null>, message = 'Change'): void {
  writeFiles(mallory.work, files);
  mallory.git('add', '--all');
  mallory.git('commit', '--quiet', '--no-verify', '-m', message);
}

/** A commit of some tree with any parents and message. */
function commitOf(tree: string, parents: string[], message: string): string {
  const args = ['commit-tree', `${tree}^{tree}`, ...parents.flatMap(parent => ['-p', parent]), '-m', message];
  return mallory.git(...args);
}

async function proposed(): Promise<{ id: string; head: string }> {
  writeFiles(mallory.work, evil);
  const { code, stdout, stderr } = await as(mallory, 'propose');
  expect(code, stderr).toBe(0);
  const id = stdout.trim();
  mallory.git('fetch', '--quiet', 'origin', '+refs/heads/*:refs/remotes/origin/*');
  return { id, head: mallory.git('rev-parse', `origin/proposals/${id}`) };
}

/** ann's statements, as they stand on the branch of reviews: newest first. */
function statements(id: string): string[] {
  mallory.git('fetch', '--quiet', 'origin', '+refs/heads/*:refs/remotes/origin/*');
  const messages = mallory.git('log', '-z', '--first-parent', '--format=%B', `origin/reviews/${id}`, '--not', 'main');
  return messages.split('\0').flatMap(message => {
    const lines = message.split('\n').filter(line => line.startsWith('Review-'));
    return lines.length === 0 ? [] : [lines.join('\n')];
  });
}

describe('a push that goes around the policy', () => {
  it('main from an older commit, where nothing was protected, as first parent', () => {
    mallory.git('checkout', '--quiet', '--detach', 'main~1');
    commit(evil);
    mallory.git('merge', '--quiet', '--no-edit', 'main');
    expect(refused('push', 'origin', 'HEAD:main')).toContain('does not go on from');
  });

  it('an approval that was taken back, and a merge which does not tell', async () => {
    const { id, head } = await proposed();
    const signed = await signedByAnn(id);
    const review = commitOf(head, [head], `Approve\n\nProposal-Id: ${id}\n${signed}`);
    mallory.git('push', '--quiet', 'origin', `${review}:refs/heads/reviews/${id}`);
    expect((await as(ann, 'review', 'reject', id, '--reason', 'no, after all')).code).toBe(0);
    expect(statements(id)).toHaveLength(2);
    const tree = mallory.git('merge-tree', '--write-tree', 'main', head);
    const forged = commitOf(tree, ['main', head], `Merge\n\nProposal-Id: ${id}\n${signed}`);
    expect(refused('push', 'origin', `${forged}:main`)).toContain('rejected');
  });

  it('a merge of what was approved, with more in it or behind it', async () => {
    const { id, head } = await proposed();
    const signed = await signedByAnn(id);
    const message = `Merge\n\nProposal-Id: ${id}\n${signed}`;
    const tree = mallory.git('merge-tree', '--write-tree', 'main', head);
    const base = mallory.git('rev-parse', 'main');
    mallory.git('checkout', '--quiet', '--force', '--detach', head);
    commit({ 'servers/more.yaml': serverFile('more') });
    const more = mallory.git('rev-parse', 'HEAD');
    const pushed = (of: string, ...parents: string[]) => ['push', 'origin', `${commitOf(of, parents, message)}:main`];
    expect(refused(...pushed(more, base, head))).toContain('is not what merging');
    expect(refused(...pushed(tree, base, head, more))).toContain('without the approvals');
    expect(refused(...pushed(more, base, more))).toContain('is pending');
    mallory.git(...pushed(tree, base, head));
  });

  it('reviews that are pushed aside by another first parent', async () => {
    const { id, head } = await proposed();
    await as(ann, 'review', 'diff', id);
    await as(ann, 'review', 'reject', id, '--reason', 'no');
    const [said = ''] = statements(id);
    const aside = commitOf(head, [head], `Other\n\nProposal-Id: ${id}\n${said}`);
    const tip = commitOf(head, [aside, `origin/reviews/${id}`], `Other\n\nProposal-Id: ${id}\n${said}`);
    expect(refused('push', 'origin', `${tip}:refs/heads/reviews/${id}`)).toContain('only added to');
  });

  it('reviews that are merged into main, out of sight', async () => {
    const { id } = await proposed();
    await as(ann, 'review', 'diff', id);
    await as(ann, 'review', 'reject', id, '--reason', 'no');
    expect(statements(id)).toHaveLength(1);
    const hidden = commitOf('main', ['main', `origin/reviews/${id}`], 'Merge nothing');
    expect(refused('push', 'origin', `${hidden}:main`)).toContain('reviews');
  });
});

/** An approval of ann's, as her own tools make it. */
async function signedByAnn(id: string): Promise<string> {
  const shown = await as(ann, 'review', 'show', id, '-o', 'json');
  const { proposal, planDigest, policyDigest } = JSON.parse(shown.stdout);
  const text = `${JSON.stringify({ repository: 'test.example', proposal: id, head: proposal.head, planDigest, policyDigest, verdict: 'approve', reason: '' })}\n`;
  const armour = execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', ann.keyFile, '-n', 'mcpctl-review'], {
    input: text,
    encoding: 'utf8',
  });
  const signature = armour.split('\n').slice(1, -2).join('');
  return `Review-Statement: ${Buffer.from(text).toString('base64')}\nReview-Signature: ${signature}`;
}

describe('a policy that is only in part below the repository’s root folder', () => {
  it('CODEOWNERS of a git repository with mcpctl in a folder', async () => {
    repository.remove();
    await scene('ai/', { '.github/CODEOWNERS': '/ai/prompts/ @ann\n' });
    commit({ '.github/CODEOWNERS': '/ai/prompts/ @mallory\n' });
    expect(refused('push', 'origin', 'main')).toContain('.github/CODEOWNERS');
  });

  it('a patch of what is protected', async () => {
    repository.remove();
    await scene('', { 'mcpctl.yaml': policy.replace('servers/', '/servers/server-0.yaml') });
    commit({ 'environments/prod/servers/server-0.yaml': 'spec:\n  command: [node, evil.js]\n' });
    expect(refused('push', 'origin', 'main')).toContain('environments/prod/servers/server-0.yaml');
  });
});
