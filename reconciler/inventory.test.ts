import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../host/index.ts';
import { createInventory } from './inventory.ts';
import { type LaunchSpec, openProcessRuntime, type Runtime } from './runtimes/index.ts';
import { openStateStore, type StateStore } from './state/index.ts';

let dir: string;
let store: StateStore;
let runtime: Runtime;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mcpctl-inventory-'));
  store = openStateStore(join(dir, 'state.sqlite'));
  runtime = openProcessRuntime({ stateDir: dir, records: store.processes, env: process.env });
});
afterEach(async () => {
  await runtime.close();
  store.close();
  rmSync(dir, { recursive: true, force: true });
});

const spec = (id: string): LaunchSpec => ({
  id,
  server: id.slice(0, -2),
  ordinal: 0,
  specDigest: `sha256:${'0'.repeat(64)}`,
  argv: ['sleep', '60'],
  env: {},
  transport: 'stdio',
  port: 0,
  path: '/mcp',
  secrets: [],
});
const recorded = () => store.inventory.all().map(({ id }) => id);
const changes = () => new Promise<void>(resolve => setTimeout(resolve, 20));

it('keeps what it started until it is known to be gone', async () => {
  const inventory = createInventory(runtime, store.inventory, systemClock, () => {});
  await inventory.runtime.ensure(spec('a-0'));
  await inventory.runtime.ensure(spec('b-0'));
  expect(recorded()).toEqual(['a-0', 'b-0']);
  await inventory.runtime.remove('a-0');
  inventory.sweep(({ id }) => id === 'b-0');
  expect(recorded()).toEqual(['b-0']);
});

it('ends what an earlier daemon has left and nobody wants', async () => {
  store.inventory.put({ id: 'old-0', server: 'old', runtime: 'process' });
  await runtime.ensure(spec('old-0'));
  const inventory = createInventory(runtime, store.inventory, systemClock, () => {});
  inventory.sweep(() => false);
  await expect
    .poll(() => {
      inventory.sweep(() => false);
      return recorded();
    })
    .toEqual([]);
});

it('never ends what is not in it', async () => {
  const foreign = await runtime.ensure(spec('foreign-0'));
  const inventory = createInventory(runtime, store.inventory, systemClock, () => {});
  inventory.sweep(() => false);
  await changes();
  expect('pid' in foreign && foreign.pid !== undefined && process.kill(foreign.pid, 0)).toBe(true);
});

it('a removal that fails is told, stays in the inventory, and is tried again', async () => {
  const told: (string | undefined)[] = [];
  let broken = true;
  const failing: Runtime = Object.assign(Object.create(runtime) as Runtime, {
    remove: (id: string) => (broken ? Promise.reject(new Error('no answer')) : runtime.remove(id)),
  });
  const inventory = createInventory(failing, store.inventory, systemClock, (_server, problem) =>
    told.push(problem?.code),
  );
  await inventory.runtime.ensure(spec('a-0'));
  inventory.sweep(() => false);
  await expect.poll(() => inventory.failed.get('a-0')?.message).toContain('a-0 is not declared any more');
  expect(recorded()).toEqual(['a-0']);

  // Another daemon on the same state knows of it, too.
  const next = createInventory(failing, store.inventory, systemClock, (_server, problem) => told.push(problem?.code));
  broken = false;
  await expect
    .poll(() => {
      next.sweep(() => false);
      return recorded();
    })
    .toEqual([]);
  expect(told.filter(code => code !== undefined)).toEqual(['PRUNE_FAILED']);
});
