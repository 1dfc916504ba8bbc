import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { condition, poll, type UpProcess } from '../e2e/daemon.ts';
import type { Figure } from './figures.ts';
import { inScene, repositoryFiles } from './scene.ts';

const RESOURCES = 10_000;
const SERVERS = 20;
const HOOKS = 300;
const IDLE_MS = 20_000;
const PATIENCE_MS = 240_000;
/** Of /proc/PID/stat, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** A repository as large as we mean to serve: its first load, what it occupies, what a webhook waits, what idling costs. */
export async function benchLarge(): Promise<Figure[]> {
  const servers = Array.from({ length: SERVERS }, (_, index) => `live-${index}`);
  let appliedAt: number | undefined;
  const onLine = (line: string) => {
    if (/commit [0-9a-f]+:/.test(line)) appliedAt ??= performance.now();
  };
  return inScene({ files: repositoryFiles(RESOURCES, servers), onLine }, async ({ up, startedAt }) => {
    await poll('the commit to be applied', PATIENCE_MS, () => appliedAt !== undefined);
    const daemon = JSON.parse(readFileSync(join(up.stateDir, 'daemon.json'), 'utf8')) as { startedAt: string };
    const gateway = Date.parse(daemon.startedAt) - performance.timeOrigin - startedAt;
    const load: Figure = {
      bench: 'large',
      name: `mcpctl up started → first ${RESOURCES} resources applied`,
      measured: (appliedAt ?? Number.NaN) - startedAt,
      baseline: { name: 'its gateway answers', value: gateway },
      unit: 'ms',
      compare: 'difference',
      target: 15_000,
      detail: {},
    };
    await up.until('everything to be Ready', status => condition(status, 'Ready') === 'True', PATIENCE_MS);
    const pids = ownProcesses(up);
    const memory: Figure = {
      bench: 'large',
      name: `resident, daemon and reader, ${RESOURCES} resources`,
      measured: sum(pids.map(residentMiB)),
      baseline: { name: 'nothing', value: 0 },
      unit: 'MiB',
      compare: 'difference',
      target: 256,
      detail: { daemon: residentMiB(up.child.pid ?? 0), processes: pids.length },
    };
    return [load, memory, await hooks(up), await idle(up, pids)];
  });
}

/** How long a forge waits for the answer, also while the daemon works on what it was told. */
async function hooks(up: UpProcess): Promise<Figure> {
  const secret = readFileSync(join(up.stateDir, 'hook-secret'), 'utf8').trim();
  const body = '{"ref":"refs/heads/main"}';
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const headers = { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` };
  const [answered, plain]: [number[], number[]] = [[], []];
  for (let hook = 0; hook < HOOKS; hook++) {
    answered.push(await timed(() => fetch(`${up.url}/hooks/git`, { method: 'POST', headers, body })));
    plain.push(await timed(() => fetch(`${up.url}/healthz`)));
    await sleep(10);
  }
  return {
    bench: 'large',
    name: `webhook acknowledged, p99, ${RESOURCES} resources`,
    measured: percentile99(answered),
    baseline: { name: 'a request that does nothing, p99', value: percentile99(plain) },
    unit: 'ms',
    compare: 'difference',
    target: 50,
    detail: { hooks: HOOKS },
  };
}

/** Everything is Ready, and nobody does anything. */
async function idle(up: UpProcess, pids: readonly number[]): Promise<Figure> {
  await sleep(6_000);
  const [before, from] = [sum(pids.map(busyMs)), performance.now()];
  const stateBefore = fingerprint(up);
  await sleep(IDLE_MS);
  const elapsed = performance.now() - from;
  const busy = sum(pids.map(busyMs)) - before;
  return {
    bench: 'large',
    name: `idle: processor time, ${RESOURCES} resources and ${SERVERS} servers`,
    measured: busy,
    baseline: { name: 'one core’s time', value: elapsed },
    unit: 'ms',
    compare: 'ratio',
    target: 0.01,
    detail: { stateChanged: stateBefore === fingerprint(up) ? 0 : 1 },
  };
}

async function timed(ask: () => Promise<Response>): Promise<number> {
  const began = performance.now();
  const answer = await ask();
  await answer.arrayBuffer();
  return performance.now() - began;
}

/** The daemon, its reader and their git; not the servers. Linux only. */
export function ownProcesses(up: UpProcess): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(name => [Number(name), statOf(Number(name))?.[1]] as const),
  );
  const daemon = up.child.pid ?? 0;
  const isOurs = (pid: number) => {
    const line = read(`/proc/${pid}/cmdline`);
    return /reader|cat-file/.test(line);
  };
  const readers = [...parents].filter(([pid, parent]) => Number(parent) === daemon && isOurs(pid)).map(([pid]) => pid);
  const gits = [...parents].filter(([, parent]) => readers.includes(Number(parent))).map(([pid]) => pid);
  return [daemon, ...readers, ...gits];
}

export function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

/** User and system time so far. */
function busyMs(pid: number): number {
  const stat = statOf(pid);
  return ((Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0)) * 1000) / TICKS_PER_SECOND;
}

/** What stands behind the program's name in /proc/PID/stat. */
function statOf(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What is written when nothing happens shows in the log that the database writes first. */
function fingerprint(up: UpProcess): string {
  return read(join(up.stateDir, 'state.sqlite-wal')).length.toString();
}

function percentile99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
