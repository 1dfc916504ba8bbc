import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { commitAfter } from './accident.ts';
import { isReady, openScene, type Scene, startBackend } from './scene.ts';

let backend: { url: string; child: ChildProcess };
let scene: Scene;
beforeAll(async () => {
  backend = await startBackend();
});
afterEach(() => scene.close());
afterAll(() => {
  backend.child.kill('SIGKILL');
});

/** Wait until a commit is in service, and all of it Ready. */
async function inServiceAt(commit: string): Promise<void> {
  await scene.until(`Ready at ${commit}`, status => status.revision.applied === commit && isReady(status));
}

it('a server that nobody needs goes when it is removed', async () => {
  scene = await openScene(backend.url);
  await inServiceAt(scene.repository.commit({ 'servers/s4.yaml': null }));
  await scene.until('it is gone', ({ servers }) => !servers.some(({ name }) => name === 's4'));
  expect(scene.inService().resources).not.toContain('server/s4');
  expect(scene.inService().projects).toContain('labels: s0 s1 s2 s3 own two');
});

it('as many as the budget allows go at once', async () => {
  scene = await openScene(backend.url);
  const files = { 'prompts/p2.md': null, 'prompts/p3.md': null, 'prompts/p4.md': null };
  await inServiceAt(scene.repository.commit(files));
  expect(scene.inService().resources.filter(id => id.startsWith('prompt/'))).toEqual(['prompt/p0', 'prompt/p1']);
});

it('a renamed server goes on under its new name, and is told of as such', async () => {
  scene = await openScene(backend.url);
  commitAfter(scene, ['mv', 'servers/s4.yaml', 'servers/renamed.yaml']);
  await inServiceAt(scene.repository.git('rev-parse', 'HEAD'));
  expect(scene.inService().projects).toContain('labels: renamed s0 s1 s2 s3 own two');
  const events = scene.reconciler.events(0);
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'removed', resources: [], moved: [{ from: 'server/s4', to: 'server/renamed' }] }),
  );
  expect(events.flatMap(event => (event.type === 'applied' ? event.plan.steps : []))).toEqual(
    expect.arrayContaining([
      { op: 'create', id: 'instance/renamed-0', because: 'renamed from server/s4' },
      { op: 'remove', id: 'instance/s4-0', because: 'renamed to server/renamed' },
    ]),
  );
});

it('what waits goes once its commit is allowed, and only then', async () => {
  scene = await openScene(backend.url);
  commitAfter(scene, ['rm', '-r', '--quiet', 'prompts', 'projects/names']);
  const held = scene.repository.git('rev-parse', 'HEAD');
  const { prune } = await scene.until('held', status => status.prune?.held?.commit === held);
  expect(prune?.held).toMatchObject({
    removes: ['project/names', 'prompt/p0', 'prompt/p1', 'prompt/p2', 'prompt/p3', 'prompt/p4'],
    because: ['it removes 5 of 7 resources of kind Prompt, and 3 may go at once'],
  });
  expect(scene.reconciler.allowPrune('0'.repeat(40))).toMatchObject({ code: 'PRUNE_NOT_HELD' });
  expect(scene.reconciler.allowPrune(held)).toBeUndefined();
  await inServiceAt(held);
  expect(scene.inService().resources.filter(id => id.startsWith('prompt/'))).toEqual([]);

  // What was allowed was that one step: the same commit takes nothing more with it later.
  await inServiceAt(
    scene.repository.commit(
      Object.fromEntries([1, 2, 3, 4, 5].map(n => [`prompts/n${n}.md`, `---\n---\nNew ${n}.\n`])),
    ),
  );
  scene.repository.git('push', '--quiet', '--force', 'origin', `${held}:main`);
  await scene.until('held again', status => status.prune?.held?.commit === held);
  expect(scene.inService().resources.filter(id => id.startsWith('prompt/'))).toHaveLength(5);
});

it('what was allowed is remembered over a restart', async () => {
  scene = await openScene(backend.url);
  commitAfter(scene, ['rm', '-r', '--quiet', 'prompts', 'projects/names']);
  const held = scene.repository.git('rev-parse', 'HEAD');
  await scene.until('held', status => status.prune?.held?.commit === held);
  scene.reconciler.allowPrune(held);
  await scene.restart();
  await inServiceAt(held);
  expect(scene.inService().projects).toEqual(['labels: s0 s1 s2 s3 s4 own two']);
});

/** As a version of mcpctl leaves it whose resources have another shape. */
function writtenByAnother(stateDir: string): void {
  const database = new DatabaseSync(join(stateDir, 'state.sqlite'));
  database.exec(
    `UPDATE meta SET value = 'another' WHERE key = 'format'; UPDATE good SET resource = json_set(resource, '$.spec', 1)`,
  );
  database.close();
}

it('a daemon of another version takes over what is still declared', async () => {
  scene = await openScene(backend.url);
  const before = scene.inService().resources;
  await scene.restart({}, writtenByAnother);
  await scene.until('everything is in service', isReady);
  expect(scene.inService().resources).toEqual(before);
});

it('for a daemon of another version, too, a commit waits that removes too much', async () => {
  scene = await openScene(backend.url);
  const before = scene.repository.git('rev-parse', 'HEAD');
  const tree = scene.repository.commit(Object.fromEntries([0, 1, 2, 3].map(one => [`prompts/p${one}.md`, null])));
  scene.repository.git('push', '--quiet', '--force', 'origin', `${before}:refs/heads/main`);
  await scene.restart({}, stateDir => {
    writtenByAnother(stateDir);
    scene.repository.git('push', '--quiet', '--force', 'origin', `${tree}:refs/heads/main`);
  });
  const { prune, conditions } = await scene.until('held', status => status.prune?.held?.commit === tree);
  expect(prune?.held?.removes).toEqual(
    expect.arrayContaining(['project/names', 'prompt/p0', 'prompt/p1', 'prompt/p2', 'prompt/p3']),
  );
  expect(conditions).toContainEqual(expect.objectContaining({ type: 'Stalled', status: 'True' }));
  expect(scene.reconciler.allowPrune(tree)).toBeUndefined();
  await scene.until('it is taken over', ({ revision }) => revision.applied === tree);
  expect(scene.inService().resources).not.toContain('prompt/p0');
});
