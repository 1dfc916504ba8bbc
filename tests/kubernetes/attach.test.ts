import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type KubernetesRuntimeOptions,
  type LaunchSpec,
  openKubernetesRuntime,
  type Runtime,
} from '../../reconciler/runtimes/index.ts';
import { clientEnv } from '../docker/client.ts';
import { startCluster, whyNoCluster } from './cluster.ts';

const noCluster = whyNoCluster();
const cluster = noCluster === undefined ? startCluster() : undefined;
afterAll(() => cluster?.stop());
// Images are made on the node itself: there is no registry.
const reason = noCluster ?? (cluster?.dockerHost === undefined ? 'the node’s Docker is not known' : undefined);
const title = reason === undefined ? 'what pods are spoken with' : `what pods are spoken with (skipped: ${reason})`;

const PATIENT = { timeout: 60_000, interval: 300 };

/** Answers each request with its process, and says on stderr what it was asked. */
const SERVER = `require('readline').createInterface({ input: process.stdin }).on('line', line => {
  const { id, method } = JSON.parse(line);
  console.error(method);
  if (method === 'end') process.exit(4);
  console.log(JSON.stringify({ jsonrpc: '2.0', id, result: { method, pid: process.pid, word: process.env.WORD } }));
}); process.on('SIGTERM', () => process.exit(0));`;

describe.skipIf(reason !== undefined)(title, { timeout: 180_000 }, () => {
  if (!cluster || reason !== undefined) return;
  const { kubectl, kubeconfig, image, dockerHost = '' } = cluster;
  const docker = {
    run: (...args: string[]) =>
      execFileSync('docker', args, { env: clientEnv(dockerHost), encoding: 'utf8', stdio: 'pipe' }).trim(),
  };
  const opened: Runtime[] = [];
  const folders: string[] = [];

  function folder(): string {
    const made = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-kube-')));
    folders.push(made);
    return made;
  }

  function open(name: string, more: Partial<KubernetesRuntimeOptions> = {}): Runtime {
    const env = { KUBECONFIG: kubeconfig, MCPCTL_RUNNER_NODE: image, MCPCTL_KUBE_INSTALLATION: name };
    const runtime = openKubernetesRuntime({ stateDir: folder(), env, graceMs: 1_000, ...more });
    opened.push(runtime);
    return runtime;
  }

  function spec(more: Partial<LaunchSpec> = {}): LaunchSpec {
    const base = { id: 'notes-0', server: 'notes', ordinal: 0, specDigest: 'sha256:one', argv: [SERVER] };
    return { ...base, env: { WORD: 'noted' }, transport: 'stdio', port: 0, path: '/mcp', secrets: [], ...more };
  }

  async function started(runtime: Runtime, more: Partial<LaunchSpec> = {}) {
    const result = await runtime.ensure(spec(more));
    if ('problem' in result) throw new Error(`${result.problem.code}: ${result.problem.message}`);
    return result;
  }

  /** Ask the instance through a connection of its own. */
  async function line(runtime: Runtime) {
    const connection = await runtime.connect('notes-0');
    if ('problem' in connection || connection.kind !== 'stdio') throw new Error(JSON.stringify(connection));
    const answers: { id: unknown; result: { pid: number; method: string; word: string } }[] = [];
    let ended = false;
    const lines = createInterface({ input: connection.stdout });
    lines
      .on('line', text => answers.push(JSON.parse(text)))
      .on('close', () => {
        ended = true;
      });
    return {
      async ask(id: unknown, method = 'who') {
        connection.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method })}\n`);
        await expect.poll(() => answers.find(answer => answer.id === id), PATIENT).toBeDefined();
        return answers.find(answer => answer.id === id)?.result;
      },
      say: (method: string) => void connection.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method })}\n`),
      ended: () => ended,
      answers,
    };
  }

  beforeAll(() => {
    const context = folder();
    const lines = [`FROM ${image}`, 'USER 1000:1000', 'ENTRYPOINT ["node", "-e"]'];
    writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
    docker.run('build', '-q', '--network', 'none', '-t', 'local/stdio:1', context);
  });

  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close({ leave: true });
    const where = ['get', 'namespace', '-l', 'mcpctl.dev/owner', '-o', 'jsonpath={.items[*].metadata.name}'];
    const left = kubectl(...where);
    if (left !== '') kubectl('delete', 'namespace', '--wait=false', '--ignore-not-found', ...left.split(' '));
    for (const one of folders.splice(0)) rmSync(one, { recursive: true, force: true });
  });

  it('an image’s first process is attached to, its entrypoint kept, and again after its container was restarted', async () => {
    const runtime = open('image');
    const first = await started(runtime, { image: 'local/stdio:1' });
    const speaking = await line(runtime);
    expect(await speaking.ask(1)).toMatchObject({ pid: 1, word: 'noted' });
    const container = (path: string) =>
      kubectl('-n', 'mcpctl-image', 'get', 'pod', '-o', `jsonpath={.items[0].spec.containers[0].${path}}`);
    expect([container('stdin'), container('command')]).toEqual(['true', '']);
    await expect.poll(() => first.logs(), PATIENT).toEqual(['who']);
    speaking.say('end');
    expect(await first.exited).toMatchObject({ code: 4, lastLine: 'end' });
    expect(speaking.ended()).toBe(true);
    const second = await started(runtime, { image: 'local/stdio:1' });
    expect(second).not.toBe(first);
    expect(await (await line(runtime)).ask(2)).toMatchObject({ pid: 1 });
  });

  it.each([
    ['image', { image: 'local/stdio:1' }],
    ['command', { argv: ['node', '-e', SERVER] }],
  ])('several processes speak with one server, which is attached to once: by its %s', async (what, more) => {
    const leader = open(`shared-${what}`, { leaseMs: 6_000 });
    await started(leader, more);
    const first = await line(leader);
    const reader = open(`shared-${what}`, { readOnly: true, leaseMs: 6_000 });
    await started(reader, more);
    const second = await line(reader);
    const [a, b] = [await first.ask(1), await second.ask(1)];
    expect(a?.pid).toBe(b?.pid);
    expect([first.answers, second.answers].map(answers => answers.length)).toEqual([1, 1]);
    const holders = () =>
      kubectl('-n', `mcpctl-shared-${what}`, 'get', 'lease', '-o', 'name')
        .split('\n')
        .filter(name => name.includes('/mcpctl-pod-'));
    expect(holders()).toHaveLength(1);
    // The one that is attached goes; the other one takes its place.
    await leader.close({ leave: true });
    await expect.poll(() => second.ended(), PATIENT).toBe(true);
    await started(reader, more);
    expect(await (await line(reader)).ask(2)).toMatchObject({ method: 'who' });
    expect(holders()).toHaveLength(1);
  });
});
