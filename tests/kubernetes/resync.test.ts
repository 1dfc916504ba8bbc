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
/** More watches than there are connections for questions. */
const MANY = Array.from({ length: 20 }, (_, number) => `p${number}`);

describe.skipIf(!cluster)(title, { timeout: 90_000 }, () => {
  if (!cluster) return;

  it.each<[string, string, (string | undefined)[]]>([
    ['in one namespace', 'resync', [undefined, undefined, undefined]],
    ['in one for each of many projects', 'resync-apart', MANY],
  ])(
    '%s, every so often each kind is listed once, with a watch that has bookmarks between, and nothing is written',
    async (_where, installation, projects) => {
      const proxy = await openCountingProxy(cluster);
      const folder = mkdtempSync(join(tmpdir(), 'mcpctl-kube-'));
      const kubeconfig = join(folder, 'kubeconfig');
      writeFileSync(kubeconfig, proxy.kubeconfig, { mode: 0o600 });
      const env = { KUBECONFIG: kubeconfig, MCPCTL_KUBE_INSTALLATION: installation, MCPCTL_RUNNER_NODE: 'node' };
      const runtime = openKubernetesRuntime({ stateDir: folder, env, resyncMs: RESYNC_MS });
      for (const [number, project] of projects.entries()) {
        const server = `server${number}`;
        const base = { id: `${server}-0`, server, ordinal: 0, specDigest: 'sha256:one', argv: ['node'], env: {} };
        const apart = project === undefined ? {} : { project };
        void runtime.ensure({ ...base, ...apart, transport: 'stdio', port: 0, path: '/mcp', secrets: [] });
      }
      const where = ['get', 'deployments', '-A', '-l', `mcpctl.dev/owner=${installation}`];
      const whole = () => cluster.kubectl(...where, '-o', 'jsonpath={.items[*].spec.replicas}').replaceAll(' ', '');
      await expect.poll(whole, { timeout: 60_000 }).toBe('1'.repeat(projects.length));
      await systemClock.sleep(RESYNC_MS);
      const from = proxy.asked.length;
      await systemClock.sleep(3 * RESYNC_MS);
      const since = proxy.asked.slice(from).filter(({ path }) => !path.includes('/leases'));
      const lists = since.filter(({ method, path }) => method === 'GET' && !path.includes('watch=1'));
      const times = Map.groupBy(lists, ({ path }) => path.replace(/\?.*/, ''));
      const namespaces = new Set([undefined, ...projects]);
      expect(times.size).toBe(2 * namespaces.size);
      for (const project of namespaces) {
        const namespace = `/namespaces/mcpctl-${installation}${project === undefined ? '' : `-${project}`}`;
        for (const kind of [`/api/v1${namespace}/pods`, `/apis/apps/v1${namespace}/deployments`]) {
          expect([2, 3, 4]).toContain(times.get(kind)?.length);
        }
      }
      expect(since.filter(isWrite)).toEqual([]);
      expect(since.some(({ path }) => path.includes('allowWatchBookmarks=true'))).toBe(true);
      await runtime.close({ leave: true });
      const all = cluster
        .kubectl('get', 'namespace', '-l', `mcpctl.dev/owner=${installation}`, '-o', 'name')
        .split('\n');
      cluster.kubectl('delete', '--wait=false', ...all);
      proxy.close();
      rmSync(folder, { recursive: true, force: true });
    },
  );
});
