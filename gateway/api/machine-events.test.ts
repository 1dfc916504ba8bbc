import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStateStore, type StateStore } from '../../reconciler/state/index.ts';
import { testView } from '../../tests/served-view.ts';
import { emptyRepository, type SkillsMachine, skillFiles, skillsMachine } from '../../tests/skills-machine.ts';
import { type TempRepository, tempRepository } from '../../tests/temp-repository.ts';
import { createGateway, type Gateway } from '../index.ts';

const TOKEN = 'a-token-of-enough-length';
let repository: TempRepository;
let machine: SkillsMachine;
let gateway: Gateway;
let store: StateStore;

beforeEach(async () => {
  repository = tempRepository({
    ...emptyRepository,
    ...skillFiles('skills/review', 'R.', {
      'skill.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Skill\nspec:\n  postInstall: setup.sh\n',
      'setup.sh': 'exit 3\n',
    }),
  });
  machine = skillsMachine();
  store = openStateStore(machine.path('state.sqlite'));
  gateway = await createGateway(testView(), {
    ...{ token: TOKEN, hookSecret: 'x'.repeat(32), host: '127.0.0.1', port: 0, machineEvents: store.machineEvents },
  });
});
afterEach(async () => {
  await gateway.close();
  store.close();
  repository.remove();
  machine.remove();
});

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${gateway.url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
  });

it('a sync tells the gateway what it installed and ran, and keeps that while the gateway is away', async () => {
  await machine.run(['login', '--server', gateway.url, '--token', TOKEN]);
  await machine.sync(['--from', repository.bare]);
  const events = async () =>
    ((await (await ask('/api/v1/machine-events')).json()) as { events: { action: string; skill: string }[] }).events;
  for (let turn = 0; turn < 600 && (await events()).length < 2; turn++) await sleep(50);
  expect(await events()).toMatchObject([
    { sequence: 1, action: 'install', skill: 'skill/review', verified: false },
    { sequence: 2, action: 'postInstall', script: 'setup.sh', exitCode: 3, timedOut: false },
  ]);

  const { port } = gateway;
  await gateway.close();
  repository.commit({ 'skills/review': null, ...skillFiles('skills/other') });
  await machine.sync();
  // What could not be sent goes with the next sync, also when that changes nothing; what no gateway takes is in nobody’s way.
  const queued = machine.path('.mcpctl/sync/sending.jsonl');
  for (let turn = 0; turn < 600 && !existsSync(queued); turn++) await sleep(50);
  appendFileSync(queued, '{"no": "event"}\n{"torn\n');
  gateway = await createGateway(testView(), {
    ...{ token: TOKEN, hookSecret: 'x'.repeat(32), host: '127.0.0.1', port, machineEvents: store.machineEvents },
  });
  for (let turn = 0; turn < 600 && (await events()).length < 4; turn++) {
    expect((await machine.sync()).report.skipped).toEqual(['skill/other']);
    await sleep(50);
  }
  expect((await events()).slice(2).map(({ action, skill }) => `${action} ${skill}`)).toEqual(
    expect.arrayContaining(['install skill/other', 'remove skill/review']),
  );
  for (let turn = 0; turn < 600 && existsSync(queued); turn++) await sleep(50);
  expect(machine.names('.mcpctl/sync').filter(name => name.endsWith('.jsonl'))).toEqual([]);
});

it.each([
  ['no JSON', 'x', 400],
  ['no events', '{"events": []}', 400],
  ['a field too many', '{"events": [{"x": 1}]}', 400],
])('%s is refused', async (_situation, body, status) => {
  expect((await ask('/api/v1/events', { method: 'POST', body })).status).toBe(status);
});
