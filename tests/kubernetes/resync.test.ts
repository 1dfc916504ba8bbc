import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../host/index.ts';
import { openKubernetesRuntime } from '../../reconciler/runtimes/index.ts';
import { startCluster, whyNoCluster } from './cluster.ts';
import { isWrite, openCountingProxy } from './counting-proxy.ts';

const reason = whyNoCluster();
const cluster = reason === undefined ? startCluster({ pods: false }) : undefined;
afterAll(() => cluster?.stop());

const title = reason === undefined ? 'what is asked of the API' : `what is asked of the API (skipped: ${reason})`;
const RESYNC_MS = 3_000;

describe.skipIf(!cluster)(title, { timeout: 60_000 }, () => {
  if (!cluster) return;

  it('every so often each kind is listed once, with a watch that has bookmarks between, and nothing is written', async () => {
    const proxy = await openCountingProxy(cluster);
    const folder = mkdtempSync(join(tmpdir(), 'mcpctl-kube-'));
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, proxy.kubeconfig, { mode: 0o600 });
    const env = { KUBECONFIG: kubeconfig, MCPCTL_KUBE_INSTALLATION: 'resync', MCPCTL_RUNNER_NODE: 'node' };
    const runtime = openKubernetesRuntime({ stateDir: folder, env, resyncMs: RESYNC_MS });
    for (const server of ['one', 'two', 'three']) {
      const base = { id: `${server}-0`, server, ordinal: 0, specDigest: 'sha256:one', argv: ['node'], env: {} };
      void runtime.ensure({ ...base, transport: 'stdio', port: 0, path: '/mcp', secrets: [] });
    }
    const written = () => proxy.asked.filter(one => isWrite(one) && one.path.includes('/deployments/')).length;
    await expect.poll(written, { timeout: 30_000 }).toBe(3);
    await systemClock.sleep(RESYNC_MS);
    const from = proxy.asked.length;
    await systemClock.sleep(3 * RESYNC_MS);
    const since = proxy.asked.slice(from).filter(({ path }) => !path.includes('/leases'));
    const lists = since.filter(({ method, path }) => method === 'GET' && !path.includes('watch=1'));
    const of = (kind: string) => lists.filter(({ path }) => path.includes(`/${kind}?`)).length;
    expect(lists).toHaveLength(of('pods') + of('deployments'));
    for (const kind of ['pods', 'deployments']) expect([2, 3, 4]).toContain(of(kind));
    expect(since.filter(isWrite)).toEqual([]);
    expect(since.some(({ path }) => path.includes('allowWatchBookmarks=true'))).toBe(true);
    await runtime.close({ leave: true });
    cluster.kubectl('delete', 'namespace', 'mcpctl-resync', '--wait=false');
    proxy.close();
    rmSync(folder, { recursive: true, force: true });
  });
});
