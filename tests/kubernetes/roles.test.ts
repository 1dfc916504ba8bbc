import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

const title = reason === undefined ? 'a reconciler and gateways' : `a reconciler and gateways (skipped: ${reason})`;
const PATIENT = { timeout: 90_000, interval: 500 };

describe.skipIf(!cluster)(title, { timeout: 240_000 }, () => {
  if (!cluster) return;
  const { kubectl, kubeconfig, image } = cluster;
  let folder: string;
  const running: UpProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcpctl-kube-'));
    for (const [path, text] of filesOf(guide)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      // Which process answers shows whether it is the same for all.
      writeFileSync(join(folder, path), text.replace('text: process.env.WORD', 'text: String(process.pid)'));
    }
  });
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
    kubectl('delete', 'namespace', 'mcpctl-roles', '--wait=false', '--ignore-not-found');
    rmSync(folder, { recursive: true, force: true });
  });

  async function up(name: string, roles: string): Promise<UpProcess> {
    const one = await startUp({
      repository: join(folder, 'ai'),
      stateDir: join(folder, name),
      args: ['--roles', roles],
      env: { KUBECONFIG: kubeconfig, MCPCTL_RUNNER_NODE: image, MCPCTL_KUBE_INSTALLATION: 'roles' },
    });
    running.push(one);
    return one;
  }

  const ready = (one: UpProcess) => one.until('it to be Ready', now => condition(now, 'Ready') === 'True', 120_000);

  async function call({ url, token }: UpProcess): Promise<string> {
    const client = new Client({ name: 'test', version: '1' });
    const requestInit = { headers: { authorization: `Bearer ${token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp/team`), { requestInit }));
    const { content } = await client.callTool({ name: 'notes__note', arguments: {} });
    await client.close();
    return JSON.stringify(content);
  }

  it('gateways serve what the reconciler has made, through one connection, and go on without it', async () => {
    const reconciler = await up('reconciler', 'reconciler');
    await ready(reconciler);
    const gateways = [await up('one', 'gateway'), await up('two', 'gateway')];
    await Promise.all(gateways.map(ready));
    const answers = await Promise.all(gateways.map(call));
    expect(new Set(answers).size).toBe(1);
    await expect(call(reconciler)).rejects.toThrow();
    const deployments = () =>
      kubectl('-n', 'mcpctl-roles', 'get', 'deployment', '-o', 'jsonpath={.items[*].metadata.uid}');
    const before = deployments();
    // It held the connection, and says nothing as it goes.
    reconciler.child.kill('SIGKILL');
    await expect
      .poll(
        () =>
          Promise.all(gateways.map(call)).then(
            all => new Set(all).size,
            () => 0,
          ),
        PATIENT,
      )
      .toBe(1);
    expect(deployments()).toBe(before);
    for (const one of gateways) expect(await one.stop()).toBe(0);
    expect(deployments()).toBe(before);
  });
});
