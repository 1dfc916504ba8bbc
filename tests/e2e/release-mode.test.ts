import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Status } from '../../reconciler/index.ts';
import { pinRoot } from '../../repo/trust/index.ts';
import type { RootDocument } from '../../schema/index.ts';
import { type Key, makeKey, makeRoot, type Release, TrustScene } from '../trust-scene.ts';
import { condition, startUp, type UpProcess } from './daemon.ts';

let scene: TrustScene;
let home: string;
let alice: Key;
let thief: Key;
let one: RootDocument;
const cleanUp: (() => unknown)[] = [];

const server = (more = '') => `apiVersion: mcpctl.dev/v1
kind: Server
metadata:
  description: Does nothing
spec:
  transport: stdio
  command: [node, server.js]
  replicas: 0
${more}`;

beforeEach(async () => {
  scene = new TrustScene({
    'servers/bare.yaml': server(),
    'servers/open.yaml': server('  isolation: { network: none }\n'),
  });
  alice = makeKey(scene.keys, 'alice');
  thief = makeKey(scene.keys, 'thief');
  one = await makeRoot(1, { root: [alice], release: [alice] }, [alice]);
  scene.addRoots(one);
  home = mkdtempSync(join(tmpdir(), 'mcpctl-home-'));
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  scene.remove();
  rmSync(home, { recursive: true, force: true });
});

async function up(...args: string[]): Promise<UpProcess> {
  const running = await startUp({
    repository: scene.repository.bare,
    stateDir: join(home, 'state', 'one'),
    args: ['--poll', '0.2', ...args],
    env: { MCPCTL_HOME: home },
  });
  cleanUp.push(() => running.stop());
  return running;
}

async function release(version: string, sequence: number, key = alice): Promise<Release> {
  const made = await scene.release({ version, sequence, key });
  scene.repository.git('push', '--quiet', 'origin', `${made.ref}:${made.ref}`);
  return made;
}

const pin = () => pinRoot(home, [one], [scene.repository.bare], new Date());
const applied =
  ({ commit }: Release) =>
  (status: Status) =>
    status.revision.applied === commit;

it('follows the newest trusted release, past what is not, and never back', async () => {
  const first = await release('0.1.0', 1);
  await pin();
  const daemon = await up();
  const status = await daemon.until('the release', applied(first));
  expect(status.repository.mode).toBe('release');
  expect(status.release).toMatchObject({ version: '0.1.0', sequence: 1, signer: 'alice' });
  expect(condition(status, 'Trusted')).toBe('True');
  // What would run with the daemon's own rights has to say that it may.
  expect(status.servers.map(({ name, revision }) => [name, revision !== ''])).toEqual([
    ['bare', false],
    ['open', true],
  ]);
  expect(status.problems.map(({ code }) => code)).toContain('ISOLATION_REQUIRED');

  // A commit on the branch is not a release, nor is what a thief signs.
  scene.repository.commit({ 'prompts/hello.md': '---\n---\nHello again' });
  await release('0.2.0', 2, thief);
  const passed = await daemon.until('the thief’s tag to be passed over', ({ problems }) =>
    problems.some(({ code, message }) => code === 'RELEASE_PASSED_OVER' && message.includes('v0.2.0')),
  );
  expect(passed.revision.applied).toBe(first.commit);

  scene.last = first;
  const second = await release('0.3.0', 2);
  await daemon.until('the next release', applied(second));

  // Whoever rewrites the branch changes nothing.
  scene.repository.git('push', '--quiet', '--force', 'origin', `${first.commit}^:refs/heads/main`);
  const rewritten = await daemon.until('the rewritten branch to be seen', ({ problems }) => problems.length > 0);
  expect(rewritten.revision.applied).toBe(second.commit);

  // The remote takes it back: what was accepted stays, and status says why and since when.
  scene.repository.git('push', '--quiet', 'origin', ':refs/tags/v0.3.0');
  const kept = await daemon.until('the missing tag to be told', now => condition(now, 'Trusted') === 'False');
  expect(kept.revision.applied).toBe(second.commit);
  const why = kept.conditions.find(({ type }) => type === 'Trusted');
  expect(why).toMatchObject({ reason: 'NoTrustedRelease', message: expect.stringContaining('v0.3.0') });
  expect(why?.since).toMatch(/^\d{4}-/);
  await daemon.stop();

  // Also after a restart, and with the state directory deleted it does not take the older one.
  const again = await up();
  await again.until('what was accepted last', applied(second));
  await again.stop();
  rmSync(join(home, 'state'), { recursive: true });
  const fresh = await up();
  const waiting = await fresh.until('a look at the releases', now => condition(now, 'Trusted') === 'False');
  expect(waiting.revision.applied).toBeUndefined();
}, 120_000);

it('serves nothing that was accepted before the root was pinned', async () => {
  const open = await up();
  await open.until('the branch', ({ revision }) => revision.applied !== undefined);
  expect((await open.status()).repository.mode).toBe('open');
  await open.stop();
  await pin();
  const daemon = await up();
  const status = await daemon.until('a look at the releases', now =>
    now.conditions.some(({ type, message }) => type === 'Trusted' && message.includes('no release yet')),
  );
  expect([status.revision.applied, status.servers]).toEqual([undefined, []]);
}, 60_000);

it('does not follow the branch where the repository wants releases, or its root is pinned for another address', async () => {
  const daemon = await up();
  await daemon.until('the branch', ({ revision }) => revision.applied !== undefined);
  scene.repository.commit({
    'mcpctl.yaml':
      'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n  trust: { mode: release }\n',
  });
  const refused = await daemon.until('the refusal', ({ problems }) =>
    problems.some(({ code }) => code === 'ROOT_NOT_PINNED'),
  );
  expect(condition(refused, 'Stalled')).toBe('True');
  scene.repository.commit({
    'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n  trust: { mode: forge }\n',
  });
  const forge = await daemon.until('mode forge', ({ repository }) => repository.mode === 'forge');
  expect(forge.problems.map(({ code }) => code)).not.toContain('ROOT_NOT_PINNED');
  await pinRoot(home, [one], ['/srv/elsewhere.git'], new Date());
  scene.repository.commit({ 'prompts/hello.md': '---\n---\nHello again' });
  await daemon.until('the other refusal', ({ problems }) =>
    problems.some(({ code, message }) => code === 'ROOT_NOT_PINNED' && message.includes('not for this address')),
  );
}, 60_000);

it('keeps serving the last release while the remote is away, says so, and goes on when it is back', async () => {
  const first = await release('0.1.0', 1);
  await pin();
  const daemon = await up();
  await daemon.until('the release', applied(first));
  renameSync(scene.repository.bare, `${scene.repository.bare}.away`);
  const away = await daemon.until('the missing remote to be told', now =>
    now.conditions.some(({ reason }) => reason === 'SourceFailed'),
  );
  const [ready] = away.conditions;
  expect(ready).toMatchObject({ reason: 'SourceFailed', message: expect.stringContaining(scene.repository.bare) });
  expect(ready?.since).toMatch(/^\d{4}-/);
  expect([away.revision.applied, condition(away, 'Trusted')]).toEqual([first.commit, 'True']);
  renameSync(`${scene.repository.bare}.away`, scene.repository.bare);
  const second = await release('0.2.0', 2);
  await daemon.until('the next release', applied(second));
}, 60_000);

it('previews a proposal beside a pinned root, in a state directory of its own', async () => {
  const first = await release('0.1.0', 1);
  await pin();
  const daemon = await up();
  await daemon.until('the release', applied(first));
  scene.repository.git('checkout', '--quiet', '-b', 'proposals/prompt-hello-0a1b2c');
  const proposed = scene.repository.commit({ 'prompts/hello.md': '---\n---\nProposed' });
  scene.repository.git('push', '--quiet', 'origin', 'HEAD:refs/heads/proposals/prompt-hello-0a1b2c');
  const preview = await startUp({
    repository: scene.repository.bare,
    stateDir: join(home, 'state', 'preview'),
    args: ['--poll', '0.2', '--ref', 'proposals/prompt-hello-0a1b2c'],
    env: { MCPCTL_HOME: home },
  });
  cleanUp.push(() => preview.stop());
  const seen = await preview.until('the proposal', ({ revision }) => revision.applied === proposed);
  expect([seen.repository.mode, seen.release]).toEqual(['open', undefined]);
  expect((await daemon.status()).revision.applied).toBe(first.commit);
  const back = await startUp({
    repository: scene.repository.bare,
    stateDir: join(home, 'state', 'one'),
    args: ['--ref', 'proposals/prompt-hello-0a1b2c'],
    env: { MCPCTL_HOME: home },
  }).then(
    running => running.stop().then(() => 'started'),
    (error: Error) => error.message,
  );
  expect(back).not.toBe('started');
}, 120_000);

it('does not go back with a state directory out of a backup', async () => {
  const first = await release('0.1.0', 1);
  await pin();
  const daemon = await up();
  await daemon.until('the release', applied(first));
  await daemon.stop();
  cpSync(join(home, 'state'), join(home, 'backup'), { recursive: true });
  const later = await up();
  scene.repository.commit({ 'prompts/hello.md': '---\n---\nHello again' });
  const second = await release('0.2.0', 2);
  await later.until('the next release', applied(second));
  await later.stop();

  rmSync(join(home, 'state'), { recursive: true });
  renameSync(join(home, 'backup'), join(home, 'state'));
  scene.repository.git('push', '--quiet', 'origin', ':refs/tags/v0.2.0');
  const restored = await up();
  const status = await restored.until('a look at the releases', now => condition(now, 'Trusted') === 'False');
  expect(status.revision.applied).not.toBe(first.commit);
  scene.repository.git('push', '--quiet', 'origin', `${second.ref}:${second.ref}`);
  await restored.until('the release that is the newest it has seen', applied(second));
}, 120_000);
