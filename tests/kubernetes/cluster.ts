import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { installMissing } from '../docker/debian.ts';

/** A real cluster for one test file. */
export interface TestCluster {
  kubeconfig: string;
  /** An image with Node and a shell, for user 1000. */
  image: string;
  /** The Docker that its node runs on, where that is known. */
  dockerHost: string | undefined;
  /** As a person uses it. Throws when it fails. */
  kubectl(...args: string[]): string;
  /** Let the only node's kubelet say nothing, or go on; where that can be done. */
  kubelet?(signal: 'SIGSTOP' | 'SIGCONT'): void;
  stop(): void;
}

/** What keeps a cluster from being tested; undefined when nothing does. */
export function whyNoCluster(): string | undefined {
  const { TEST_KUBECONFIG, TEST_KUBERNETES } = process.env;
  if (TEST_KUBECONFIG === undefined && TEST_KUBERNETES === undefined) {
    return 'neither TEST_KUBECONFIG nor TEST_KUBERNETES is set';
  }
  const missing = installMissing({ kubectl: 'kubernetes-client' });
  if (missing !== undefined) return missing;
  if (TEST_KUBECONFIG !== undefined) return existsSync(TEST_KUBECONFIG) ? undefined : 'TEST_KUBECONFIG is no file';
  return existsSync(join(TEST_KUBERNETES ?? '', 'start')) ? undefined : 'TEST_KUBERNETES has no `start`';
}

/** TEST_KUBECONFIG's, or one that the `start` of TEST_KUBERNETES makes and its `stop` ends. */
export function startCluster({ pods = true } = {}): TestCluster {
  const { TEST_KUBECONFIG, TEST_KUBERNETES = '', TEST_KUBERNETES_IMAGE = 'node:24-slim' } = process.env;
  if (TEST_KUBECONFIG !== undefined) {
    const kubectl = kubectlOf(TEST_KUBECONFIG);
    return {
      kubeconfig: TEST_KUBECONFIG,
      image: TEST_KUBERNETES_IMAGE,
      dockerHost: process.env.DOCKER_HOST,
      kubectl,
      stop: () => undefined,
    };
  }
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-kube-'));
  const state = join(folder, 'state');
  const env = { ...process.env, NODE_BIN: process.execPath };
  const stop = () => {
    spawnSync(join(TEST_KUBERNETES, 'stop'), [state], { env, stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
  };
  const started = spawnSync(join(TEST_KUBERNETES, 'start'), [...(pods ? ['--with-pods'] : []), state], {
    env,
    encoding: 'utf8',
  });
  if (started.status !== 0) {
    stop();
    throw new Error(started.stderr);
  }
  const values = new Map(
    started.stdout
      .trim()
      .split('\n')
      .map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const kubeconfig = values.get('KUBECONFIG') ?? '';
  return {
    kubeconfig,
    image: values.get('NODE_IMAGE') ?? '',
    dockerHost: values.get('DOCKER_HOST'),
    kubectl: kubectlOf(kubeconfig),
    kubelet(signal) {
      const line = readFileSync(join(state, 'pids'), 'utf8')
        .split('\n')
        .find(one => one.endsWith(' kubelet'));
      process.kill(Number(line?.split(' ')[0]), signal);
    },
    stop,
  };
}

function kubectlOf(kubeconfig: string): TestCluster['kubectl'] {
  return (...args) => {
    const { status, stdout, stderr } = spawnSync('kubectl', args, {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', KUBECONFIG: kubeconfig },
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
}
