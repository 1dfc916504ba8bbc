import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../../host/index.ts';
import { condition, startUp, type UpProcess } from './daemon.ts';

const program = join(import.meta.dirname, '..', 'fixtures', 'servers', 'sdk1-sse.mjs');
let folder: string;
let outside: ChildProcess | undefined;
let up: UpProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-sse-'));
});
afterEach(async () => {
  await up?.stop();
  await end();
  rmSync(folder, { recursive: true, force: true });
});

function start(port: number): void {
  outside = spawn(process.execPath, [program], { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' });
}

async function end(): Promise<void> {
  if (!outside || outside.exitCode !== null || outside.signalCode !== null) return;
  outside.kill('SIGKILL');
  await once(outside, 'exit');
}

it('servers that speak with server-sent events are served, started ones and others, and found again', async () => {
  const port = await freePort();
  start(port);
  const repository = join(folder, 'ai');
  mkdirSync(join(repository, 'servers'), { recursive: true });
  writeFileSync(join(repository, 'mcpctl.yaml'), 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec: {id: sse.test}\n');
  const declare = (name: string, spec: object) =>
    writeFileSync(
      join(repository, 'servers', `${name}.yaml`),
      JSON.stringify({ apiVersion: 'mcpctl.dev/v1', kind: 'Server', spec: { transport: 'sse', ...spec } }),
    );
  declare('inside', { command: [process.execPath, program], path: '/sse' });
  declare('outside', { url: `http://127.0.0.1:${port}/sse`, healthCheck: { intervalSeconds: 1 } });
  up = await startUp({ repository, stateDir: join(folder, 'state') });
  const ready = () => up?.until('everything to be Ready', now => condition(now, 'Ready') === 'True');
  const served = [
    { name: 'inside', tools: 5 },
    { name: 'outside', tools: 5 },
  ];
  expect((await ready())?.servers).toMatchObject(served);

  await end();
  await up.until('the loss to be told', now => condition(now, 'Ready') === 'False');
  start(port);
  expect((await ready())?.servers).toMatchObject(served);
  expect(up.stderr()).toMatch(/outside has ended its stream of events|outside is not reachable/);
});
