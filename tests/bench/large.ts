import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { condition, poll, type UpProcess } from '../e2e/daemon.ts';
import { type Figure, percentile } from './figures.ts';
import { busyMs, bytesWritten, ownProcesses, residentMiB, sum, watchPeak } from './processes.ts';
import { inScene, repositoryFiles } from './scene.ts';

const RESOURCES = 10_000;
const SERVERS = 20;
const HOOKS = 300;
const IDLE_MS = 20_000;
const PATIENCE_MS = 240_000;
/** By then the reader has ended and what the load left behind is collected. */
const SETTLED_MS = 60_000;

/** A repository as large as we mean to serve: its first load, what it occupies, what a webhook waits, what idling costs. */
export async function benchLarge(): Promise<Figure[]> {
  const servers = Array.from({ length: SERVERS }, (_, index) => `live-${index}`);
  let appliedAt: number | undefined;
  const onLine = (line: string) => {
    if (/commit [0-9a-f]+:/.test(line)) appliedAt ??= performance.now();
  };
  return inScene({ files: repositoryFiles(RESOURCES, servers), onLine }, async ({ up, startedAt }) => {
    const peak = watchPeak(() => residentMiB(ownProcesses(up)));
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
    const most = peak();
    const answered = await hooks(up);
    await sleep(SETTLED_MS);
    return [
      load,
      resident('most, during the first load', most),
      resident('a minute later', now(up)),
      answered,
      ...(await idle(up)),
    ];
  });
}

function now(up: UpProcess): number {
  return residentMiB(ownProcesses(up));
}

/** Of all processes that are not servers. */
function resident(when: string, mib: number): Figure {
  return {
    bench: 'large',
    name: `resident, daemon, reader and git, ${RESOURCES} resources: ${when}`,
    measured: mib,
    baseline: { name: 'nothing', value: 0 },
    unit: 'MiB',
    compare: 'difference',
    target: 256,
    detail: {},
  };
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
    measured: percentile(answered, 99),
    baseline: { name: 'a request that does nothing, p99', value: percentile(plain, 99) },
    unit: 'ms',
    compare: 'difference',
    target: 50,
    detail: { hooks: HOOKS },
  };
}

/** Everything is Ready, and nobody does anything; then one server is restarted, which is worth writing down. */
async function idle(up: UpProcess): Promise<Figure[]> {
  const pids = ownProcesses(up);
  const meter = () => ({ busy: sum(pids.map(busyMs)), written: sum(pids.map(bytesWritten)), files: changedFiles(up) });
  const [before, from] = [meter(), performance.now()];
  await sleep(IDLE_MS);
  const [after, elapsed] = [meter(), performance.now() - from];
  const restarts = () =>
    up.status().then(({ servers }) => sum(servers.map(server => Date.parse(server.instances[0]?.since ?? ''))));
  const since = await restarts();
  await fetch(`${up.url}/api/v1/servers/live-0/restart`, {
    method: 'POST',
    headers: { authorization: `Bearer ${up.token}` },
  });
  await up.until('the restart', status => condition(status, 'Ready') === 'True');
  await poll('the restarted server', PATIENCE_MS, async () => (await restarts()) !== since);
  await up.until('everything to be Ready again', status => condition(status, 'Ready') === 'True');
  await sleep(1_000);
  const restarted = meter();
  return [
    {
      bench: 'large',
      name: `idle: processor time, ${RESOURCES} resources and ${SERVERS} servers`,
      measured: after.busy - before.busy,
      baseline: { name: 'one core’s time', value: elapsed },
      unit: 'ms',
      compare: 'ratio',
      target: 0.01,
      detail: { processes: pids.length },
    },
    {
      bench: 'large',
      name: `idle: written in ${IDLE_MS / 1000} s, ${RESOURCES} resources and ${SERVERS} servers`,
      measured: after.written - before.written,
      baseline: { name: 'one server restarted', value: restarted.written - after.written },
      unit: 'bytes',
      compare: 'ratio',
      target: 0,
      detail: {
        filesChanged: Number(before.files !== after.files),
        filesChangedByRestart: Number(after.files !== restarted.files),
      },
    },
  ];
}

/** Every file of the state directory, but for what servers keep in theirs, with its size and the time of its last change. */
function changedFiles(up: UpProcess): string {
  const entries = readdirSync(up.stateDir, { recursive: true, withFileTypes: true });
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
  const ours = files.filter(file => !file.startsWith(join(up.stateDir, 'instances')));
  return ours.map(file => `${file} ${statSync(file).size} ${statSync(file).mtimeMs}`).join('\n');
}

async function timed(ask: () => Promise<Response>): Promise<number> {
  const began = performance.now();
  const answer = await ask();
  await answer.arrayBuffer();
  return performance.now() - began;
}
