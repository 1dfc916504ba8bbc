import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe } from 'vitest';
import { openKubernetesRuntime } from '../../reconciler/runtimes/index.ts';
import { startCluster, whyNoCluster } from '../kubernetes/cluster.ts';
import { behaviours } from './behaviours.ts';
import { type Misdeed, type RuntimeAdapter, runtimeContract } from './runtime.ts';

const reason = whyNoCluster();
const cluster = reason === undefined ? startCluster() : undefined;
afterAll(() => cluster?.stop());

describe.skipIf(!cluster)(
  reason === undefined ? 'Kubernetes' : `Kubernetes (skipped: ${reason})`,
  { timeout: 120_000 },
  () => {
    if (!cluster) return;
    const { kubectl, kubeconfig, image } = cluster;
    const env = { KUBECONFIG: kubeconfig, MCPCTL_RUNNER_NODE: image };
    const used = new Set<string>();

    function namespaceOf(stateDir: string): string {
      return `mcpctl-${readFileSync(join(stateDir, 'kubernetes-owner'), 'utf8').slice(0, 12)}`;
    }

    function podOf(id: string, namespace: string): string {
      return kubectl('-n', namespace, 'get', 'pod', '-l', `mcpctl.dev/instance=${id}`, '-o', 'name');
    }

    afterEach(() => {
      for (const namespace of used) kubectl('delete', 'namespace', namespace, '--wait=false', '--ignore-not-found');
      used.clear();
    });

    const behind: Partial<Record<Misdeed, (id: string, stateDir: string) => Promise<void>>> = {
      async kill(id, stateDir) {
        const namespace = namespaceOf(stateDir);
        kubectl('-n', namespace, 'exec', podOf(id, namespace), '--', 'sh', '-c', 'kill -KILL -1');
      },
      async stop(id, stateDir) {
        const namespace = namespaceOf(stateDir);
        kubectl('-n', namespace, 'delete', podOf(id, namespace), '--wait=false');
      },
      async remove(_id, stateDir) {
        kubectl('-n', namespaceOf(stateDir), 'delete', 'deployment', '--all', '--wait=false');
      },
      async replace(_id, stateDir) {
        const patch = JSON.stringify([
          { op: 'replace', path: '/spec/template/spec/containers/0/image', value: `docker.io/${image}` },
        ]);
        const namespace = namespaceOf(stateDir);
        const deployment = kubectl('-n', namespace, 'get', 'deployment', '-o', 'name');
        kubectl('-n', namespace, 'patch', deployment, '--type=json', '-p', patch);
      },
    };

    const common: Pick<RuntimeAdapter, 'open' | 'behind' | 'not'> = {
      open(stateDir) {
        const runtime = openKubernetesRuntime({ stateDir, env, graceMs: 1_000 });
        const close: typeof runtime.close = async options => {
          await runtime.close(options);
          remember(stateDir);
        };
        return { ...runtime, close };
      },
      behind,
      not: {
        'leaves nothing where instances cannot go on alone': 'pods can',
        'keeps an instance’s home from one start to the next': 'a pod’s home ends with the pod',
        'finds out: paused': 'a pod cannot be paused',
      },
    };

    function remember(stateDir: string): void {
      try {
        used.add(namespaceOf(stateDir));
      } catch {
        // Nothing was ever asked of the cluster.
      }
    }

    describe('a command, run in a runner image', () => {
      runtimeContract('kubernetes', { ...common, behave: name => ({ argv: ['node', '-e', behaviours[name].script] }) });
    });
  },
);
