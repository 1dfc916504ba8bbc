import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../../host/index.ts';
import {
  type KubernetesRuntimeOptions,
  type LaunchSpec,
  openKubernetesRuntime,
  type Runtime,
  type RuntimeEvent,
} from '../../reconciler/runtimes/index.ts';
import { behaviours } from '../contract/behaviours.ts';
import { startCluster, whyNoCluster } from './cluster.ts';
import { openGate } from './gate.ts';

const reason = whyNoCluster();
const cluster = reason === undefined ? startCluster() : undefined;
afterAll(() => cluster?.stop());

/** What docs/kubernetes.md says that mcpctl may. */
const MAY: { apiGroups: string[]; resources: string[]; verbs: string[] }[] = parse(
  /```yaml\n(rules:\n[\s\S]*?)```/.exec(
    readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'kubernetes.md'), 'utf8'),
  )?.[1] ?? '',
).rules;

const title = reason === undefined ? 'a cluster' : `a cluster (skipped: ${reason})`;

describe.skipIf(!cluster)(title, { timeout: 180_000 }, () => {
  if (!cluster) return;
  const { kubectl, kubeconfig, image } = cluster;
  let stateDir: string;
  let runtime: Runtime;
  let events: RuntimeEvent[];
  const opened: Runtime[] = [];
  const namespaces = new Set<string>();

  function open(env: NodeJS.ProcessEnv = {}, more: Partial<KubernetesRuntimeOptions> = {}): Runtime {
    const all = { KUBECONFIG: kubeconfig, MCPCTL_RUNNER_NODE: image, ...env };
    const one = openKubernetesRuntime({ stateDir, env: all, graceMs: 1_000, ...more });
    opened.push(one);
    return one;
  }

  function namespace(): string {
    const name = `mcpctl-${readFileSync(join(stateDir, 'kubernetes-owner'), 'utf8').slice(0, 12)}`;
    namespaces.add(name);
    return name;
  }

  function spec(more: Partial<LaunchSpec> = {}): LaunchSpec {
    const argv = ['node', '-e', behaviours.echo.script];
    const base = { id: 'notes-0', server: 'notes', ordinal: 0, specDigest: 'sha256:one', argv, env: {} };
    return { ...base, transport: 'stdio', port: 0, path: '/mcp', secrets: [], ...more };
  }

  async function started(more: Partial<LaunchSpec> = {}) {
    const result = await runtime.ensure(spec(more));
    if ('problem' in result) throw new Error(`${result.problem.code}: ${result.problem.message}`);
    return result;
  }

  async function linesOf(id = 'notes-0') {
    const connection = await runtime.connect(id);
    if ('problem' in connection || connection.kind !== 'stdio') throw new Error(JSON.stringify(connection));
    const seen: string[] = [];
    createInterface({ input: connection.stdout }).on('line', line => seen.push(line));
    return { seen, say: (text: string) => void connection.stdin.write(`${text}\n`) };
  }

  beforeEach(() => {
    stateDir = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-kube-')));
    runtime = open();
    events = [];
    runtime.watch(event => events.push(event));
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
    for (const name of namespaces) kubectl('delete', 'namespace', name, '--wait=false', '--ignore-not-found');
    namespaces.clear();
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('writes nothing the second time, nor does the next daemon', async () => {
    await started({ env: { TOKEN: 's3cret' }, secrets: ['s3cret'] });
    const versions = () =>
      kubectl(
        '-n',
        namespace(),
        'get',
        'deployment,secret,networkpolicy',
        '-l',
        'mcpctl.dev/server',
        '-o',
        'jsonpath={.items[*].metadata.resourceVersion}',
      );
    const generation = () =>
      kubectl('-n', namespace(), 'get', 'deployment', '-o', 'jsonpath={.items[*].metadata.generation}');
    const before = [
      generation(),
      kubectl(
        '-n',
        namespace(),
        'get',
        'secret,networkpolicy',
        '-l',
        'mcpctl.dev/server',
        '-o',
        'jsonpath={.items[*].metadata.resourceVersion}',
      ),
    ];
    expect(versions()).not.toBe('');
    await started({ env: { TOKEN: 's3cret' }, secrets: ['s3cret'] });
    await runtime.close({ leave: true });
    const next = open();
    expect(await next.ensure(spec({ env: { TOKEN: 's3cret' }, secrets: ['s3cret'] }))).toMatchObject({ adopted: true });
    expect([
      generation(),
      kubectl(
        '-n',
        namespace(),
        'get',
        'secret,networkpolicy',
        '-l',
        'mcpctl.dev/server',
        '-o',
        'jsonpath={.items[*].metadata.resourceVersion}',
      ),
    ]).toEqual(before);
  });

  it('rolls when a secret has another value, and keeps it out of every description', async () => {
    const env = { TOKEN: 's3cret' };
    await started({ env, secrets: ['s3cret'] });
    const first = kubectl('-n', namespace(), 'get', 'pod', '-l', 'mcpctl.dev/instance=notes-0', '-o', 'name');
    expect(kubectl('-n', namespace(), 'get', 'deployment,pod,replicaset', '-o', 'yaml')).not.toContain('s3cret');
    await started({ env: { TOKEN: 'other1' }, secrets: ['other1'] });
    expect(await runtime.exec('notes-0', ['sh', '-c', 'echo $TOKEN'], { timeoutMs: 20_000 })).toMatchObject({
      stdout: 'other1\n',
    });
    const pods = kubectl('-n', namespace(), 'get', 'pod', '-l', 'mcpctl.dev/instance=notes-0', '-o', 'name').split(
      '\n',
    );
    expect(pods).not.toEqual([first]);
    const secrets = () => kubectl('-n', namespace(), 'get', 'secret', '-l', 'mcpctl.dev/server=notes', '-o', 'name');
    expect(secrets()).toMatch(/-v2$/);
    await runtime.remove('notes-0');
    expect(secrets()).toBe('');
  });

  it('tells in the kubelet’s words that an image cannot be pulled', async () => {
    const result = await runtime.ensure(spec({ image: 'registry.invalid/nothing:1' }));
    expect(result).toMatchObject({ problem: { code: 'IMAGE_MISSING', resource: 'server/notes' } });
    expect(JSON.stringify(result)).toMatch(/ErrImagePull|ImagePullBackOff/);
    namespace();
  });

  it('tells in the kubelet’s words that an image would run as root', async () => {
    const result = await runtime.ensure(spec({ image }));
    expect(result).toMatchObject({ problem: { code: 'KUBE_POD_FAILING' } });
    expect(JSON.stringify(result)).toMatch(/non-root|run as root/i);
    namespace();
  });

  it('leaves a crash loop to the cluster, and tells it in its words', async () => {
    for (;;) {
      const result = await runtime.ensure(spec({ argv: ['node', '-e', behaviours.fail.script] }));
      if ('problem' in result) {
        expect(result.problem).toMatchObject({
          code: 'KUBE_POD_FAILING',
          message: expect.stringMatching(/CrashLoopBackOff: .*back-off/),
        });
        break;
      }
      expect(await result.exited).toMatchObject({ code: 3, lastLine: 'last' });
    }
    expect(
      kubectl('-n', namespace(), 'get', 'pod', '-o', 'jsonpath={.items[*].status.containerStatuses[0].restartCount}'),
    ).toMatch(/^[1-9]$/);
  });

  it('tells that a quota is used up, and goes on when there is room', async () => {
    await started();
    kubectl('-n', namespace(), 'create', 'quota', 'small', '--hard=pods=1');
    while (!kubectl('-n', namespace(), 'get', 'quota', 'small', '-o', 'jsonpath={.status.used.pods}')) await sleep(100);
    const second = spec({ id: 'notes-1', ordinal: 1 });
    expect(await runtime.ensure(second)).toMatchObject({
      problem: { code: 'KUBE_QUOTA', message: expect.stringContaining('exceeded quota') },
    });
    kubectl('-n', namespace(), 'delete', 'quota', 'small');
    for (let tries = 0; 'problem' in (await runtime.ensure(second)); tries++) {
      expect(tries).toBeLessThan(60);
      await sleep(1_000);
    }
  });

  it('names the rule that is missing', async () => {
    const result = await open({ KUBECONFIG: kubeconfigFor({ as: 'nobody' }) }).ensure(spec());
    expect(result).toMatchObject({
      problem: {
        code: 'KUBE_FORBIDDEN',
        hint: expect.stringMatching(
          /Missing rule of a Role in .*resources: \["(pods|deployments)"\], verbs: \["list"\]/,
        ),
      },
    });
  });

  it('says that credentials are not accepted', async () => {
    const result = await open({ KUBECONFIG: kubeconfigFor({ token: 'expired' }, { replace: true }) }).ensure(spec());
    expect(result).toMatchObject({ problem: { code: 'KUBE_CREDENTIALS' } });
  });

  it.each([
    ['watch', 'pods', ''],
    ['patch', 'deployments', 'apps'],
    ['patch', 'networkpolicies', 'networking.k8s.io'],
    ['create', 'leases', 'coordination.k8s.io'],
    ['get', 'pods/exec', ''],
  ])('names the rule that is missing: %s of %s', async (verb, resource, group) => {
    await started();
    await runtime.remove('notes-0');
    await runtime.close();
    rmSync(join(stateDir, 'kubernetes.json'));
    kubectl('-n', namespace(), 'delete', 'lease', '--all');
    const without = (verbs: string[]) => verbs.filter(one => one !== verb);
    const rules = MAY.map(rule => (rule.resources.includes(resource) ? { ...rule, verbs: without(rule.verbs) } : rule));
    const account = kubeconfigFor({ token: accountToken(rules) }, { replace: true });
    const few = open({ KUBECONFIG: account, MCPCTL_KUBE_NAMESPACE: namespace() });
    const rule = `{apiGroups: ["${group}"], resources: ["${resource}"], verbs: ["${verb}"]}`;
    const hint = `Missing rule of a Role in ${namespace()}: ${rule}`;
    // That nothing may be watched turns out a moment later.
    await expect
      .poll(() => few.ensure(spec()), { timeout: 20_000, interval: 500 })
      .toMatchObject({ problem: { code: 'KUBE_FORBIDDEN', hint } });
  });

  it('asks for new credentials when they expire, says when they are not accepted, and goes on when they are', async () => {
    const { token } = JSON.parse(kubectl('config', 'view', '--raw', '-o', 'json')).users[0].user;
    const [plugin, tokenFile, asked] = ['plugin', 'token', 'asked'].map(name => join(stateDir, name)) as [
      string,
      string,
      string,
    ];
    // As those of the clouds do: each token is good for a moment.
    const said = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s",';
    const until = '"expirationTimestamp":"%s"}}';
    const lines = [
      '#!/bin/sh',
      `echo x >>${asked}`,
      `printf '${said}${until}' "$(cat ${tokenFile})" "$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)"`,
    ];
    writeFileSync(plugin, `${lines.join('\n')}\n`, { mode: 0o755 });
    writeFileSync(tokenFile, token);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' };
    runtime = open({ KUBECONFIG: kubeconfigFor({ exec }, { replace: true }), PATH: process.env.PATH });
    await started();
    const count = () => readFileSync(asked, 'utf8').length;
    const before = count();
    await sleep(4_000);
    const other = (id: string) => runtime.ensure(spec({ id: `${id}-0`, server: id }));
    expect(await other('second')).not.toHaveProperty('problem');
    expect(count()).toBeGreaterThan(before);
    writeFileSync(tokenFile, 'expired');
    await sleep(4_000);
    expect(await other('third')).toMatchObject({ problem: { code: 'KUBE_CREDENTIALS' } });
    writeFileSync(tokenFile, token);
    await expect.poll(() => other('third'), { timeout: 60_000, interval: 1_000 }).not.toHaveProperty('problem');
    expect((await linesOf()).seen).toBeDefined();
  });

  it.each([
    ['ahead of', 3_600_000],
    ['behind', -3_600_000],
  ])('tells that a clock is %s the cluster’s, and works all the same', async (way, by) => {
    runtime = open({}, { clock: { ...systemClock, now: () => Date.now() + by } });
    const { caveats } = await started();
    expect(caveats).toMatchObject([
      { code: 'KUBE_CLOCK', message: expect.stringMatching(`this machine is (3599|3600|3601) s ${way}`) },
    ]);
    const { seen, say } = await linesOf();
    say('on time');
    await expect.poll(() => seen, { timeout: 20_000 }).toContain('on time');
  });

  it('says that a context is not there', async () => {
    const result = await open({ MCPCTL_KUBE_CONTEXT: 'nowhere' }).ensure(spec());
    expect(result).toMatchObject({ problem: { code: 'KUBE_CONTEXT', message: expect.stringContaining('nowhere') } });
  });

  it('refuses another cluster under the same context', async () => {
    await started();
    namespace();
    await runtime.close();
    const file = join(stateDir, 'kubernetes.json');
    const pin = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...pin, cluster: 'another' }), { mode: 0o600 });
    expect(await open().ensure(spec())).toMatchObject({ problem: { code: 'KUBE_CLUSTER_CHANGED' } });
  });

  it('waits for a namespace that is being deleted, and makes it anew', async () => {
    await started();
    kubectl('delete', 'namespace', namespace(), '--wait=false');
    const codes = new Set<string>();
    for (;;) {
      const result = await runtime.ensure(spec({ specDigest: 'sha256:two' }));
      if (!('problem' in result)) break;
      codes.add(result.problem.code);
      await sleep(300);
    }
    expect([...codes]).toContain('KUBE_NAMESPACE_ENDING');
  });

  it('does not touch what is somebody else’s', async () => {
    await started();
    const [deployment = ''] = kubectl(
      '-n',
      namespace(),
      'get',
      'deployment',
      '-o',
      'jsonpath={.items[*].metadata.name}',
    ).split(' ');
    await runtime.remove('notes-0');
    kubectl('-n', namespace(), 'create', 'deployment', deployment, `--image=${image}`, '--replicas=0');
    expect(await runtime.ensure(spec())).toMatchObject({
      problem: { code: 'KUBE_OBJECT_FOREIGN', message: expect.stringContaining(deployment) },
    });
    await runtime.close();
    expect(
      kubectl(
        '-n',
        namespace(),
        'get',
        'deployment',
        '-o',
        'jsonpath={.items[*].spec.template.spec.containers[0].image}',
      ),
    ).toBe(image);
  });

  it('refuses the namespace of another installation', async () => {
    await started();
    const name = namespace();
    const other = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-kube-')));
    expect(await open({ MCPCTL_KUBE_NAMESPACE: name }, { stateDir: other }).ensure(spec())).toMatchObject({
      problem: { code: 'KUBE_OBJECT_FOREIGN', message: expect.stringContaining('another installation') },
    });
    rmSync(other, { recursive: true, force: true });
  });

  it('tells who scaled a Deployment, and puts it right', async () => {
    await started();
    const deployment = kubectl('-n', namespace(), 'get', 'deployment', '-o', 'name');
    kubectl('-n', namespace(), 'patch', deployment, '-p', '{"spec":{"replicas":3}}');
    while (!events.some(({ type }) => type === 'changed')) await sleep(50);
    expect(events[0]).toMatchObject({
      type: 'changed',
      id: 'notes-0',
      reason: expect.stringMatching(/\/spec\/replicas is 3, not 1 \(changed by kubectl.*\)/),
    });
    expect(await runtime.list()).toMatchObject([
      { id: 'notes-0', adoptable: false, why: expect.stringContaining('/spec/replicas') },
    ]);
    await started();
    expect(kubectl('-n', namespace(), 'get', deployment, '-o', 'jsonpath={.spec.replicas}')).toBe('1');
    expect(events.map(event => event.reason).join()).toMatch(/kubectl\S* has \.spec\.replicas: taken back/);
  });

  it('ends one of several, and not another', async () => {
    const first = await started();
    const second = await started({ id: 'notes-1', ordinal: 1 });
    await started({ id: 'notes-2', ordinal: 2 });
    await runtime.remove('notes-1');
    await second.exited;
    expect((await runtime.list()).map(({ id }) => id).sort()).toEqual(['notes-0', 'notes-2']);
    expect(await started()).toBe(first);
    expect(kubectl('-n', namespace(), 'get', 'deployment', '-o', 'jsonpath={.items[*].spec.replicas}')).toBe('2');
    expect(events).toEqual([]);
  });

  it('goes on when the API was gone for a minute, and nothing was restarted', async () => {
    const api = await openGate(server());
    runtime = open({ KUBECONFIG: kubeconfigFor({}, { server: `https://127.0.0.1:${api.port}` }) });
    runtime.watch(event => events.push(event));
    await started();
    const pods = () =>
      kubectl(
        '-n',
        namespace(),
        'get',
        'pod',
        '-o',
        'jsonpath={.items[*].metadata.name} {.items[*].status.containerStatuses[0].restartCount}',
      );
    const before = pods();
    await api.shut();
    expect(await runtime.ensure(spec({ id: 'other-0', server: 'other' }))).toMatchObject({
      problem: { code: 'RUNTIME_UNREACHABLE' },
    });
    await sleep(60_000);
    await api.open();
    while (!events.some(({ type }) => type === 'returned')) await sleep(50);
    const { seen, say } = await linesOf();
    say('still there');
    while (!seen.includes('still there')) await sleep(50);
    expect(pods()).toBe(before);
    expect(events.filter(({ type }) => type !== 'returned')).toEqual([]);
  });

  it('tells that a pod was evicted', async () => {
    const first = await started();
    const pod = kubectl('-n', namespace(), 'get', 'pod', '-o', 'jsonpath={.items[0].metadata.name}');
    const eviction = JSON.stringify({
      apiVersion: kubectl('api-versions').split('\n').includes('policy/v1') ? 'policy/v1' : 'policy/v1beta1',
      kind: 'Eviction',
      metadata: { name: pod, namespace: namespace() },
    });
    const file = join(stateDir, 'eviction.json');
    writeFileSync(file, eviction);
    kubectl('create', '--raw', `/api/v1/namespaces/${namespace()}/pods/${pod}/eviction`, '-f', file);
    expect(await first.exited).toMatchObject({ signal: expect.stringMatching(/^SIG/) });
    expect(await started()).not.toBe(first);
    expect((await linesOf()).seen).toBeDefined();
  });

  it('leaves alone what a Server ignores, and tells of it no more', async () => {
    const ignoreFields = ['/spec/replicas'];
    const first = await started({ ignoreFields });
    const deployment = kubectl('-n', namespace(), 'get', 'deployment', '-o', 'name');
    const replicas = () => kubectl('-n', namespace(), 'get', deployment, '-o', 'jsonpath={.spec.replicas}');
    kubectl('-n', namespace(), 'patch', deployment, '-p', '{"spec":{"replicas":2}}');
    await expect
      .poll(() => runtime.list(), { timeout: 20_000 })
      .toMatchObject([
        {
          id: 'notes-0',
          adoptable: false,
          differs: [{ field: '/spec/replicas', why: expect.stringMatching(/kubectl/) }],
        },
      ]);
    expect(await started({ ignoreFields })).toBe(first);
    expect(replicas()).toBe('2');
    await started();
    expect(replicas()).toBe('1');
  });

  it.skipIf(!cluster.kubelet)('tells that a node does not answer, and goes on when it does', async () => {
    const first = await started();
    cluster.kubelet?.('SIGSTOP');
    try {
      expect(await first.exited).toMatchObject({ reason: expect.stringMatching(/its node \S+ does not answer/) });
      const result = await runtime.ensure(spec());
      expect(JSON.stringify(result)).toMatch(/NodeLost|does not answer|Unschedulable/);
    } finally {
      cluster.kubelet?.('SIGCONT');
    }
    await expect.poll(async () => 'problem' in (await runtime.ensure(spec())), { timeout: 120_000 }).toBe(false);
    expect((await linesOf()).seen).toBeDefined();
  });

  function server(): URL {
    return new URL(JSON.parse(kubectl('config', 'view', '--raw', '-o', 'json')).clusters[0].cluster.server);
  }

  /** An account in the namespace that may do no more than this. @returns its token */
  function accountToken(rules: typeof MAY): string {
    const within = (...args: string[]) => kubectl('-n', namespace(), ...args);
    const file = join(stateDir, 'role.json');
    const metadata = { name: 'few', namespace: namespace() };
    writeFileSync(file, JSON.stringify({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules }));
    kubectl('apply', '-f', file);
    within('create', 'serviceaccount', 'few');
    within('create', 'rolebinding', 'few', '--role=few', `--serviceaccount=${namespace()}:few`);
    const token = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    writeFileSync(file, JSON.stringify(token));
    const path = `/api/v1/namespaces/${namespace()}/serviceaccounts/few/token`;
    return JSON.parse(kubectl('create', '--raw', path, '-f', file)).status.token;
  }

  /** The same cluster, for a user who is known otherwise. */
  function kubeconfigFor(user: Record<string, unknown>, options: { replace?: boolean; server?: string } = {}): string {
    const config = JSON.parse(kubectl('config', 'view', '--raw', '-o', 'json'));
    if (options.server !== undefined) config.clusters[0].cluster.server = options.server;
    config.users[0].user = options.replace === true ? user : { ...config.users[0].user, ...user };
    const file = join(stateDir, 'kubeconfig');
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  }
});
