import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSlots, systemClock } from '../../host/index.ts';
import { problem } from '../../schema/index.ts';
import { connectUpstream } from '../mcp/index.ts';
import type { DesiredInstance } from '../plan.ts';
import { openProcessRuntime, type Runtime } from '../runtimes/index.ts';
import { createFleet, type Fleet } from './fleet.ts';
import type { Launch } from './launch.ts';
import type { Attempts } from './machine.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'tests', 'fixtures', 'servers');

/** Real programs, by server name; each instance of `good` and `mortal` is a real MCP server. */
const programs: Record<string, readonly string[]> = {
  good: [process.execPath, join(fixtures, 'sdk2-stdio.mjs')],
  missing: ['/nowhere/mcp-server'],
  quitter: [process.execPath, '-e', 'console.error("cannot find my config"); process.exit(3)'],
  silent: [process.execPath, '-e', 'setInterval(() => {}, 1000)'],
};

let stateDir: string;
let runtime: Runtime;
let fleet: Fleet;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'mcpctl-fleet-'));
  runtime = openProcessRuntime({ stateDir, records: memoryRecords(), env: process.env, graceMs: 500 });
  fleet = createFleet(
    {
      runtime,
      clock: systemClock,
      backoff: { windowMs: 60_000, delaysMs: [60_000], jitter: 0 },
      slots: createSlots(2),
      prepare: async desired => prepare(desired),
      connect: connectUpstream,
      initializeTimeoutMs: 1_500,
      launchTimeoutMs: 60_000,
      random: () => 0.5,
      attempts: memoryAttempts(),
      rejections: { get: () => undefined, put: () => {}, delete: () => {} },
      mayRun: () => [],
      drainMs: 500,
    },
    () => {},
  );
});
afterEach(async () => {
  await fleet.close();
  await runtime.close();
  rmSync(stateDir, { recursive: true, force: true });
});

function memoryRecords() {
  const rows = new Map();
  return {
    put: (row: { id: string }) => void rows.set(row.id, row),
    delete: (id: string) => void rows.delete(id),
    all: () => [...rows.values()],
  };
}

function memoryAttempts() {
  const rows = new Map<string, Attempts>();
  return {
    get: (id: string, digest: string) => rows.get(`${id} ${digest}`),
    put: (id: string, digest: string, row: Attempts) => void rows.set(`${id} ${digest}`, row),
    delete: (id: string) => {
      for (const key of rows.keys()) if (key.startsWith(`${id} `)) rows.delete(key);
    },
  };
}

function prepare(desired: DesiredInstance): Launch | { problem: ReturnType<typeof problem> } {
  const argv = programs[desired.server];
  if (!argv) return { problem: problem('SECRET_UNRESOLVED', 'secret resolution failed: TOKEN') };
  const { id, server, ordinal, specDigest } = desired;
  return {
    launch: { id, server, ordinal, specDigest, argv, env: {}, transport: 'stdio', port: 0, path: '/mcp', secrets: [] },
  };
}

function desired(server: string, specDigest = '1', ordinal = 0): DesiredInstance {
  return { id: `${server}-${ordinal}`, server, ordinal, parts: { spec: specDigest }, specDigest };
}

function pidNow(): number | undefined {
  return fleet.statuses('good')[0]?.pid;
}

async function until(server: string, state: string, isSo: () => boolean = () => true): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (fleet.statuses(server).some(status => status.state === state) && isSo()) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error(`${server} never became ${state}: ${JSON.stringify(fleet.statuses(server))}`);
}

it.each([
  ['its command does not exist', 'missing', 'SERVER_BINARY_MISSING', /nowhere/],
  ['it exits at once: its last line is quoted', 'quitter', 'SERVER_EXITED', /code 3.*cannot find my config/],
  ['it never answers initialize', 'silent', 'SERVER_INITIALIZE_TIMEOUT', /1500 ms/],
  ['its secret does not resolve: nothing is started', 'unresolved', 'SECRET_UNRESOLVED', /secret resolution failed/],
])('%s: it waits for its next try, and its neighbour runs', async (_situation, server, code, message) => {
  fleet.start(desired(server));
  fleet.start(desired('good'));
  await until('good', 'Running');
  await until(server, 'Error');
  const [status] = fleet.statuses(server);
  expect(status).toMatchObject({ ready: false, problem: { code, message: expect.stringMatching(message) } });
  expect(Date.parse(status?.nextRetryAt ?? '')).toBeGreaterThan(Date.now() + 50_000);
  await expect(fleet.served(server).upstream(1000)).rejects.toMatchObject({ problem: { code: 'SERVER_UNREACHABLE' } });
  await expect.poll(async () => (await runtime.list()).map(({ id }) => id)).toEqual(['good-0']);
});

it('restarts at once what died, keeps its tools listed, and waits after a second death', async () => {
  fleet.start(desired('good'));
  await until('good', 'Running');
  const { tools } = fleet.surface('good');
  expect(tools.length).toBeGreaterThan(0);
  const [first] = await runtime.list();

  process.kill(first?.pid ?? 0, 'SIGKILL');
  await until('good', 'Running', () => pidNow() !== first?.pid);
  expect(fleet.surface('good').tools).toEqual(tools);
  expect(fleet.statuses('good')[0]).toMatchObject({ restarts: 1, ready: true });

  process.kill(pidNow() ?? 0, 'SIGKILL');
  await until('good', 'Error', () => fleet.statuses('good')[0]?.nextRetryAt !== undefined);
  expect(fleet.statuses('good')[0]).toMatchObject({ restarts: 2, problem: { code: 'SERVER_EXITED' } });
  expect(fleet.surface('good').tools).toEqual([]);
});

it('takes over what an earlier daemon left, in the place that it has', async () => {
  fleet.found([
    { id: 'good-3', specDigest: '1' },
    { id: 'good-4', specDigest: 'another' },
  ]);
  fleet.start(desired('good'));
  await until('good', 'Running');
  expect(fleet.statuses('good').map(({ id }) => id)).toEqual(['good-3']);
  expect(fleet.observed()).toEqual([{ id: 'instance/good-0', parts: { spec: '1' } }]);
});

it('a call that comes while it starts waits for it', async () => {
  fleet.start(desired('good'));
  const upstream = await fleet.served('good').upstream(10_000);
  expect(upstream.surface.tools.length).toBeGreaterThan(0);
});

it('replaces an instance whose spec changed: the old one is gone before the new one starts', async () => {
  fleet.start(desired('good', '1'));
  await until('good', 'Running');
  const [old] = await runtime.list();
  fleet.start(desired('good', '2'));
  fleet.start(desired('good', '3'));
  await until('good', 'Running', () => pidNow() !== old?.pid);
  expect(await runtime.list()).toMatchObject([{ specDigest: '3' }]);
  expect(fleet.observed()).toEqual([{ id: 'instance/good-0', parts: { spec: '3' } }]);
  expect(await runtime.list()).toHaveLength(1);
  expect(() => process.kill(old?.pid ?? 0, 0)).toThrow();
});

it('an instance on its way out is not there, so that declaring it again starts it again', async () => {
  fleet.start(desired('good'));
  await until('good', 'Running');
  fleet.remove('good-0');
  expect(fleet.observed()).toEqual([]);
  fleet.start(desired('good'));
  await until('good', 'Running');
  expect(await runtime.list()).toHaveLength(1);
});

it('ends everything on close, also what is still starting or waiting', async () => {
  fleet.start(desired('good', '1', 0));
  fleet.start(desired('good', '1', 1));
  fleet.start(desired('silent'));
  fleet.start(desired('quitter'));
  await until('good', 'Running');
  await until('quitter', 'Error');
  await fleet.close();
  expect(await runtime.list()).toEqual([]);
});
