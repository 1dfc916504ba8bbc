import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { poll, startUp, type UpProcess } from '../e2e/daemon.ts';
import { startCluster, type TestCluster, whyNoCluster } from '../kubernetes/cluster.ts';
import { type Asked, type CountingProxy, isWrite, openCountingProxy } from '../kubernetes/counting-proxy.ts';
import { type Files, tempRepository } from '../temp-repository.ts';
import type { Figure } from './figures.ts';
import { packagedCommand } from './package.ts';
import { ownProcesses, residentMiB } from './processes.ts';
import { withCleanUp } from './scene.ts';

const SERVERS = 1_000;
const PATIENCE_MS = 200_000;
const CHANGES = 5;
const SETTLE_MS = 20_000;

/**
 * So many servers as Deployments on a real API server that has no nodes: nothing runs, so that all the work is ours and
 * the API's.
 */
export async function benchKubernetes(): Promise<Figure[]> {
  const why = whyNoCluster();
  if (why !== undefined) {
    console.error(`! SKIPPED: kubernetes (${why})`);
    return [];
  }
  const cluster = startCluster({ pods: false });
  const repository = tempRepository(filesOf(SERVERS));
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-bench-'));
  const proxy = await openCountingProxy(cluster);
  let up: UpProcess | undefined;
  const cleanUp = async () => {
    await up?.stop();
    removeNamespaces(cluster);
    proxy.close();
    cluster.stop();
    repository.remove();
    rmSync(folder, { recursive: true, force: true });
  };
  return withCleanUp(cleanUp, async () => {
    const entry = packagedCommand();
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, proxy.kubeconfig, { mode: 0o600 });
    const start = async () => {
      up = await startUp({
        entry,
        repository: repository.bare,
        stateDir: join(folder, 'state'),
        args: ['--poll', '3600', '--runtime', 'kubernetes'],
        env: { MCPCTL_HOME: join(folder, 'home'), KUBECONFIG: kubeconfig },
      });
      return up;
    };
    const firstAt = performance.now();
    const first = await start();
    const peak = watchMemory(first);
    await everythingObserved(first, cluster, 1_000);
    const applied = performance.now() - firstAt;
    const memory = peak.end();
    const writes = proxy.asked.filter(isWrite).length;

    // What has no place to run is told of several times, and waited for from then on.
    await sleep(SETTLE_MS);
    const change = await changes(first, repository, proxy);
    const resync = await relist(proxy);
    await first.stop();

    const before = proxy.asked.length;
    const secondAt = performance.now();
    const second = await start();
    await everythingObserved(second, cluster, 250);
    const again = performance.now() - secondAt;
    const rewritten = proxy.asked.slice(before).filter(isWrite);
    return [
      figure('mcpctl up started → 1,000 Deployments applied and observed', applied, 'ms', 60_000, { writes }),
      figure('resident at most, daemon and reader', memory, 'MiB', 256),
      figure('one change → its Deployment applied', change, 'ms', 500, { changes: CHANGES }),
      figure('lists that a resync asks for, pods and Deployments', resync, 'requests', 2),
      figure('the next daemon: started → everything observed', again, 'ms', 5_000),
      figure('what the next daemon writes', rewritten.length, 'requests', 0, { asked: proxy.asked.length - before }),
    ];
  });
}

function figure(
  name: string,
  measured: number,
  unit: Figure['unit'],
  target: number,
  detail: Record<string, number> = {},
): Figure {
  const baseline = { name: 'nothing', value: 0 };
  return { bench: 'kubernetes', name, measured, baseline, unit, compare: 'difference', target, detail };
}

function filesOf(servers: number): Files {
  const files: Files = { 'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: bench.example\n' };
  for (let index = 0; index < servers; index++) files[pathOf(index)] = serverOf(index, 'first');
  return files;
}

function pathOf(index: number): string {
  return `servers/s${index}.yaml`;
}

function serverOf(index: number, word: string): string {
  return `apiVersion: mcpctl.dev/v1
kind: Server
metadata:
  description: Number ${index}, made for measuring
spec:
  transport: stdio
  command: [node, server.js, --number, "${index}"]
  env:
    - name: WORD
      value: ${word}
  resources:
    limits:
      memory: 128Mi
`;
}

/**
 * Without nodes no pod gets further than to be told that there is none, and that is what every server's status says.
 * @param everyMs how often the status is asked for, which keeps the daemon busy as well
 */
async function everythingObserved(up: UpProcess, { kubectl }: TestCluster, everyMs: number): Promise<void> {
  // One that is tried again says nothing for a moment.
  const seen = new Set<string>();
  await poll('every server to be observed', PATIENCE_MS, async () => {
    await sleep(everyMs);
    const { servers } = await up.status();
    for (const server of servers) if (JSON.stringify(server).includes('Unschedulable')) seen.add(server.name);
    return seen.size === SERVERS;
  });
  const there = kubectl('get', 'deployments', '-A', '-l', 'mcpctl.dev/server', '-o', 'name').split('\n').length;
  if (there !== SERVERS) throw new Error(`${there} Deployments, not ${SERVERS}`);
}

/** Of several, each pushed when nothing else goes on: from the poke to the answer of the write. */
async function changes(
  up: UpProcess,
  repository: ReturnType<typeof tempRepository>,
  proxy: CountingProxy,
): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < CHANGES; index++) {
    repository.commit({ [pathOf(index)]: serverOf(index, `word-${index}`) });
    const before = proxy.asked.length;
    const at = performance.now();
    await fetch(`${up.url}/api/v1/reconcile`, { method: 'POST', headers: { authorization: `Bearer ${up.token}` } });
    const isApplied = ({ method, path, answered }: Asked) =>
      method === 'PATCH' && path.includes(`/deployments/s${index}-`) && answered !== undefined;
    // The first begins it, the second asks for its pods.
    const applied = () => proxy.asked.slice(before).filter(isApplied)[1]?.answered;
    await poll('the change to be applied', PATIENCE_MS, () => applied() !== undefined);
    times.push((applied() ?? Number.NaN) - at);
    await sleep(1_000);
  }
  return times.sort((a, b) => a - b)[Math.floor(CHANGES / 2)] ?? Number.NaN;
}

/** Every watch ends, and what was missed is found out. @returns how many lists that took */
async function relist(proxy: CountingProxy): Promise<number> {
  const before = proxy.asked.length;
  proxy.cut();
  await sleep(5_000);
  const since = proxy.asked.slice(before).filter(({ method, path }) => method === 'GET' && !path.includes('/leases'));
  const lists = since.filter(({ path }) => !path.includes('watch=1'));
  if (since.length === lists.length) throw new Error('nothing is watched any more');
  return lists.length;
}

/** The most that was resident at any time. */
function watchMemory(up: UpProcess): { end(): number } {
  let most = 0;
  const look = () => {
    most = Math.max(most, residentMiB(ownProcesses(up)));
  };
  const timer = setInterval(look, 500);
  return {
    end() {
      clearInterval(timer);
      look();
      return most;
    },
  };
}

function removeNamespaces({ kubectl }: TestCluster): void {
  const where = ['get', 'namespace', '-l', 'mcpctl.dev/owner', '-o', 'jsonpath={.items[*].metadata.name}'];
  const left = kubectl(...where);
  if (left !== '') kubectl('delete', 'namespace', '--wait=false', ...left.split(' '));
}
