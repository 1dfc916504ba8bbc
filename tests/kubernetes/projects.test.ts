import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { condition, startUp, type UpProcess } from '../e2e/daemon.ts';
import { startCluster, whyNoCluster } from './cluster.ts';

const reason = whyNoCluster();
const cluster = reason === undefined ? startCluster() : undefined;
afterAll(() => cluster?.stop());

const title =
  reason === undefined ? 'a namespace for each project' : `a namespace for each project (skipped: ${reason})`;
const PATIENT = { timeout: 90_000, interval: 500 };

/** Answers each call with the host that it runs on, over stdio or, where it is given a port, over HTTP. */
const SERVER = `
const tools = [{ name: 'where', description: 'Says where it runs', inputSchema: { type: 'object' } }];
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'where', version: '1.0.0' },
  }),
  'tools/list': () => ({ tools }),
  'tools/call': () => ({ content: [{ type: 'text', text: require('os').hostname() }] }),
  ping: () => ({}),
};
function answer(text) {
  const { id, method, params } = JSON.parse(text);
  if (id === undefined) return undefined;
  const found = answers[method];
  const error = { code: -32601, message: 'no such method' };
  return JSON.stringify({ jsonrpc: '2.0', id, ...(found ? { result: found(params) } : { error }) });
}
if (process.env.PORT) {
  require('http').createServer((request, response) => {
    let body = '';
    request.on('data', chunk => (body += chunk)).on('end', () => {
      if (request.method !== 'POST') return response.writeHead(405).end();
      const said = answer(body);
      if (said === undefined) return response.writeHead(202).end();
      response.writeHead(200, { 'content-type': 'application/json' }).end(said);
    });
  }).listen(process.env.PORT);
} else {
  require('readline').createInterface({ input: process.stdin }).on('line', line => {
    const said = answer(line);
    if (said !== undefined) console.log(said);
  });
}
process.on('SIGTERM', () => process.exit(0));
`;

const NAMESPACE_AND_SERVER =
  '{range .items[*]}{.metadata.namespace}/{.metadata.labels.mcpctl\\.dev/server}{"\\n"}{end}';

describe.skipIf(!cluster)(title, { timeout: 240_000 }, () => {
  if (!cluster) return;
  const { kubectl, kubeconfig, image } = cluster;
  let folder: string;
  let name: string;
  let count = 0;
  const running: UpProcess[] = [];

  beforeEach(() => {
    // One that was deleted goes on ending for a while.
    name = `apart-${process.pid}-${count++}`;
    folder = mkdtempSync(join(tmpdir(), 'mcpctl-kube-'));
    policy('project');
    server('one', 'stdio');
    server('two', 'streamable-http');
    server('both', 'stdio');
    project('first', ['one', 'both']);
    project('second', ['two', 'both']);
  });
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
    const where = ['get', 'namespace', '-l', 'mcpctl.dev/owner', '-o', 'jsonpath={.items[*].metadata.name}'];
    const left = kubectl(...where);
    if (left !== '') kubectl('delete', 'namespace', '--wait=false', '--ignore-not-found', ...left.split(' '));
    rmSync(folder, { recursive: true, force: true });
  });

  function declare(path: string, kind: string, spec: object): void {
    const file = join(folder, 'ai', path);
    mkdirSync(dirname(file), { recursive: true });
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ apiVersion: 'mcpctl.dev/v1', kind, metadata: { description: kind }, spec }));
  }

  function policy(namespaces: 'repository' | 'project'): void {
    const file = join(folder, 'ai', 'mcpctl.yaml');
    mkdirSync(dirname(file), { recursive: true });
    const spec = { id: 'example.com.ai', kubernetes: { namespaces } };
    writeFileSync(file, JSON.stringify({ apiVersion: 'mcpctl.dev/v1', kind: 'Repository', spec }));
  }

  function server(server: string, transport: string): void {
    const command = { command: ['node', '-e'], args: [SERVER] };
    declare(`servers/${server}.yaml`, 'Server', { transport, runtime: 'kubernetes', strategy: 'rolling', ...command });
  }

  function project(project: string, servers: string[]): void {
    declare(`projects/${project}/project.yaml`, 'Project', { servers });
  }

  async function up(state: string, ...args: string[]): Promise<UpProcess> {
    const one = await startUp({
      repository: join(folder, 'ai'),
      stateDir: join(folder, state),
      args,
      env: { KUBECONFIG: kubeconfig, MCPCTL_RUNNER_NODE: image, MCPCTL_KUBE_INSTALLATION: name },
    });
    running.push(one);
    return one;
  }

  const ready = (one: UpProcess) => one.until('it to be Ready', now => condition(now, 'Ready') === 'True', 120_000);

  async function reconciled(daemon: UpProcess): Promise<void> {
    const authorization = `Bearer ${daemon.token}`;
    const answer = await fetch(`${daemon.url}/api/v1/reconcile`, { method: 'POST', headers: { authorization } });
    expect(answer.ok).toBe(true);
  }

  /** `namespace/server` of each pod, without what the installation's name begins with. */
  function pods(): string[] {
    const where = [
      '-l',
      `mcpctl.dev/owner=${name}`,
      '--field-selector=status.phase=Running',
      '-o',
      `jsonpath=${NAMESPACE_AND_SERVER}`,
    ];
    return lines(kubectl('get', 'pods', '-A', ...where));
  }

  function deployments(): string[] {
    return lines(
      kubectl('get', 'deployments', '-A', '-l', `mcpctl.dev/owner=${name}`, '-o', `jsonpath=${NAMESPACE_AND_SERVER}`),
    );
  }

  function uids(): string {
    return kubectl('get', 'pods', '-A', '-l', `mcpctl.dev/owner=${name}`, '-o', 'jsonpath={.items[*].metadata.uid}');
  }

  /** Where the next leader will look. */
  function projectsOnLease(): string {
    const path = 'jsonpath={.metadata.annotations.mcpctl\\.dev/projects}';
    return kubectl('-n', `mcpctl-${name}`, 'get', 'lease', `mcpctl-${name}`, '-o', path);
  }

  function lines(text: string): string[] {
    const all = text.split('\n').filter(Boolean);
    const ours = all.filter(line => line.startsWith(`mcpctl-${name}`));
    return ours.map(line => line.replace(`mcpctl-${name}`, '')).sort();
  }

  /** @returns where each server that a project has says that it runs */
  async function call({ url, token }: UpProcess, project: string): Promise<Record<string, string>> {
    const client = new Client({ name: 'test', version: '1' });
    const requestInit = { headers: { authorization: `Bearer ${token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp/${project}`), { requestInit }));
    const { tools } = await client.listTools();
    const found: Record<string, string> = {};
    for (const { name: tool } of tools.filter(one => one.name.endsWith('__where'))) {
      const { content } = await client.callTool({ name: tool, arguments: {} });
      found[tool.replace('__where', '')] = (content as { text: string }[])[0]?.text ?? '';
    }
    await client.close();
    return found;
  }

  const APART = ['-first/one', '-second/two', '/both'];

  it('runs what one project has in its namespace, and what two have in the one for all', async () => {
    const daemon = await up('state');
    await ready(daemon);
    expect(pods()).toEqual(APART);
    expect(deployments()).toEqual(APART);
    const [first, second] = [await call(daemon, 'first'), await call(daemon, 'second')];
    expect(Object.keys(first)).toEqual(['both', 'one']);
    expect(Object.keys(second)).toEqual(['both', 'two']);
    expect(first.both).toBe(second.both);
    const of = (kind: string) =>
      lines(
        kubectl(
          'get',
          kind,
          '-A',
          '-l',
          `mcpctl.dev/owner=${name},mcpctl.dev/project`,
          '-o',
          `jsonpath=${NAMESPACE_AND_SERVER}`,
        ),
      );
    expect(of('networkpolicies')).toEqual(['-first/one', '-second/two']);
    expect(of('services')).toEqual(['-second/two']);
  });

  it('a server moves when another project links it, and when the policy changes, without anything left', async () => {
    const daemon = await up('state');
    await ready(daemon);
    project('second', ['one', 'two', 'both']);
    await reconciled(daemon);
    await expect.poll(deployments, PATIENT).toEqual(['-second/two', '/both', '/one']);
    await ready(daemon);
    expect(Object.keys(await call(daemon, 'second'))).toEqual(['both', 'one', 'two']);
    policy('repository');
    await reconciled(daemon);
    await expect.poll(deployments, PATIENT).toEqual(['/both', '/one', '/two']);
    await ready(daemon);
    expect(Object.keys(await call(daemon, 'second'))).toEqual(['both', 'one', 'two']);
    project('second', ['two', 'both']);
    policy('project');
    await reconciled(daemon);
    await expect.poll(deployments, PATIENT).toEqual(APART);
    await ready(daemon);
    expect(Object.keys(await call(daemon, 'first'))).toEqual(['both', 'one']);
  });

  it('a daemon that is started again adopts what it finds, and removes what nobody wants any more', async () => {
    await ready(await up('state'));
    const before = uids();
    expect(await running.pop()?.stop()).toBe(0);
    const again = await up('state');
    await ready(again);
    expect(uids()).toEqual(before);
    expect(await again.stop()).toBe(0);
    // Nobody names the second project’s namespace any more.
    policy('repository');
    rmSync(join(folder, 'ai', 'servers', 'two.yaml'));
    project('second', ['both']);
    const last = await up('state');
    await ready(last);
    await expect.poll(deployments, PATIENT).toEqual(['/both', '/one']);
    expect(projectsOnLease()).toBe('first,second');
    // What was deleted is listed for a while.
    const listed = () => kubectl('-n', `mcpctl-${name}-second`, 'get', 'pods', '-o', 'name');
    await expect.poll(listed, PATIENT).toBe('');
    await expect.poll(() => kubectl('-n', `mcpctl-${name}-first`, 'get', 'pods', '-o', 'name'), PATIENT).toBe('');
    expect(await last.stop()).toBe(0);
    await ready(await up('state'));
    expect(projectsOnLease()).toBe('');
  });

  it('gateways share one connection to a server in a project’s namespace, and go on without the reconciler', async () => {
    const reconciler = await up('reconciler', '--roles', 'reconciler');
    await ready(reconciler);
    const gateways = [await up('a', '--roles', 'gateway'), await up('b', '--roles', 'gateway')];
    await Promise.all(gateways.map(ready));
    const [a, b] = await Promise.all(gateways.map(gateway => call(gateway, 'first')));
    expect(Object.keys(a ?? {})).toEqual(['both', 'one']);
    expect(a).toEqual(b);
    const claims = () =>
      lines(
        kubectl(
          'get',
          'lease',
          '-A',
          '-o',
          'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\\n"}{end}',
        ),
      )
        .filter(lease => lease.includes('/mcpctl-pod-'))
        .map(lease => lease.replace(/mcpctl-pod-(\w+)-.*/, '$1'));
    expect(claims()).toEqual(['-first/one', '/both']);
    reconciler.child.kill('SIGKILL');
    const answers = () => Promise.all(gateways.map(gateway => call(gateway, 'first'))).catch(() => []);
    await expect.poll(answers, PATIENT).toEqual([a, a]);
    // Nobody has handed over: the next one knows of all namespaces by the lease alone.
    policy('repository');
    const next = await up('next', '--roles', 'reconciler');
    await ready(next);
    await expect.poll(deployments, PATIENT).toEqual(['/both', '/one', '/two']);
    await Promise.all(gateways.map(reconciled));
    await Promise.all(gateways.map(ready));
    await expect
      .poll(() => answers().then(all => all.map(one => Object.keys(one))), PATIENT)
      .toEqual([
        ['both', 'one'],
        ['both', 'one'],
      ]);
  });
});
