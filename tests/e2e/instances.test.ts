import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { freePort } from '../../host/index.ts';
import type { InstanceDetail, Status } from '../../reconciler/index.ts';
import { mcpctl } from '../command-line.ts';
import { type Files, type TempRepository, tempRepository } from '../temp-repository.ts';
import { projectYaml, repositoryYaml, serverYaml } from './catalog.ts';
import { condition, poll, startUp, type UpProcess } from './daemon.ts';

const moody = join(import.meta.dirname, '..', 'fixtures', 'servers', 'moody.mjs');

// Real daemons and real servers, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let stateDir: string;
let repository: TempRepository;
const cleanUp: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-instances-'));
  stateDir = join(folder, 'state');
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  rmSync(folder, { recursive: true, force: true });
});

/** How the server of this name behaves from now on. */
function mood(server: string, words: string): void {
  writeFileSync(join(folder, server), words);
}

function server(name: string, extra = '', answer = name): string {
  return serverYaml(['node', moody, join(folder, name), answer], extra);
}

function files(servers: Record<string, string>): Files {
  const entries = Object.entries(servers).map(([name, yaml]) => [`servers/${name}.yaml`, yaml]);
  return {
    'mcpctl.yaml': repositoryYaml,
    'projects/demo/project.yaml': projectYaml(...Object.keys(servers)),
    ...Object.fromEntries(entries),
  };
}

async function up(servers: Record<string, string>, args: string[] = [], env: Record<string, string> = {}) {
  repository = tempRepository(files(servers));
  cleanUp.push(() => repository.remove());
  return again(args, env);
}

/** Start a daemon on the same repository and state. */
async function again(args: string[] = [], env: Record<string, string> = {}): Promise<UpProcess> {
  const running = await startUp({ repository: repository.bare, stateDir, args: ['--poll', '0.2', ...args], env });
  cleanUp.push(() => running.stop());
  return running;
}

/** The command line, told which daemon is meant. */
async function tell(...args: string[]) {
  const outcome = await mcpctl([...args, '--state-dir', stateDir], { cwd: folder });
  expect(outcome.code, outcome.stderr).toBe(0);
  return outcome;
}

async function detail(id: string): Promise<InstanceDetail> {
  return JSON.parse((await tell('describe', 'instance', id, '-o', 'json')).stdout) as InstanceDetail;
}

const serverOf = (status: Status, name: string) => {
  const found = status.servers.find(one => one.name === name);
  if (!found) throw new Error(`no server ${name}`);
  return found;
};
/** None while the server is not known yet. */
const instancesOf = ({ servers }: Status, name: string) => servers.find(one => one.name === name)?.instances ?? [];

async function isReady(running: UpProcess): Promise<Status> {
  return running.until('Ready', status => condition(status, 'Ready') === 'True');
}

async function connect({ url, token }: UpProcess): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${url}/mcp/demo`), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  );
  cleanUp.push(() => client.close());
  return client;
}

async function call(client: Client, name: string, args: Record<string, unknown> = {}): Promise<string> {
  const { content } = await client.callTool({ name, arguments: args });
  return (content as { text: string }[])[0]?.text ?? '';
}

it('waits for its next try over kill -9 of the daemon, counts on, and shows it', async () => {
  mood('bad', 'exit');
  const args = ['--backoff', '1,300'];
  const first = await up({ bad: server('bad') }, args);
  await first.until('the long wait', status => {
    const [instance] = instancesOf(status, 'bad');
    return instance?.state === 'Error' && instance.attempt === 2;
  });
  const before = await detail('bad-0');
  expect(before).toMatchObject({
    server: 'bad',
    status: { state: 'Error', reason: 'StartFailing', attempt: 2, problem: { code: 'SERVER_EXITED' } },
    failures: 2,
  });
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');

  const second = await again(args);
  const status = await second.until('the wait to go on', ({ servers }) => servers[0]?.instances[0]?.state === 'Error');
  expect(instancesOf(status, 'bad')[0]).toMatchObject({
    attempt: 2,
    lastAttemptAt: before.status.lastAttemptAt,
    nextRetryAt: before.status.nextRetryAt,
    problem: { message: 'bad-0 exited with code 3; its last line: I had enough' },
  });
  const { stdout } = await tell('describe', 'instance', 'bad-0');
  expect(stdout).toMatch(/^Attempt: +2$/m);
  expect(stdout).toContain(`Next retry:       ${before.status.nextRetryAt}`);
  expect(stdout).toMatch(/^Error: +bad-0 exited with code 3; its last line: I had enough \[SERVER_EXITED\]$/m);

  mood('bad', 'ok');
  await tell('reconcile', '--now');
  expect(instancesOf(await isReady(second), 'bad')[0]).toMatchObject({ state: 'Running', attempt: 0 });
});

it('waits as mcpctl.yaml says, unless --backoff says otherwise', async () => {
  mood('bad', 'exit');
  repository = tempRepository({
    ...files({ bad: server('bad') }),
    'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec: {id: test, backoffSeconds: [0.5, 300]}\n',
  });
  cleanUp.push(() => repository.remove());
  const first = await again();
  const status = await first.until('the long wait', status => {
    const [instance] = instancesOf(status, 'bad');
    return instance?.state === 'Error' && instance.attempt === 2;
  });
  expect(status.backoff).toEqual({ seconds: [0.5, 300], from: 'mcpctl.yaml' });
  const { lastAttemptAt = '', nextRetryAt = '' } = instancesOf(status, 'bad')[0] ?? {};
  // 300 s ± 10 % from when the try had failed; a daemon that is not told waits 30 s.
  expect(Date.parse(nextRetryAt) - Date.parse(lastAttemptAt)).toBeGreaterThanOrEqual(270_000);
  expect((await tell('status')).stdout).toMatch(/^backoff +0\.5, 300 s after failing starts, as mcpctl\.yaml says$/m);
  await first.stop();

  const second = await again(['--backoff', '0.3']);
  const after = await second.until('a third and a fourth try', ({ servers }) => {
    return (servers[0]?.instances[0]?.attempt ?? 0) >= 4;
  });
  expect(after.backoff).toEqual({ seconds: [0.3], from: '--backoff' });
});

it('a new revision of a server that waits is tried at once', async () => {
  mood('bad', 'exit');
  const running = await up({ bad: server('bad') }, ['--backoff', '300']);
  await running.until('the wait', ({ servers }) => servers[0]?.instances[0]?.state === 'Error');
  mood('bad', 'ok');
  repository.commit({ 'servers/bad.yaml': server('bad', '', 'better') });
  const client = await connect(running);
  await isReady(running);
  expect(await call(client, 'bad__who')).toMatch(/^better/);
});

it('a crash loop shows as such, and quotes the last line', async () => {
  const running = await up({ loop: server('loop') }, ['--backoff', '300']);
  for (const restarts of [1, 2]) {
    await isReady(running);
    const [instance] = instancesOf(await running.status(), 'loop');
    process.kill(instance?.pid ?? 0, 'SIGKILL');
    await running.until('the restart', ({ servers }) => servers[0]?.instances[0]?.restarts === restarts);
  }
  const status = await running.until('the loop', ({ servers }) => servers[0]?.instances[0]?.reason === 'CrashLoop');
  expect(serverOf(status, 'loop').conditions).toContainEqual(
    expect.objectContaining({ type: 'Ready', status: 'False', reason: 'CrashLoop' }),
  );
  expect((await tell('status')).stdout).toMatch(/loop-0 +False +Error \(CrashLoop\) +2 +loop-0 was ended by SIGKILL/m);
});

it('a server that is killed works again in the same session', async () => {
  const running = await up({ one: server('one') });
  await isReady(running);
  const client = await connect(running);
  const [, pid] = (await call(client, 'one__who')).split(' ');
  process.kill(Number(pid), 'SIGKILL');
  await poll('another process to answer', 10_000, async () => {
    const answer = await call(client, 'one__who').catch(() => '');
    return answer.startsWith('one ') && answer !== `one ${pid}`;
  });
});

it('an external server has an instance, which is there again when the server is', async () => {
  const port = await freePort();
  const start = () => {
    const program = join(import.meta.dirname, '..', 'fixtures', 'servers', 'sdk2-http.mjs');
    const child = spawn(process.execPath, [program], { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' });
    cleanUp.push(() => child.kill('SIGKILL'));
    return child;
  };
  const first = start();
  const url = `http://127.0.0.1:${port}/mcp`;
  const running = await up({
    far: `apiVersion: mcpctl.dev/v1\nkind: Server\nspec: {transport: streamable-http, url: "${url}"}\n`,
  });
  expect(instancesOf(await isReady(running), 'far')).toMatchObject([{ id: 'far-0', state: 'Running', ready: true }]);
  const client = await connect(running);
  expect(await call(client, 'far__echo', { message: 'hello' })).toBe('hello');
  first.kill('SIGKILL');
  await once(first, 'exit');
  await expect(call(client, 'far__echo', { message: 'lost' })).rejects.toThrow(/far/);
  await running.until('the loss', status => instancesOf(status, 'far')[0]?.ready === false);
  start();
  await poll('the same session to work again', 20_000, async () => {
    return (await call(client, 'far__echo', { message: 'back' }).catch(() => '')) === 'back';
  });
});

const rolling = '  strategy: rolling\n';

it('rolling: the new one is ready before the old one goes, and calls under way end', async () => {
  const running = await up({ one: server('one', rolling, 'old') });
  await isReady(running);
  const client = await connect(running);
  const slow = call(client, 'one__slow', { ms: 1_500 });
  repository.commit({ 'servers/one.yaml': server('one', rolling, 'new') });
  const answers: string[] = [];
  await poll('the new one to answer', 20_000, async () => {
    answers.push(await call(client, 'one__who'));
    return answers.at(-1)?.startsWith('new ') === true;
  });
  // Not one call failed, and none went back.
  expect(answers[0]).toMatch(/^old /);
  expect(await slow).toMatch(/^old /);
  const status = await running.until('the old one to be gone', ({ servers }) => servers[0]?.instances.length === 1);
  expect(instancesOf(status, 'one')).toMatchObject([{ id: 'one-1', state: 'Running' }]);
});

it('recreate: calls under way may end, but one that takes too long holds nothing up', async () => {
  const running = await up({ one: server('one', '', 'old') }, ['--drain', '2']);
  await isReady(running);
  const client = await connect(running);
  const short = call(client, 'one__slow', { ms: 700 });
  const endless = call(client, 'one__slow', { ms: 100_000 }).catch((error: Error) => error.message);
  await poll('both calls to be under way', 10_000, async () => (await detail('one-0')).inFlight === 2);
  repository.commit({ 'servers/one.yaml': server('one', '', 'new') });
  expect(await short).toMatch(/^old /);
  expect(await endless).toMatch(/one/);
  await poll('the new one', 20_000, async () => (await call(client, 'one__who').catch(() => '')).startsWith('new '));
});

it('rolling: a new spec that never gets ready is given up, over a restart too, until the next good one', async () => {
  const args = ['--backoff', '0.1'];
  const first = await up({ one: server('one', rolling, 'old') }, args);
  await isReady(first);
  const client = await connect(first);
  repository.commit({ 'servers/one.yaml': serverYaml(['node', '-e', 'process.exit(4)'], rolling) });
  const status = await first.until('the way back', ({ servers }) => servers[0]?.rollout?.state === 'RolledBack');
  expect(serverOf(status, 'one').conditions).toContainEqual(
    expect.objectContaining({ type: 'Ready', status: 'False', reason: 'RolloutRolledBack' }),
  );
  const why = /never got ready.*one-1 exited with code 4/;
  expect(serverOf(status, 'one').rollout?.message).toMatch(why);
  expect(await call(client, 'one__who')).toMatch(/^old /);
  const after = await first.until('one instance', ({ servers }) => servers[0]?.instances.length === 1);
  process.kill(instancesOf(after, 'one')[0]?.pid ?? 0, 'SIGKILL');
  await poll('the old spec to be started again', 10_000, async () => {
    return (await call(client, 'one__who').catch(() => '')).startsWith('old ');
  });
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');

  const second = await again(args);
  const kept = await second.until('the old spec', status => instancesOf(status, 'one')[0]?.ready === true);
  expect(serverOf(kept, 'one').rollout).toMatchObject({ state: 'RolledBack', message: expect.stringMatching(why) });
  const other = await connect(second);
  expect(await call(other, 'one__who')).toMatch(/^old /);
  repository.commit({ 'servers/one.yaml': server('one', rolling, 'good') });
  await poll('the good one', 20_000, async () => (await call(other, 'one__who')).startsWith('good '));
  await isReady(second);
});

it('a tool that never answers keeps a new spec from replacing what works', async () => {
  const check = '  healthCheck: { tool: check, intervalSeconds: 1, failureThreshold: 2 }\n';
  const running = await up({ one: server('one', rolling + check, 'old') });
  await isReady(running);
  mood('two', 'iserror');
  const replacement = serverYaml(['node', moody, join(folder, 'two'), 'new'], rolling + check);
  repository.commit({ 'servers/one.yaml': replacement });
  const status = await running.until('the way back', ({ servers }) => servers[0]?.rollout?.state === 'RolledBack');
  expect(serverOf(status, 'one').rollout?.message).toContain('check says: my database is gone');
});

it('what runs stays when the secret of its new spec is not there, and is replaced as soon as it is', async () => {
  const secret = (variable: string) =>
    `apiVersion: mcpctl.dev/v1\nkind: Secret\nspec: {data: {token: {file: ${variable}}}}\n`;
  const env = '  env: [{name: TOKEN, valueFrom: {secretRef: {name: keys, key: token}}}]\n';
  const home = join(folder, 'home');
  mkdirSync(join(home, 'secrets'), { recursive: true, mode: 0o700 });
  const put = (name: string) => writeFileSync(join(home, 'secrets', name), 'value', { mode: 0o600 });
  put('first');
  repository = tempRepository({ ...files({ one: server('one', env, 'old') }), 'secrets/keys.yaml': secret('first') });
  cleanUp.push(() => repository.remove());
  const running = await again(['--backoff', '0.2'], { MCPCTL_HOME: home });
  await isReady(running);
  const client = await connect(running);
  // The backend is gone: what runs does not notice.
  rmSync(join(home, 'secrets', 'first'));
  const first = await call(client, 'one__who');
  repository.commit({ 'secrets/keys.yaml': secret('second'), 'servers/one.yaml': server('one', env, 'new') });
  const status = await running.until('the trouble', ({ servers }) => servers[0]?.rollout?.state === 'Waiting');
  expect(serverOf(status, 'one').rollout).toMatchObject({
    message: expect.stringMatching(/what runs is kept.*secret resolution failed: TOKEN/),
    problem: { code: 'SECRET_UNRESOLVED' },
  });
  expect(await call(client, 'one__who')).toBe(first);
  put('second');
  await poll('the new one', 20_000, async () => (await call(client, 'one__who').catch(() => '')).startsWith('new '));
  await isReady(running);
});

it('waits for what it depends on, says why along the chain, and starts when that is ready', async () => {
  mood('base', 'exit');
  const running = await up(
    {
      app: server('app', '  dependsOn: [middle]\n'),
      middle: server('middle', '  dependsOn: [base]\n'),
      base: server('base'),
    },
    ['--backoff', '0.2'],
  );
  const chain = 'waits for middle, which waits for base: base-0 exited with code 3; its last line: I had enough';
  const status = await running.until('the chain', ({ servers }) => servers[0]?.instances[0]?.message === chain);
  expect(instancesOf(status, 'app')[0]).toMatchObject({ state: 'Pending', reason: 'Blocked' });
  expect(serverOf(status, 'app').conditions).toContainEqual(
    expect.objectContaining({ type: 'Ready', reason: 'Blocked', message: chain }),
  );
  const why = await mcpctl(['why', 'app', '--state-dir', stateDir], { cwd: repository.work });
  expect(why.stdout).toContain(`✗ app-0 ${chain}\n  → mcpctl why base\n`);
  mood('base', 'ok');
  await isReady(running);
});

it('is unhealthy after so many failures, with the server’s own words, and healthy again after one success', async () => {
  const check = '  healthCheck: { intervalSeconds: 1, timeoutSeconds: 1, failureThreshold: 2 }\n';
  const running = await up({ one: server('one', check), two: server('two', check) });
  await isReady(running);
  const [before] = instancesOf(await running.status(), 'one');
  mood('one', 'error');
  mood('two', 'hang');
  const status = await running.until('both unhealthy', ({ servers }) =>
    servers.every(({ instances }) => instances[0]?.health?.state === 'unhealthy'),
  );
  expect(instancesOf(status, 'one')[0]).toMatchObject({
    state: 'Running',
    ready: false,
    reason: 'Unhealthy',
    health: { message: 'not in the mood' },
    restarts: 0,
    pid: before?.pid,
  });
  expect(instancesOf(status, 'two')[0]?.health?.message).toMatch(/did not answer tools\/list within 1000 ms/);
  expect(status.problems.map(({ code }) => code)).toContain('SERVER_UNHEALTHY');
  mood('one', 'ok');
  mood('two', 'ok');
  await isReady(running);
  const { healthEvents } = await detail('one-0');
  expect(healthEvents.map(({ state }) => state)).toEqual(expect.arrayContaining(['degraded', 'unhealthy', 'healthy']));
  expect((await tell('describe', 'instance', 'one-0')).stdout).toMatch(/unhealthy +not in the mood$/m);
  expect((await tell('events')).stdout).toMatch(/ health +instance\/one-0 +unhealthy: not in the mood$/m);
});

it('an instance that is not ready gets no call while another is, and calls go to what runs when none is', async () => {
  const check = '  healthCheck: { tool: check, intervalSeconds: 1, failureThreshold: 1 }\n';
  const running = await up({ one: server('one', `  replicas: 2\n${check}`) });
  await isReady(running);
  const client = await connect(running);
  mood('one', 'iserror');
  const status = await running.until('both unhealthy', ({ servers }) => {
    return servers[0]?.instances.every(({ health }) => health?.state === 'unhealthy') === true;
  });
  expect(condition(serverOf(status, 'one'), 'Ready')).toBe('False');
  const ready = serverOf(status, 'one').conditions.find(({ type }) => type === 'Ready');
  expect(ready?.message).toMatch(/my database is gone.*none is ready, calls go to what runs/);
  // The answer is the server's own: it was reached.
  expect(await call(client, 'one__who')).toBe('my database is gone');
});

it('is restarted for being unhealthy where the Server asks for it', async () => {
  const check = '  healthCheck: { intervalSeconds: 1, failureThreshold: 1, restart: true }\n';
  const running = await up({ one: server('one', check) }, ['--backoff', '1']);
  await isReady(running);
  mood('one', 'error');
  await running.until('the restart', ({ servers }) => (servers[0]?.instances[0]?.restarts ?? 0) > 0);
  mood('one', 'ok');
  await isReady(running);
});

it('suspend holds the whole repository, over a restart of the daemon, until resume', async () => {
  const first = await up({ one: server('one', '', 'old') });
  await isReady(first);
  await tell('suspend');
  const late = repository.commit({ 'servers/one.yaml': server('one', '', 'new') });
  await tell('reconcile');
  await first.stop();
  const second = await again();
  const status = await isReady(second);
  expect(status.suspendedSince).toMatch(/^\d{4}-/);
  expect(status.revision.applied).not.toBe(late);
  expect((await tell('status')).stdout).toContain('suspended   no commit is taken over since ');
  const client = await connect(second);
  expect(await call(client, 'one__who')).toMatch(/^old /);
  await tell('resume');
  await second.until('the commit', ({ revision }) => revision.applied === late);
  await poll('the new one', 20_000, async () => (await call(client, 'one__who').catch(() => '')).startsWith('new '));
});

it('suspend holds one server, whatever becomes of its file, and its neighbours go on', async () => {
  const running = await up({ one: server('one', '', 'old'), two: server('two', '', 'old') });
  await isReady(running);
  await tell('suspend', 'one');
  const client = await connect(running);
  repository.commit({ 'servers/one.yaml': server('one', '', 'new'), 'servers/two.yaml': server('two', '', 'new') });
  await poll('the neighbour', 20_000, async () => (await call(client, 'two__who').catch(() => '')).startsWith('new '));
  const late = repository.commit({ 'servers/one.yaml': null, 'projects/demo/project.yaml': projectYaml('two') });
  const status = await running.until('the removal', ({ revision }) => revision.applied === late);
  expect(serverOf(status, 'one')).toMatchObject({
    suspendedSince: expect.stringMatching(/^\d{4}-/),
    instances: [{ state: 'Running' }],
  });
  expect((await tell('status')).stdout).toMatch(/server one +True +1\/1 \(suspended\)/m);
  await tell('resume', 'one');
  await running.until('it to be gone', ({ servers }) => servers.every(({ name }) => name !== 'one'));
});

it('restart replaces a server by the same, and a single instance only', async () => {
  const running = await up({ one: server('one', '  replicas: 2\n') });
  const pids = async () => instancesOf(await isReady(running), 'one').map(({ pid }) => pid);
  const [first, second] = await pids();
  await tell('restart', 'one-1');
  await running.until('another process', status => {
    const [a, b] = instancesOf(status, 'one');
    return a?.pid === first && b?.state === 'Running' && b.pid !== second;
  });
  await tell('restart', 'one');
  await running.until('two other processes', status => {
    const now = instancesOf(status, 'one');
    return now.length === 2 && now.every(({ pid, state }) => state === 'Running' && pid !== first && pid !== second);
  });
  const outcome = await mcpctl(['restart', 'nobody', '--state-dir', stateDir], { cwd: folder });
  expect([outcome.code, outcome.stderr]).toEqual([1, expect.stringContaining('there is no instance of `nobody`')]);
});

it('get instances lists what runs', async () => {
  const running = await up({ one: server('one'), two: server('two') });
  await isReady(running);
  expect((await tell('get', 'instances', '-o', 'name')).stdout).toBe('instance/one-0\ninstance/two-0\n');
  expect((await tell('get', 'instances')).stdout).toMatch(/^one-0 +one +Running +True +healthy +0 /m);
  const outcome = await mcpctl(['describe', 'instance', 'one-9', '--state-dir', stateDir], { cwd: folder });
  expect([outcome.code, outcome.stderr]).toEqual([1, expect.stringContaining('Did you mean `one-0`?')]);
});

it('a server that hangs at its start holds up no other, and a new revision takes its place', async () => {
  mood('hung', 'mute');
  const running = await up({ hung: server('hung'), good: server('good') });
  await running.until('the neighbour', status => instancesOf(status, 'good')[0]?.ready === true);
  expect(instancesOf(await running.status(), 'hung')[0]?.state).toBe('Starting');
  repository.commit({ 'servers/hung.yaml': serverYaml(['node', moody, join(folder, 'fine'), 'fine']) });
  await isReady(running);
});

it('leaves no process behind, whatever it was busy with', async () => {
  mood('bad', 'exit');
  mood('hung', 'mute');
  const running = await up({ bad: server('bad'), hung: server('hung'), good: server('good', '  replicas: 2\n') });
  await running.until('the good ones', status => {
    return instancesOf(status, 'good').filter(({ ready }) => ready).length === 2;
  });
  await running.stop();
  const left = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
  expect(left.split('\n').filter(line => line.includes(folder))).toEqual([]);
  expect(existsSync(join(stateDir, 'daemon.json'))).toBe(false);
});
