import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startServer } from '../git-server.ts';
import { type TempRepository, tempRepository } from '../temp-repository.ts';
import { goodServer, repositoryYaml, serverYaml, smallRepository } from './catalog.ts';
import { condition, poll, startUp, type UpProcess } from './daemon.ts';

interface Notified {
  type: string;
  message: string;
  revision: { applied?: string };
  repository: { id?: string };
}

let folder: string;
let stateDir: string;
let repository: TempRepository;
let received: Notified[];
let signatures: boolean[];
let url: string;
const cleanUp: (() => unknown)[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-notify-'));
  stateDir = join(folder, 'state');
  repository = tempRepository(smallRepository);
  received = [];
  signatures = [];
  const receiver = await startServer((request, response) => {
    let body = '';
    request.on('data', chunk => {
      body += chunk;
    });
    request.on('end', () => {
      const key = readFileSync(join(stateDir, 'notify-secret'), 'utf8').trim();
      const text = `${request.headers['webhook-id']}.${request.headers['webhook-timestamp']}.${body}`;
      const signature = `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
      signatures.push(signature === request.headers['webhook-signature']);
      received.push(JSON.parse(body));
      response.end();
    });
  });
  cleanUp.push(receiver.close);
  url = `${receiver.url}/hook?key=in-the-address`;
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  repository.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function up(...args: string[]): Promise<UpProcess> {
  const running = await startUp({ repository: repository.bare, stateDir, args: ['--poll', '3600', ...args] });
  cleanUp.push(() => running.stop());
  await running.until('Ready', status => condition(status, 'Ready') === 'True');
  return running;
}

async function push(running: UpProcess, files: Parameters<TempRepository['commit']>[0]): Promise<string> {
  const commit = repository.commit(files);
  const headers = { authorization: `Bearer ${running.token}` };
  await fetch(`${running.url}/api/v1/reconcile`, { method: 'POST', headers });
  return commit;
}

const types = () => received.map(({ type }) => type);

it('tells what is applied, what stalls and what recovers, signed; a restart tells nothing anew', async () => {
  const running = await up('--notify', url);
  await poll('the first commit', 20_000, () => types().includes('applied'));
  await push(running, { 'servers/one.yaml': 'nonsense: true\n' });
  await poll('the stall', 20_000, () => types().includes('stalled'));
  const commit = await push(running, smallRepository);
  await poll('the recovery', 20_000, () => types().includes('recovered'));
  expect(types()).toEqual(['applied', 'applied', 'stalled', 'applied', 'recovered']);
  expect(received.at(-1)).toMatchObject({ repository: { id: 'test' }, revision: { applied: commit } });
  expect(received.find(({ type }) => type === 'stalled')?.message).toContain('server/one');
  expect(signatures.every(Boolean)).toBe(true);
  expect(statSync(join(stateDir, 'notify-secret')).mode & 0o777).toBe(0o600);
  await running.stop();
  const before = received.length;
  const again = await up('--notify', url);
  await push(again, { 'mcpctl.yaml': repositoryYaml, 'servers/two.yaml': serverYaml(['node', '-e', '']) });
  await poll('news', 20_000, () => received.length > before);
  expect(received[before]?.type).toBe('applied');
  expect(again.stderr()).not.toContain('in-the-address');
});

it('a server that fails again and again is told once, and has not recovered while it is tried', async () => {
  const running = await up('--notify', url, '--backoff', '0.2');
  await push(running, {
    'mcpctl.yaml': repositoryYaml,
    'servers/two.yaml': serverYaml(['node', '-e', 'process.exit(3)']),
  });
  await running.until('a fourth try', ({ servers }) => {
    return servers.some(({ instances }) => (instances[0]?.attempt ?? 0) >= 4);
  });
  await push(running, { 'mcpctl.yaml': repositoryYaml, 'servers/two.yaml': goodServer });
  await poll('the recovery', 20_000, () => types().includes('recovered'));
  expect(types().filter(type => type !== 'applied')).toEqual(['degraded', 'recovered']);
});

it('an address in the repository must be a public one', async () => {
  const notifications = `  notifications:\n    - url: ${url.replace('http:', 'https:')}\n      secretRef: { name: hooks, key: signing }\n`;
  const declared = `apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test\n${notifications}`;
  const secret = 'apiVersion: mcpctl.dev/v1\nkind: Secret\nspec: { data: { signing: { generate: {} } } }\n';
  const running = await up();
  const commit = await push(running, { 'mcpctl.yaml': declared, 'secrets/hooks.yaml': secret });
  await running.until('the push', status => status.revision.applied === commit);
  await poll('the refusal', 20_000, () => running.stderr().includes('NOTIFICATION_FAILED'));
  expect(running.stderr()).toContain('not allowed');
  expect(running.stderr()).not.toContain('in-the-address');
  expect(received).toEqual([]);
  expect(condition(await running.status(), 'Ready')).toBe('True');
});

it('a secret that the repository does not have is found before anything is applied', async () => {
  const notifications =
    '  notifications:\n    - url: https://hooks.example.org/\n      secretRef: { name: nosuch, key: x }\n';
  const running = await up();
  const declared = `apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test\n${notifications}`;
  await push(running, { 'mcpctl.yaml': declared });
  await poll('the problem', 20_000, () => running.stderr().includes('REFERENCE_UNRESOLVED'));
  expect(running.stderr()).toContain('mcpctl.yaml:7:26');
});
