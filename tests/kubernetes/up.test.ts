import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { condition, startUp, type UpProcess } from '../e2e/daemon.ts';
import { filesOf } from '../guide.ts';
import { startCluster, whyNoCluster } from './cluster.ts';

const root = join(import.meta.dirname, '..', '..');
const guide = readFileSync(join(root, 'docs', 'kubernetes.md'), 'utf8');
const reason = whyNoCluster();
const cluster = reason === undefined ? startCluster() : undefined;
afterAll(() => cluster?.stop());

const title = reason === undefined ? 'servers in a cluster' : `servers in a cluster (skipped: ${reason})`;
const CALL_EVERY_MS = 20;

describe.skipIf(!cluster)(title, { timeout: 180_000 }, () => {
  if (!cluster) return;
  const { kubectl, kubeconfig, image } = cluster;
  const env = { KUBECONFIG: kubeconfig, MCPCTL_RUNNER_NODE: image };
  let folder: string;
  let running: UpProcess | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcpctl-kube-'));
    for (const [path, text] of filesOf(guide)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const mcpctl = join(folder, 'mcpctl');
    writeFileSync(mcpctl, `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'cli', 'mcpctl.mjs')}" "$@"\n`);
    chmodSync(mcpctl, 0o755);
  });
  afterEach(async () => {
    await running?.stop();
    running = undefined;
    const left = kubectl('get', 'namespace', '-l', 'mcpctl.dev/owner', '-o', 'jsonpath={.items[*].metadata.name}');
    if (left !== '') kubectl('delete', 'namespace', '--wait=false', '--ignore-not-found', ...left.split(' '));
    rmSync(folder, { recursive: true, force: true });
  });

  async function up(...args: string[]): Promise<UpProcess> {
    running = await startUp({ repository: join(folder, 'ai'), stateDir: join(folder, 'state'), env, args });
    await running.until('everything to be Ready', status => condition(status, 'Ready') === 'True', 120_000);
    return running;
  }

  /** Not that of a test before, which is still being deleted. */
  function namespace(): string {
    return `mcpctl-${readFileSync(join(folder, 'state', 'kubernetes-owner'), 'utf8').slice(0, 12)}`;
  }

  function pods(): string[] {
    const where = ['-n', namespace(), '-l', 'mcpctl.dev/instance'];
    return kubectl('get', 'pods', ...where, '-o', 'jsonpath={.items[*].metadata.name}')
      .split(' ')
      .filter(Boolean);
  }

  function edit(before: string, after: string): void {
    const file = join(folder, 'ai', 'servers', 'notes.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(before, after));
    shell('mcpctl reconcile --state-dir state');
  }

  function shell(command: string): { output: string; code: number | null } {
    const all = { ...process.env, ...env, PATH: `${folder}:${process.env.PATH}` };
    const { stdout, stderr, status } = spawnSync('bash', ['-c', command], { cwd: folder, env: all, encoding: 'utf8' });
    return { output: stdout + stderr, code: status };
  }

  it('a daemon that stops leaves its pods, and the next one adopts them', async () => {
    const first = await up();
    const before = pods();
    expect(before).toHaveLength(1);
    expect(await first.stop()).toBe(0);
    await up();
    expect(pods()).toEqual(before);
  });

  it('replaces a server without a failed call, at 50 calls a second', async () => {
    const daemon = await up();
    const client = new Client({ name: 'test', version: '1' });
    const requestInit = { headers: { authorization: `Bearer ${daemon.token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${daemon.url}/mcp/team`), { requestInit }));
    const answers = new Map<string, number>();
    const calls: Promise<void>[] = [];
    const call = () =>
      client.callTool({ name: 'notes__note', arguments: {} }).then(
        ({ content }) => JSON.stringify(content),
        (error: unknown) => `failed: ${error}`,
      );
    const count = (answer: string) => void answers.set(answer, (answers.get(answer) ?? 0) + 1);
    const before = pods();
    edit('value: noted', 'value: kept');
    const isNew = () => [...answers.keys()].some(answer => answer.includes('kept'));
    while (!isNew() || pods().some(pod => before.includes(pod))) {
      for (let i = 0; i < 25; i++) {
        calls.push(call().then(count));
        await sleep(CALL_EVERY_MS);
      }
      expect(calls.length).toBeLessThan(5_000);
    }
    await Promise.all(calls);
    await client.close();
    expect([...answers.keys()].filter(answer => answer.startsWith('failed'))).toEqual([]);
    expect(answers.size).toBe(2);
  });

  it('puts right what somebody scaled, and what somebody deleted', async () => {
    const daemon = await up();
    const [pod = ''] = pods();
    kubectl('-n', namespace(), 'delete', 'pod', pod, '--wait=false');
    await expect.poll(() => pods().some(name => name !== pod), { timeout: 60_000 }).toBe(true);
    await expect.poll(() => daemon.stderr(), { timeout: 60_000 }).toMatch(/SERVER_EXITED|deleted its pod/);
    await daemon.until('everything to be Ready', status => condition(status, 'Ready') === 'True');
    const deployment = kubectl('-n', namespace(), 'get', 'deployment', '-o', 'name');
    kubectl('-n', namespace(), 'patch', deployment, '-p', '{"spec":{"replicas":3}}');
    const replicas = () => kubectl('-n', namespace(), 'get', 'deployment', '-o', 'jsonpath={.items[*].spec.replicas}');
    await expect.poll(replicas, { timeout: 60_000 }).toBe('1');
    expect(daemon.stderr()).toMatch(/replicas is 3, not 1 \(changed by kubectl/);
  });

  it('tells what somebody scaled, and leaves it as it is, where drift is only to be reported', async () => {
    const daemon = await up('--drift', 'report');
    const before = pods();
    const deployment = kubectl('-n', namespace(), 'get', 'deployment', '-o', 'jsonpath={.items[*].metadata.name}');
    const replicas = () => kubectl('-n', namespace(), 'get', 'deployment', '-o', 'jsonpath={.items[*].spec.replicas}');
    const scale = (to: number) =>
      kubectl('-n', namespace(), 'patch', 'deployment', deployment, '-p', JSON.stringify({ spec: { replicas: to } }));
    scale(2);
    const told = await daemon.until('it to be told', status => JSON.stringify(status).includes('/spec/replicas'));
    expect(JSON.stringify(told.servers)).toMatch(/replicas is 2, not 1 \(changed by kubectl/);
    shell('mcpctl reconcile --state-dir state');
    await daemon.until('the pass to end', status => condition(status, 'Reconciling') !== 'True');
    expect(replicas()).toBe('2');
    expect(pods()).toEqual(expect.arrayContaining(before));
    scale(1);
    await daemon.until('nothing to be told', status => !JSON.stringify(status.servers).includes('/spec/replicas'));
  });

  it('tells why a server does not come up, in the kubelet’s words', async () => {
    const daemon = await up();
    edit('command: [node, -e]\n  args:', `image: registry.invalid/notes@sha256:${'0'.repeat(64)}\n  args:`);
    const told = await daemon.until('it to be told', status =>
      status.problems.some(({ code }) => code === 'IMAGE_MISSING'),
    );
    expect(told.problems.find(({ code }) => code === 'IMAGE_MISSING')?.message).toMatch(
      /ErrImagePull|ImagePullBackOff/,
    );
    expect(condition(told.servers[0] ?? told, 'Ready')).toBe('False');
  });
});
