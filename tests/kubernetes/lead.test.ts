import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../host/index.ts';
import {
  type KubernetesRuntimeOptions,
  type LaunchSpec,
  openKubernetesRuntime,
  type Runtime,
} from '../../reconciler/runtimes/index.ts';
import { createApi } from '../../reconciler/runtimes/kubernetes/api.ts';
import { fenceWrites } from '../../reconciler/runtimes/kubernetes/fence.ts';
import { behaviours } from '../contract/behaviours.ts';
import { startCluster, whyNoCluster } from './cluster.ts';
import { type Asked, openCountingProxy } from './counting-proxy.ts';
import { openGate } from './gate.ts';

const reason = whyNoCluster();
// Nothing has to run for it to be known who may write.
const cluster = reason === undefined ? startCluster({ pods: false }) : undefined;
afterAll(() => cluster?.stop());

const title = reason === undefined ? 'who leads' : `who leads (skipped: ${reason})`;
const LEASE_MS = 6_000;
const EXPECTED = ['SERVER_EXITED', 'KUBE_POD_FAILING'];
const PATIENT = { timeout: 30_000, interval: 500 };

/** The so manieth write of an object. */
function patchOf(object: string, count = 1): (one: Asked) => boolean {
  let seen = 0;
  return ({ method, path }) => method === 'PATCH' && path.includes(object) && ++seen === count;
}

describe.skipIf(!cluster)(title, { timeout: 120_000 }, () => {
  if (!cluster) return;
  const { kubectl, kubeconfig } = cluster;
  const opened: Runtime[] = [];
  const folders: string[] = [];
  const installations = new Set<string>();
  const said: string[] = [];

  function folder(): string {
    const made = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-kube-')));
    folders.push(made);
    return made;
  }

  function open(installation: string, { env = {}, ...more }: Partial<KubernetesRuntimeOptions> = {}): Runtime {
    installations.add(installation);
    const all = { KUBECONFIG: kubeconfig, MCPCTL_RUNNER_NODE: 'node', MCPCTL_KUBE_INSTALLATION: installation, ...env };
    const options = { stateDir: folder(), follows: 'a repository', leaseMs: LEASE_MS, graceMs: 1_000, ...more };
    const runtime = openKubernetesRuntime({ ...options, env: all });
    opened.push(runtime);
    return runtime;
  }

  function spec(server: string, project?: string): LaunchSpec {
    const argv = ['node', '-e', behaviours.echo.script];
    const base = { id: `${server}-0`, server, ordinal: 0, specDigest: 'sha256:one', argv, env: {} };
    return { ...base, ...(project && { project }), transport: 'stdio', port: 0, path: '/mcp', secrets: [] };
  }

  /** Server and generation of each Deployment. */
  function deployments(installation: string): string[] {
    const path =
      '{range .items[*]}{.metadata.labels.mcpctl\\.dev/server}={.metadata.annotations.mcpctl\\.dev/generation}{"\\n"}{end}';
    if (said.length > 0) throw new Error(said.join('\n'));
    const found = kubectl('-n', `mcpctl-${installation}`, 'get', 'deployment', '-o', `jsonpath=${path}`);
    return found.split('\n').filter(Boolean).sort();
  }

  function lease(installation: string): { holderIdentity: string; leaseTransitions: number } {
    const text = kubectl('-n', `mcpctl-${installation}`, 'get', 'lease', `mcpctl-${installation}`, '-o', 'json');
    return JSON.parse(text).spec;
  }

  /** Nothing runs without nodes, so that it is not waited for, and that is no news. */
  function want(runtime: Runtime, server: string, project?: string): void {
    void runtime.ensure(spec(server, project)).then(result => {
      if (!('problem' in result) || EXPECTED.includes(result.problem.code)) return;
      said.push(`${server}: ${result.problem.code}: ${result.problem.message}`);
    });
  }

  function through(port: number): NodeJS.ProcessEnv {
    const config = JSON.parse(kubectl('config', 'view', '--raw', '-o', 'json'));
    config.clusters[0].cluster.server = `https://127.0.0.1:${port}`;
    return { KUBECONFIG: fileOf(JSON.stringify(config)) };
  }

  function fileOf(config: string): string {
    const file = join(folder(), 'kubeconfig');
    writeFileSync(file, config, { mode: 0o600 });
    return file;
  }

  /** Every pod that there is, or comes. @returns what was told of until it is asked, one a line */
  function watchPods(installation: string): () => string {
    const args = ['-n', `mcpctl-${installation}`, 'get', 'pods', '--watch', '-o', 'name'];
    const env = { PATH: process.env.PATH, HOME: '/nonexistent', KUBECONFIG: kubeconfig };
    const child = spawn('kubectl', args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
    let told = '';
    child.stdout.on('data', chunk => {
      told += chunk;
    });
    return () => {
      child.kill();
      return told;
    };
  }

  function server(): URL {
    return new URL(JSON.parse(kubectl('config', 'view', '--raw', '-o', 'json')).clusters[0].cluster.server);
  }

  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close({ leave: true });
    for (const name of installations)
      kubectl('delete', 'namespace', `mcpctl-${name}`, '--wait=false', '--ignore-not-found');
    installations.clear();
    said.length = 0;
    for (const one of folders.splice(0)) rmSync(one, { recursive: true, force: true });
  });

  it('one of two writes; the other takes over when it is cut off, and what comes back writes nothing', async () => {
    const gate = await openGate(server());
    const first = open('two', { env: through(gate.port) });
    want(first, 'notes');
    await expect.poll(() => deployments('two'), PATIENT).toEqual(['notes=1']);
    const second = open('two');
    want(second, 'other');
    await sleep(2 * LEASE_MS);
    expect(deployments('two')).toEqual(['notes=1']);
    await gate.shut();
    await expect.poll(() => deployments('two'), PATIENT).toEqual(['notes=2', 'other=2']);
    await gate.open();
    want(first, 'late');
    await sleep(2 * LEASE_MS);
    expect(deployments('two')).toEqual(['notes=2', 'other=2']);
    expect(lease('two').leaseTransitions).toBe(2);
  });

  it('the next leader finds a project’s namespace by the lease, and nothing is written there behind its back', async () => {
    const gate = await openGate(server());
    const first = open('apart', { env: through(gate.port) });
    installations.add('apart-team');
    want(first, 'notes', 'team');
    await expect.poll(() => deployments('apart-team'), PATIENT).toEqual(['notes=1']);
    const second = open('apart');
    want(second, 'other');
    await sleep(LEASE_MS);
    await gate.shut();
    await expect.poll(() => deployments('apart'), PATIENT).toEqual(['other=2']);
    await expect.poll(() => deployments('apart-team'), PATIENT).toEqual(['notes=2']);
    await gate.open();
    want(first, 'late', 'team');
    want(first, 'later', 'another');
    await sleep(2 * LEASE_MS);
    expect(deployments('apart-team')).toEqual(['notes=2']);
    const namespaces = kubectl('get', 'namespace', '-o', 'name').split('\n');
    expect(namespaces).not.toContain('namespace/mcpctl-apart-another');
  });

  it('a write that was allowed before another took the lead is refused after it', async () => {
    const installation = 'race';
    want(open(installation), 'notes');
    await expect.poll(() => deployments(installation), PATIENT).toEqual(['notes=1']);
    const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const api = createApi(config);
    const name = kubectl('-n', 'mcpctl-race', 'get', 'deployment', '-o', 'jsonpath={.items[0].metadata.name}');
    const path = `/apis/apps/v1/namespaces/mcpctl-race/deployments/${name}`;
    const { resourceVersion: version } = ((await api.get(path)) as { metadata: { resourceVersion: string } }).metadata;
    const stale = fenceWrites(api, { check: async () => 1 });
    const next = fenceWrites(api, { check: async () => 2 });
    await next.merge(path, {}, { version: undefined });
    const refused = { problem: expect.objectContaining({ code: 'KUBE_NOT_LEADING' }) };
    await expect(stale.merge(path, { spec: { replicas: 7 } }, { version })).rejects.toMatchObject(refused);
    await expect(stale.remove(path, { version })).rejects.toMatchObject(refused);
    await next.merge(path, { spec: { replicas: 2 } }, { version });
    expect(kubectl('-n', 'mcpctl-race', 'get', 'deployment', '-o', 'jsonpath={.items[*].spec.replicas}')).toBe('2');
    api.close();
  });

  it.each<[string, string, (one: Asked) => boolean, number]>([
    ['Deployment', 'late-one', patchOf('deployments/late-'), 201],
    ['Secret', 'late-two', patchOf('secrets/late-'), 201],
    ['NetworkPolicy', 'late-three', patchOf('networkpolicies/late-'), 201],
    ['Deployment whose pods are asked for', 'late-four', patchOf('deployments/late-', 2), 409],
  ])('a %s that a leader wrote too late makes nothing run, and is removed', async (_what, name, which, status) => {
    const proxy = await openCountingProxy(cluster);
    const stale = open(name, { env: { KUBECONFIG: fileOf(proxy.kubeconfig) } });
    want(stale, 'notes');
    await expect.poll(() => deployments(name), PATIENT).toEqual(['notes=1']);
    // It asks whether it leads, and is told so: what it sends then comes to the API only when another one leads.
    const held = proxy.hold(which);
    void stale.ensure({ ...spec('late'), env: { WORD: 's3cret' }, secrets: ['s3cret'] });
    await held.there;
    want(open(name), 'notes');
    await expect.poll(() => deployments(name), PATIENT).toEqual(['notes=2']);
    const pods = watchPods(name);
    expect(await held.letGo()).toBe(status);
    const left = () => kubectl('-n', `mcpctl-${name}`, 'get', 'all,secret,networkpolicy', '-o', 'name');
    await expect.poll(left, PATIENT).not.toContain('/late-');
    expect(pods()).not.toContain('/late-');
    proxy.close();
  });

  it('what was removed while another led, and is there still, goes when the lead is taken', async () => {
    const gate = await openGate(server());
    const first = open('left', { env: through(gate.port) });
    want(first, 'notes');
    want(first, 'other');
    await expect.poll(() => deployments('left'), PATIENT).toEqual(['notes=1', 'other=1']);
    const second = open('left');
    want(second, 'notes');
    want(second, 'other');
    await sleep(LEASE_MS / 2);
    await second.remove('other-0');
    expect(deployments('left')).toEqual(['notes=1', 'other=1']);
    await gate.shut();
    await expect.poll(() => deployments('left'), PATIENT).toEqual(['notes=2']);
  });

  it('a process that stops hands over at once, and one that is started again need not wait', async () => {
    const stateDir = folder();
    const long = { leaseMs: 60_000 };
    const first = open('hands', { ...long, stateDir });
    await first.list();
    want(first, 'notes');
    await expect.poll(() => deployments('hands'), PATIENT).toEqual(['notes=1']);
    await first.close({ leave: true });
    expect(lease('hands').holderIdentity).toBe('');
    const second = open('hands', long);
    want(second, 'other');
    await expect.poll(() => deployments('hands'), PATIENT).toEqual(['notes=1', 'other=2']);
    await second.close({ leave: true });
    const third = open('hands', { ...long, stateDir });
    want(third, 'third');
    await expect.poll(() => deployments('hands'), PATIENT).toHaveLength(3);
    // As after `kill -9`: nobody has given anything up.
    const fourth = open('hands', { ...long, stateDir });
    want(fourth, 'fourth');
    await expect.poll(() => deployments('hands'), PATIENT).toEqual(['fourth=4', 'notes=4', 'other=4', 'third=4']);
  });

  it('a clock that is wrong takes nobody’s lead', async () => {
    want(open('clocks'), 'notes');
    await expect.poll(() => deployments('clocks'), PATIENT).toEqual(['notes=1']);
    const ahead = { ...systemClock, now: () => Date.now() + 365 * 86_400_000 };
    want(open('clocks', { clock: ahead }), 'other');
    await sleep(2 * LEASE_MS);
    expect(lease('clocks').leaseTransitions).toBe(1);
    expect(deployments('clocks')).toEqual(['notes=1']);
  });

  it('another repository by the same name is refused', async () => {
    want(open('name'), 'notes');
    await expect.poll(() => deployments('name'), PATIENT).toEqual(['notes=1']);
    expect(await open('name', { follows: 'another' }).ensure(spec('other'))).toMatchObject({
      problem: { code: 'KUBE_NAME_TAKEN', message: expect.stringContaining('another') },
    });
  });

  it('a reader never leads', async () => {
    const reader = open('reader', { readOnly: true });
    want(reader, 'notes');
    await sleep(LEASE_MS);
    expect(kubectl('get', 'namespace', '-o', 'name')).not.toContain('mcpctl-reader');
    want(open('reader'), 'other');
    await expect.poll(() => deployments('reader'), PATIENT).toEqual(['other=1']);
    await sleep(2 * LEASE_MS);
    expect(deployments('reader')).toEqual(['other=1']);
  });
});
