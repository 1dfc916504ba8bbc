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

const title = reason === undefined ? 'a namespace for each project' : `a namespace for each project (skipped: ${reason})`;
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
    if (left !== '') kubectl('delete', 'namespace', '--wait=false', ...left.split(' '));
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
    const path = '{range .items[*]}{.metadata.namespace}/{.metadata.labels.mcpctl\\.dev/server}{"\\n"}{end}';
    const where = ['-l', `mcpctl.dev/owner=${name}`, '--field-selector=status.phase=Running', '-o', `jsonpath=${path}`];
    return lines(kubectl('get', 'pods', '-A', ...where));
  }

  function deployments(): string[] {
    const path = '{range .items[*]}{.metadata.namespace}/{.metadata.labels.mcpctl\\.dev/server}{"\\n"}{end}';
    return lines(kubectl('get', 'deployments', '-A', '-l', `mcpctl.dev/owner=${name}`, '-o', `jsonpath=${path}`));
  }

  function lines(text: string): string[] {
    const all = text.split('\n').filter(Boolean);
    return all.map(line => line.replace(`mcpctl-${name}`, '')).sort();
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
  });
});
