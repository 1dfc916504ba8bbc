import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../host/index.ts';
import { type LaunchSpec, openKubernetesRuntime, type Runtime } from '../../reconciler/runtimes/index.ts';
import { startCluster, whyNoCluster } from './cluster.ts';

const root = join(import.meta.dirname, '..', '..');
const reason = whyNoCluster();
const cluster = reason === undefined ? startCluster({ pods: false }) : undefined;
afterAll(() => cluster?.stop());

const title = reason === undefined ? 'mcpctl itself in a cluster' : `mcpctl itself in a cluster (skipped: ${reason})`;
const REPOSITORY = 'https://git.example.com/ai.git';

describe.skipIf(!cluster)(title, { timeout: 60_000 }, () => {
  if (!cluster) return;
  const { kubectl, kubeconfig } = cluster;
  let folder: string;
  let team: string;
  let count = 0;

  beforeEach(() => {
    // One that was deleted goes on ending for a while.
    team = `team-${process.pid}-${count++}`;
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-kube-')));
  });
  afterEach(() => {
    const all = kubectl('get', 'namespace', '-o', 'jsonpath={.items[*].metadata.name}').split(' ');
    const ours = all.filter(name => name === team || name.startsWith(`${team}-`));
    if (ours.length > 0) kubectl('delete', 'namespace', '--wait=false', '--ignore-not-found', ...ours);
    const roles = ['mcpctl', team].flatMap(of =>
      ['reconciler', 'gateway'].flatMap(who =>
        ['clusterrole', 'clusterrolebinding'].map(kind => `${kind}/${of}-${who}`),
      ),
    );
    kubectl('delete', '--ignore-not-found', ...roles);
    rmSync(folder, { recursive: true, force: true });
  });

  function mcpctl(...args: string[]) {
    const env = { PATH: process.env.PATH, HOME: folder, KUBECONFIG: kubeconfig };
    return spawnSync(process.execPath, [join(root, 'cli', 'mcpctl.mjs'), ...args], { env, encoding: 'utf8' });
  }

  /** A kubeconfig of one of mcpctl's own accounts. */
  function accountFile(account: string): string {
    const file = join(folder, `${account}.json`);
    writeFileSync(file, JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }));
    const path = `/api/v1/namespaces/${team}/serviceaccounts/${account}/token`;
    const { token } = JSON.parse(kubectl('create', '--raw', path, '-f', file)).status;
    const config = JSON.parse(kubectl('config', 'view', '--raw', '-o', 'json'));
    config.users[0].user = { token };
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  }

  function spec(project: string): LaunchSpec {
    const base = { id: `${project}-server-0`, server: `${project}-server`, ordinal: 0, specDigest: project, project };
    return { ...base, argv: ['node'], env: {}, transport: 'stdio', port: 0, path: '/mcp', secrets: [] };
  }

  async function problemOf(ensured: ReturnType<Runtime['ensure']>): Promise<string> {
    const result = await ensured;
    return 'problem' in result ? result.problem.code : 'runs';
  }

  function may(account: string, ...what: string[]): string {
    const who = `--as=system:serviceaccount:${team}:${account}`;
    const { stdout } = spawnSync('kubectl', ['auth', 'can-i', ...what, '-n', team, who], {
      env: { PATH: process.env.PATH, HOME: folder, KUBECONFIG: kubeconfig },
      encoding: 'utf8',
    });
    return stdout.trim();
  }

  function kustomized(deployment: string): string {
    const overlay = { namespace: team, resources: [relative(folder, join(root, 'docs', 'deploy', deployment))] };
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(overlay));
    return kubectl('kustomize', folder);
  }

  it.each<[string, () => string]>([
    [
      'what it prints',
      () => {
        const { stdout, status } = mcpctl('bootstrap', 'kubernetes', REPOSITORY, '--namespace', team, '--dry-run');
        expect(status).toBe(0);
        return stdout;
      },
    ],
    ['the kustomize base, in another namespace', () => kustomized('kubernetes')],
    ['the overlay for projects, in another namespace', () => kustomized('kubernetes-projects')],
  ])('%s is accepted by the API', (_what, print) => {
    const text = print();
    const hasPolicy = kubectl('api-versions').split('\n').includes('policy/v1');
    const file = join(folder, 'all.yaml');
    writeFileSync(file, hasPolicy ? text : text.replace('policy/v1', 'policy/v1beta1'));
    const applied = kubectl('apply', '--server-side', '-f', file).split('\n');
    expect(applied.every(line => line.endsWith('serverside-applied'))).toBe(true);
    expect(applied).toHaveLength(text.split(/^---$/m).length);
    expect(kubectl('-n', team, 'get', 'deployment', '-o', 'jsonpath={.items[*].metadata.name}')).toBe(
      'mcpctl-gateway mcpctl-reconciler',
    );
  });

  it('applies it, for as many gateways as are wanted, and the second time changes nothing', () => {
    const args = ['bootstrap', 'kubernetes', REPOSITORY, '--namespace', team, '--name', 'team', '--gateways', '3'];
    const first = mcpctl(...args, '--image', 'example.com/mcpctl:1');
    expect(`${first.stderr}${first.status}`).toMatch(/applied in context [\s\S]*0$/);
    const versions = () =>
      kubectl('-n', team, 'get', 'cm,role,rolebinding,sa,pdb,pvc', '-o', 'jsonpath={.items[*].metadata.uid}') +
      kubectl('-n', team, 'get', 'deployment', '-o', 'jsonpath={.items[*].metadata.generation}');
    const before = versions();
    expect(mcpctl(...args, '--image', 'example.com/mcpctl:1').status).toBe(0);
    expect(versions()).toBe(before);
    const deployment = JSON.parse(kubectl('-n', team, 'get', 'deployment', 'mcpctl-gateway', '-o', 'json')).spec;
    const [container] = deployment.template.spec.containers;
    expect(deployment.replicas).toBe(3);
    expect(container.image).toBe('example.com/mcpctl:1');
    expect(container.env).toContainEqual({ name: 'MCPCTL_KUBE_INSTALLATION', value: 'team' });
    expect(kubectl('-n', team, 'get', 'cm', 'mcpctl', '-o', 'jsonpath={.data.repository}')).toBe(REPOSITORY);
    expect(kubectl('-n', team, 'get', 'pdb', 'mcpctl-gateway', '-o', 'jsonpath={.spec.minAvailable}')).toBe('1');
  });

  it('a gateway may attach, and change nothing; nobody may do anything elsewhere', () => {
    expect(mcpctl('bootstrap', 'kubernetes', REPOSITORY, '--namespace', team).status).toBe(0);
    const rights = (account: string) =>
      [
        ['create', 'pods', '--subresource=attach'],
        ['create', 'pods', '--subresource=exec'],
        ['update', 'leases'],
        ['patch', 'deployments'],
        ['delete', 'pods'],
        ['get', 'secrets'],
        ['get', 'secrets/mcpctl-peers-mcpctl'],
        ['list', 'secrets'],
        ['list', 'nodes'],
        ['create', 'clusterroles'],
      ].filter(what => may(account, ...what) === 'yes');
    expect(rights('mcpctl-gateway').map(what => what.join(' '))).toEqual([
      'create pods --subresource=attach',
      'create pods --subresource=exec',
      'update leases',
      'get secrets/mcpctl-peers-mcpctl',
    ]);
    expect(rights('mcpctl-reconciler').map(what => what.join(' '))).toEqual([
      'create pods --subresource=attach',
      'create pods --subresource=exec',
      'update leases',
      'patch deployments',
      'delete pods',
      'get secrets',
      'get secrets/mcpctl-peers-mcpctl',
    ]);
  });

  it.each([
    ['are prepared', 'notes,sales', ['notes', 'sales'], 'KUBE_FORBIDDEN'],
    ['mcpctl makes itself', '*', [], undefined],
  ])(
    'namespaces of projects that %s are what both accounts may work in',
    async (_how, projects, prepared, elsewhere) => {
      const args = ['bootstrap', 'kubernetes', REPOSITORY, '--namespace', team, '--name', 'team'];
      expect(mcpctl(...args, '--project-namespaces', projects).status).toBe(0);
      const namespaces = () => kubectl('get', 'namespace', '-o', 'jsonpath={.items[*].metadata.name}').split(' ');
      expect(namespaces().filter(name => name.startsWith(`${team}-`))).toEqual(prepared.map(name => `${team}-${name}`));
      const env = { MCPCTL_KUBE_NAMESPACE: team, MCPCTL_KUBE_INSTALLATION: 'team', MCPCTL_RUNNER_NODE: 'node' };
      const open = (account: string, readOnly: boolean) =>
        openKubernetesRuntime({
          stateDir: mkdtempSync(join(folder, account)),
          env: { ...env, KUBECONFIG: accountFile(account) },
          readOnly,
        });
      const reconciler = open('mcpctl-reconciler', false);
      const first = problemOf(reconciler.ensure(spec('notes')));
      const other = problemOf(reconciler.ensure(spec('other')));
      const made = (project: string) =>
        kubectl('-n', `${team}-${project}`, 'get', 'deployment', '-o', 'jsonpath={.items[*].spec.replicas}');
      await expect.poll(() => namespaces().includes(`${team}-notes`) && made('notes'), { timeout: 30_000 }).toBe('1');
      if (elsewhere === undefined) await expect.poll(() => made('other'), { timeout: 30_000 }).toBe('1');
      else expect(await other).toBe(elsewhere);
      // A gateway that may not look there would say so at once.
      const gateway = open('mcpctl-gateway', true);
      const read = problemOf(gateway.ensure(spec('notes')));
      expect(await Promise.race([read, systemClock.sleep(3_000)])).toBeUndefined();
      for (const runtime of [reconciler, gateway]) await runtime.close({ leave: true });
      // Nothing runs without nodes, and nothing is waited for any more.
      expect(await first).toMatch(/^(SERVER_EXITED|KUBE_POD_FAILING)$/);
      expect(await read).toBe('SERVER_EXITED');
      expect(may('mcpctl-gateway', 'create', 'leases', '-n', `${team}-notes`)).toBe('yes');
      expect(may('mcpctl-gateway', 'delete', 'pods', '-n', `${team}-notes`)).toBe('no');
      expect(may('mcpctl-reconciler', 'delete', 'namespaces')).toBe('no');
    },
  );

  it('says what keeps it from applying', () => {
    expect(mcpctl('bootstrap', 'kubernetes').status).toBe(2);
    kubectl('create', 'namespace', team);
    kubectl('-n', team, 'create', 'configmap', 'mcpctl', '--from-literal=repository=another');
    const { status, stderr } = mcpctl('bootstrap', 'kubernetes', REPOSITORY, '--namespace', team);
    expect(`${status} ${stderr}`).toMatch(/^1 [\s\S]*KUBE_CONFLICT/);
    expect(stderr).toMatch(/ConfigMap mcpctl: kubectl\S* has \.data\.repository/);
  });
});
