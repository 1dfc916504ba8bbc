import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type LaunchSpec, openKubernetesRuntime, type Runtime } from '../../reconciler/runtimes/index.ts';
import { behaviours } from '../contract/behaviours.ts';
import { startCluster, whyNoCluster } from './cluster.ts';

const reason = whyNoCluster();
const cluster = reason === undefined ? startCluster() : undefined;
afterAll(() => cluster?.stop());

const guide = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'kubernetes.md'), 'utf8');
/** What docs/kubernetes.md says that mcpctl may. */
const MAY: object[] = parse(/```yaml\n(rules:\n[\s\S]*?)```/.exec(guide)?.[1] ?? '').rules;
const MAY_LOOK = { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] };

const title = reason === undefined ? 'projects apart' : `projects apart (skipped: ${reason})`;
const PATIENT = { timeout: 60_000, interval: 300 };

describe.skipIf(!cluster)(title, { timeout: 180_000 }, () => {
  if (!cluster) return;
  const { kubectl, kubeconfig, image } = cluster;
  let stateDir: string;
  let home: string;
  let count = 0;
  const opened: Runtime[] = [];

  beforeEach(() => {
    stateDir = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-kube-')));
    // One that was deleted goes on ending for a while.
    home = `mcpctl-trouble-${process.pid}-${count++}`;
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close({ leave: true });
    const namespaces = kubectl('get', 'namespace', '-o', 'jsonpath={.items[*].metadata.name}').split(' ');
    const ours = namespaces.filter(name => name.startsWith(`mcpctl-trouble-${process.pid}-`));
    if (ours.length > 0) kubectl('delete', 'namespace', '--wait=false', '--ignore-not-found', ...ours);
    rmSync(stateDir, { recursive: true, force: true });
  });

  function open(env: NodeJS.ProcessEnv = {}): Runtime {
    const installation = home.slice('mcpctl-'.length);
    const all = { KUBECONFIG: kubeconfig, MCPCTL_RUNNER_NODE: image, MCPCTL_KUBE_INSTALLATION: installation, ...env };
    const one = openKubernetesRuntime({ stateDir, env: all, graceMs: 1_000 });
    opened.push(one);
    return one;
  }

  function spec(server: string, project?: string, digest = 'one'): LaunchSpec {
    const argv = ['node', '-e', behaviours.echo.script];
    const base = { id: `${server}-0`, server, ordinal: 0, specDigest: `${project} ${digest}`, argv, env: {} };
    return { ...base, ...(project && { project }), transport: 'stdio', port: 0, path: '/mcp', secrets: [] };
  }

  /** @returns the code of its problem, or that it runs */
  async function outcome(runtime: Runtime, one: LaunchSpec): Promise<string> {
    const result = await runtime.ensure(one);
    return 'problem' in result ? result.problem.code : 'runs';
  }

  /** Those of the home namespace, or of a project's. */
  function deployments(project?: string): string {
    const namespace = project === undefined ? home : `${home}-${project}`;
    return kubectl(
      '-n',
      namespace,
      'get',
      'deployments',
      '-o',
      'jsonpath={.items[*].metadata.labels.mcpctl\\.dev/server}',
    );
  }

  /** The leader's, where there is one. */
  function lease(): { metadata: { name: string; uid: string; annotations: Record<string, string> } } | undefined {
    const text = kubectl('-n', home, 'get', 'lease', home, '--ignore-not-found', '-o', 'json');
    return text === '' ? undefined : JSON.parse(text);
  }

  /** What a platform prepares for a project. */
  function prepare(project: string, account: string): void {
    const namespace = `${home}-${project}`;
    kubectl('create', 'namespace', namespace);
    kubectl('label', 'namespace', namespace, `mcpctl.dev/owner=${home.slice('mcpctl-'.length)}`);
    grant(namespace, account);
  }

  function grant(namespace: string, account: string): void {
    const file = join(stateDir, 'role.json');
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'few', namespace } };
    writeFileSync(file, JSON.stringify({ ...role, rules: [...MAY, MAY_LOOK] }));
    kubectl('apply', '-f', file);
    kubectl('-n', namespace, 'create', 'rolebinding', 'few', '--role=few', `--serviceaccount=${account}`);
  }

  /** The same cluster, for an account that may only what is granted. */
  function accountFor(namespace: string): string {
    kubectl('create', 'namespace', namespace);
    kubectl('-n', namespace, 'create', 'serviceaccount', 'few');
    grant(namespace, `${namespace}:few`);
    const file = join(stateDir, 'kubeconfig');
    writeFileSync(file, JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }));
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/few/token`;
    const { token } = JSON.parse(kubectl('create', '--raw', path, '-f', file)).status;
    const config = JSON.parse(kubectl('config', 'view', '--raw', '-o', 'json'));
    config.users[0].user = { token };
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  }

  it('a namespace that may not be used stalls only its own servers, and names the rule that is missing', async () => {
    const account = accountFor(home);
    prepare('good', `${home}:few`);
    const runtime = open({ KUBECONFIG: account, MCPCTL_KUBE_NAMESPACE: home });
    const bad = `${home}-bad`;
    const rule = '{apiGroups: [""], resources: ["namespaces"], verbs: ["get"]}';
    expect(await runtime.ensure(spec('b', 'bad'))).toMatchObject({
      problem: { code: 'KUBE_FORBIDDEN', hint: `Missing rule of a Role in ${bad}: ${rule}` },
    });
    expect(await outcome(runtime, spec('a'))).toBe('runs');
    expect(await outcome(runtime, spec('g', 'good'))).toBe('runs');
    prepare('bad', `${home}:few`);
    await expect.poll(() => outcome(runtime, spec('b', 'bad')), PATIENT).toBe('runs');
    kubectl('-n', bad, 'delete', 'rolebinding', 'few');
    await expect.poll(() => outcome(runtime, spec('b', 'bad', 'two')), PATIENT).toBe('KUBE_FORBIDDEN');
    expect(await outcome(runtime, spec('g', 'good', 'two'))).toBe('runs');
    // What is on the lease is there again when somebody has deleted it, though namespaces may not be listed.
    const { name, uid } = lease()?.metadata ?? {};
    kubectl('-n', home, 'delete', 'lease', `${name}`);
    await expect.poll(() => lease()?.metadata.uid, PATIENT).toMatch(new RegExp(`^(?!${uid})`));
    expect(lease()?.metadata.annotations['mcpctl.dev/projects']).toBe('bad,good');
  });

  it('a namespace that somebody else has made is not touched, until it is given to mcpctl', async () => {
    const runtime = open();
    const theirs = `${home}-theirs`;
    kubectl('create', 'namespace', theirs);
    const label = `mcpctl.dev/owner=${home.slice('mcpctl-'.length)}`;
    expect(await runtime.ensure(spec('t', 'theirs'))).toMatchObject({
      problem: {
        code: 'KUBE_OBJECT_FOREIGN',
        hint: `To give it to mcpctl: kubectl label namespace ${theirs} ${label}`,
      },
    });
    expect(kubectl('-n', theirs, 'get', 'serviceaccount', '-o', 'jsonpath={.items[*].metadata.name}')).toBe('default');
    expect(await outcome(runtime, spec('a'))).toBe('runs');
    kubectl('label', 'namespace', theirs, label);
    expect(await outcome(runtime, spec('t', 'theirs'))).toBe('runs');
  });

  it('a namespace that is being deleted is waited for, and nobody else', async () => {
    const runtime = open();
    expect([await outcome(runtime, spec('a')), await outcome(runtime, spec('e', 'ending'))]).toEqual(['runs', 'runs']);
    kubectl('delete', 'namespace', `${home}-ending`, '--wait=false');
    await expect.poll(() => outcome(runtime, spec('e', 'ending', 'two')), PATIENT).toBe('KUBE_NAMESPACE_ENDING');
    expect(await outcome(runtime, spec('a', undefined, 'two'))).toBe('runs');
    await expect.poll(() => outcome(runtime, spec('e', 'ending', 'two')), PATIENT).toBe('runs');
  });

  it('a name that is too long is told, and stalls only its own', async () => {
    home = `${home}-${'x'.repeat(50)}`.slice(0, 45);
    const runtime = open({ MCPCTL_KUBE_NAMESPACE: home, MCPCTL_KUBE_INSTALLATION: 'long' });
    const project = 'a-project-of-many-words';
    expect(await runtime.ensure(spec('l', project))).toMatchObject({
      problem: { code: 'KUBE_NAMESPACE_NAME', message: expect.stringContaining(`${home}-${project}`) },
    });
    kubectl('create', 'namespace', home);
    expect(await outcome(runtime, spec('a'))).toBe('runs');
  });

  it('finds what it made when the namespace for all, and the lease in it, are gone', async () => {
    const first = open();
    expect([await outcome(first, spec('a')), await outcome(first, spec('o', 'team'))]).toEqual(['runs', 'runs']);
    await opened.pop()?.close({ leave: true });
    kubectl('delete', 'namespace', home);
    const next = open();
    // Nobody leads, and nothing can be written, before the namespace is there again.
    await next.remove('o-0');
    expect(deployments('team')).toBe('o');
    expect(await outcome(next, spec('a'))).toBe('runs');
    await expect.poll(() => deployments('team'), PATIENT).toBe('');
    expect(deployments()).toBe('a');
  });

  it('what was to be removed, or moved, where nobody could look goes when it can be looked at', async () => {
    const env = { KUBECONFIG: accountFor(home), MCPCTL_KUBE_NAMESPACE: home };
    prepare('team', `${home}:few`);
    const first = open(env);
    for (const one of [spec('a'), spec('o', 'team'), spec('m', 'team')]) expect(await outcome(first, one)).toBe('runs');
    await opened.pop()?.close({ leave: true });
    kubectl('-n', `${home}-team`, 'delete', 'rolebinding', 'few');
    const next = open(env);
    await next.remove('o-0');
    for (const one of [spec('a'), spec('m')]) expect(await outcome(next, one)).toBe('runs');
    expect(deployments('team')).toBe('m o');
    grant(`${home}-team`, `${home}:few`);
    await expect.poll(() => deployments('team'), PATIENT).toBe('');
    expect(deployments()).toBe('a m');
  });

  it('what is copied into another namespace, labels and all, is not taken for ours', async () => {
    const runtime = open();
    expect([await outcome(runtime, spec('a')), await outcome(runtime, spec('o', 'team'))]).toEqual(['runs', 'runs']);
    const copy = JSON.parse(kubectl('-n', `${home}-team`, 'get', 'deployment', '-o', 'json')).items[0];
    const { name, labels, annotations } = copy.metadata;
    const file = join(stateDir, 'copy.json');
    const metadata = { name, labels, annotations, namespace: home };
    writeFileSync(file, JSON.stringify({ ...copy, metadata, spec: { ...copy.spec, replicas: 0 }, status: undefined }));
    kubectl('create', '-f', file);
    expect((await runtime.list()).map(({ id, adoptable }) => `${id} ${adoptable}`)).toEqual(['a-0 true', 'o-0 true']);
    await runtime.remove('o-0');
    await expect.poll(() => deployments('team'), PATIENT).toBe('');
    expect(deployments()).toBe('a o');
  });
});
