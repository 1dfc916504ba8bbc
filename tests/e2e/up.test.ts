import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startGitServer } from '../git-server.ts';
import { type Files, type TempRepository, tempRepository } from '../temp-repository.ts';
import { goodServer, projectYaml, repositoryYaml, serverYaml, smallRepository } from './catalog.ts';
import { condition, startUp, type UpProcess, type UpProcessOptions } from './daemon.ts';

const mcpctl = join(import.meta.dirname, '..', '..', 'cli', 'mcpctl.mjs');

let folder: string;
let stateDir: string;
let repository: TempRepository;
const cleanUp: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-e2e-'));
  stateDir = join(folder, 'state');
  repository = tempRepository(smallRepository);
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  repository.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function up(options: Partial<UpProcessOptions> = {}): Promise<UpProcess> {
  const running = await startUp({ repository: repository.bare, stateDir, ...options });
  cleanUp.push(() => running.stop());
  return running;
}

interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

async function run(args: string[], env: Record<string, string> = {}): Promise<Finished> {
  const options = { env: { ...process.env, ...env }, timeout: 60_000 };
  return promisify(execFile)(process.execPath, [mcpctl, ...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

async function connect({ url, token }: UpProcess, project = 'demo'): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${url}/mcp/${project}`), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  );
  cleanUp.push(() => client.close());
  return client;
}

/** What the hook of a git server sends. */
async function poke({ url }: UpProcess): Promise<void> {
  const secret = readFileSync(join(stateDir, 'hook-secret'), 'utf8').trim();
  const body = '{}';
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const answer = await fetch(`${url}/hooks/git`, {
    method: 'POST',
    body,
    headers: { 'x-hub-signature-256': signature },
  });
  expect(answer.status).toBe(202);
}

async function pushAndPoke(running: UpProcess, files: Files): Promise<string> {
  const commit = repository.commit(files);
  await poke(running);
  return commit;
}

/** Processes whose home is below the state directory. */
function instancePids(): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HOME=${stateDir}/instances/`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

const isReady = (running: UpProcess) => running.until('Ready', status => condition(status, 'Ready') === 'True');

async function isReadyAt(running: UpProcess, commit: string) {
  return running.until(`Ready at ${commit}`, status => {
    return status.revision.applied === commit && condition(status, 'Ready') === 'True';
  });
}

it('serves what is pushed, keeps what is broken at its last good revision, and follows a revert', async () => {
  const first = repository.git('rev-parse', 'HEAD');
  const running = await up();
  await isReady(running);
  const client = await connect(running);
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('one__echo');
  const answer = await client.callTool({ name: 'one__echo', arguments: { message: 'hello' } });
  expect(answer.content).toEqual([{ type: 'text', text: 'hello' }]);

  const second = repository.commit({
    'servers/two.yaml': goodServer,
    'projects/demo/project.yaml': projectYaml('one', 'two'),
    'projects/demo/prompts/hello.md': '---\ndescription: Greet\n---\nGood morning.\n',
  });
  await poke(running);
  await isReadyAt(running, second);
  const tools = (await client.listTools(undefined, { cacheMode: 'refresh' })).tools.map(({ name }) => name);
  expect(tools).toEqual(tools.toSorted());
  expect(tools).toContain('two__echo');
  expect(JSON.stringify(await client.getPrompt({ name: 'hello' }))).toContain('Good morning.');

  const third = repository.commit({
    'servers/one.yaml': `${goodServer}  replicas: many\n`,
    'projects/demo/prompts/hello.md': '---\ndescription: Greet\n---\nGood night.\n',
  });
  await poke(running);
  const status = await running.until('the third commit', ({ revision }) => revision.applied === third);
  const server = status.servers.find(({ name }) => name === 'one');
  expect(server).toMatchObject({ revision: first, instances: [{ state: 'Running' }] });
  expect(condition(server ?? { conditions: [] }, 'Stalled')).toBe('True');
  expect(status.problems).toContainEqual(
    expect.objectContaining({ code: 'FIELD_INVALID', at: { file: 'servers/one.yaml', line: 6, column: 13 } }),
  );
  expect(JSON.stringify(await client.getPrompt({ name: 'hello' }))).toContain('Good night.');

  repository.git('revert', '--no-edit', 'HEAD');
  repository.git('push', '--quiet', 'origin', 'HEAD:main');
  await poke(running);
  const last = await isReadyAt(running, repository.git('rev-parse', 'HEAD'));
  expect(last.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
});

it('polls when nobody pokes it', async () => {
  const running = await up({ args: ['--poll', '0.2'] });
  await isReady(running);
  await isReadyAt(running, repository.commit({ 'servers/two.yaml': goodServer }));
});

it('bad servers of every sort neither stop nor hide the good one, and say what is wrong', async () => {
  const script = (code: string) => serverYaml(['node', '-e', code]);
  repository.commit({
    'servers/missing.yaml': serverYaml(['/nowhere/server']),
    'servers/quitter.yaml': script('console.error("no config"); process.exit(3)'),
    'servers/rubbish.yaml': script('setInterval(() => console.log("rubbish"), 1)'),
    'servers/flood.yaml': script('process.stdout.write("x".repeat(100_000_000)); setInterval(() => {}, 1000)'),
    'servers/secretive.yaml': serverYaml(
      ['node'],
      '  env: [{name: TOKEN, valueFrom: {secretRef: {name: absent, key: token}}}]\n',
    ),
    'secrets/absent.yaml':
      'apiVersion: mcpctl.dev/v1\nkind: Secret\nspec: {data: {token: {env: MCPCTL_SECRET_ABSENT}}}\n',
    'projects/demo/project.yaml': projectYaml('one', 'missing', 'quitter', 'rubbish', 'flood', 'secretive'),
  });
  const running = await up();
  const status = await running.until('all to fail', ({ servers }) => {
    return servers.filter(({ conditions }) => condition({ conditions }, 'Degraded') === 'True').length === 5;
  });
  const codes = Object.fromEntries(
    status.servers.flatMap(({ name, instances }) => instances.map(({ problem }) => [name, problem?.code])),
  );
  expect(codes).toEqual({
    one: undefined,
    missing: 'SERVER_BINARY_MISSING',
    quitter: 'SERVER_EXITED',
    rubbish: 'SERVER_PROTOCOL',
    flood: 'SERVER_PROTOCOL',
    secretive: 'SECRET_UNRESOLVED',
  });
  const client = await connect(running);
  const names = (await client.listTools()).tools.map(({ name }) => name);
  expect(names).toContain('one__echo');
  expect(names.every(name => name.startsWith('one__'))).toBe(true);
});

it('after kill -9 the next start ends what is left, and runs each server once', async () => {
  const first = await up();
  await isReady(first);
  const [orphan] = instancePids();
  first.child.kill('SIGKILL');
  await new Promise(resolve => first.child.once('exit', resolve));
  const second = await up();
  await isReady(second);
  const pids = instancePids();
  expect(pids).toHaveLength(1);
  expect(pids).not.toContain(orphan);
});

/** Ignores SIGTERM, and leaves a process behind that does too. */
const stubbornServer = serverYaml([
  'sh',
  '-c',
  `trap "" TERM; (sleep 1000 &) ; exec node ${join(import.meta.dirname, '..', 'fixtures', 'servers', 'sdk2-stdio.mjs')}`,
]);

it('SIGTERM ends every server, then the daemon, with exit code 0', async () => {
  repository.commit({
    'servers/stubborn.yaml': stubbornServer,
  });
  const running = await up();
  await isReady(running);
  expect(instancePids().length).toBeGreaterThanOrEqual(3);
  expect(await running.stop()).toBe(0);
  expect(instancePids()).toEqual([]);
  expect(readdirSync(stateDir)).not.toContain('daemon.json');
});

it('a second SIGTERM ends it at once, and a server that ignores the first with it', async () => {
  repository.commit({ 'servers/stubborn.yaml': stubbornServer });
  const running = await up();
  await isReady(running);
  running.child.kill('SIGTERM');
  // What comes at once is the same Ctrl-C, passed on by a program in between.
  running.child.kill('SIGTERM');
  await new Promise(resolve => setTimeout(resolve, 700));
  expect(running.child.exitCode).toBe(null);
  expect(await running.stop()).toBe(130);
  await expect.poll(instancePids).toEqual([]);
});

it('serves the last good revision when the remote is gone at the next start, and follows it when it is back', async () => {
  const first = await up();
  await isReady(first);
  await first.stop();
  renameSync(repository.bare, `${repository.bare}.away`);
  const second = await up({ args: ['--poll', '0.2'] });
  const status = await second.until('the server to run', ({ servers }) => servers[0]?.instances[0]?.ready === true);
  expect(status.conditions).toContainEqual(
    expect.objectContaining({ type: 'Ready', status: 'False', reason: 'SourceFailed' }),
  );
  expect(status.problems.map(({ code }) => code)).toContain('REMOTE_NOT_FOUND');
  expect((await (await connect(second)).listTools()).tools.length).toBeGreaterThan(0);
  renameSync(`${repository.bare}.away`, repository.bare);
  await isReady(second);
});

it('an empty repository is a problem, not an end: the first push is served', async () => {
  repository.remove();
  repository = tempRepository();
  const running = await up({ args: ['--poll', '0.2'] });
  await running.until('the problem', ({ problems }) => problems.some(({ code }) => code === 'REF_NOT_FOUND'));
  await isReadyAt(running, repository.commit(smallRepository));
});

it('a commit without mcpctl.yaml is refused as a whole, and nothing is taken away', async () => {
  const running = await up();
  await isReady(running);
  repository.commit({ 'mcpctl.yaml': null, 'servers/one.yaml': null });
  await poke(running);
  const status = await running.until('the refusal', one => condition(one, 'Stalled') === 'True');
  expect(status.problems.map(({ code }) => code)).toContain('REPOSITORY_MISSING');
  expect(status.servers).toMatchObject([{ name: 'one', instances: [{ state: 'Running' }] }]);
});

it('follows a repository over HTTP with credentials from the environment, which appear nowhere', async () => {
  const server = await startGitServer({ root: repository.folder, login: { username: 'bot', password: 'pa55-word' } });
  cleanUp.push(() => server.close());
  const url = `${server.url}/remote.git`;
  const refused = await up({ repository: url });
  await refused.until('the refusal', ({ problems }) => problems.some(({ code }) => code === 'REMOTE_AUTH'));
  await refused.stop();
  const env = { MCPCTL_GIT_USERNAME: 'bot', MCPCTL_GIT_PASSWORD: 'pa55-word' };
  const running = await up({ repository: url, env });
  const status = await isReady(running);
  expect(JSON.stringify(status) + running.stderr()).not.toContain('pa55-word');
});

it('shows the token once, and keeps it and the hook secret to their owner', async () => {
  const first = await up();
  await expect.poll(first.stderr).toContain(first.token);
  for (const file of ['token', 'hook-secret', 'daemon.json', 'state.sqlite']) {
    expect(statSync(join(stateDir, file)).mode & 0o077, file).toBe(0);
  }
  await first.stop();
  const second = await up();
  expect(second.token).toBe(first.token);
  await expect.poll(second.stderr).toContain('trust mode open');
  expect(second.stderr()).not.toContain(second.token);
});

it('a commit that cannot be recorded is served as soon as it can', async () => {
  const running = await up({ args: ['--poll', '0.2'] });
  await isReady(running);
  const other = new DatabaseSync(join(stateDir, 'state.sqlite'));
  cleanUp.push(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const commit = repository.commit({ 'servers/two.yaml': goodServer });
  const status = await running.until('the problem', ({ problems }) =>
    problems.some(({ code }) => code === 'STATE_UNUSABLE'),
  );
  expect(status.servers).toMatchObject([{ name: 'one', instances: [{ state: 'Running' }] }]);
  process.kill(instancePids()[0] ?? 0, 'SIGKILL');
  await running.until('the restart', ({ servers }) => servers[0]?.instances[0]?.restarts === 1);
  other.exec('ROLLBACK');
  await isReadyAt(running, commit);
  expect(instancePids()).toHaveLength(2);
});

it.each([
  ['a file in its place', (path: string) => writeFileSync(path, ''), /EEXIST[^\n]*\[STATE_UNUSABLE\]/],
  [
    'a symbolic link in its place',
    (path: string) => symlinkSync('/tmp', path),
    /symbolic link[^\n]*\[STATE_UNUSABLE\]/,
  ],
  [
    'an empty hook secret',
    (path: string) => {
      mkdirSync(path, { mode: 0o700 });
      writeFileSync(join(path, 'hook-secret'), '\n', { mode: 0o600 });
    },
    /hook-secret has fewer[^\n]*\[STATE_UNUSABLE\]\n {2}→ Remove the file/,
  ],
  [
    'a lock that is no lock',
    (path: string) => {
      mkdirSync(path, { mode: 0o700 });
      writeFileSync(join(path, 'lock'), 'x'.repeat(5000));
    },
    /not a database[^\n]*\[STATE_UNUSABLE\]/,
  ],
])('a state directory with %s is refused with a way out', async (_situation, make, message) => {
  make(stateDir);
  const finished = await run(['up', repository.bare, '--state-dir', stateDir, '--port', '0', '--once']);
  expect(finished).toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
});

it('a log that cannot be written to does not end it', async () => {
  const running = await up({ logFile: '/dev/full' });
  await isReady(running);
  await isReadyAt(running, await pushAndPoke(running, { 'servers/two.yaml': goodServer }));
});

it('a second daemon on the same state directory is refused, and the first one does not notice', async () => {
  const running = await up();
  await isReady(running);
  const second = await run(['up', repository.bare, '--state-dir', stateDir, '--port', '0']);
  expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('STATE_LOCKED') });
  await isReady(running);
});

it('a port that is taken is a problem, and nothing is left behind', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  cleanUp.push(() => other.close());
  await new Promise(resolve => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const finished = await run(['up', repository.bare, '--state-dir', stateDir, '--port', String(port)]);
  expect(finished).toMatchObject({ code: 1, stderr: expect.stringContaining('LISTEN_FAILED') });
  expect(instancePids()).toEqual([]);
});

it.each([
  ['a ref like an option', ['--ref=--upload-pack=touch /tmp/x'], 1, 'REF_INVALID'],
  ['a path that climbs out', ['--path', '../..'], 1, 'REF_INVALID'],
  ['a port that is none', ['--port', '70000'], 2, 'a number from 0 to 65535'],
  ['an unknown option', ['--bogus'], 2, 'unknown option'],
])('%s: refused', async (_situation, args, code, message) => {
  const finished = await run(['up', repository.bare, '--state-dir', stateDir, ...args]);
  expect(finished).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
});

it.each([
  ['ssh://-oProxyCommand=id/ai.git'],
  ['ssh://git:secret@example.com/ai.git'],
  ['ext::sh -c id'],
  ['https://user:secret@example.com/ai.git'],
])('%s: refused before git sees it', async address => {
  const finished = await run(['up', address, '--state-dir', stateDir]);
  expect(finished).toMatchObject({ code: 1, stderr: expect.stringContaining('REMOTE_UNSUPPORTED') });
  expect(finished.stderr).not.toContain(':secret');
});

it('--once: all Ready, the status on stdout, everything stopped, exit 0', async () => {
  const args = ['up', repository.bare, '--state-dir', stateDir, '--port', '0', '--once', '-o', 'json'];
  const finished = await run(args);
  expect(finished.code).toBe(0);
  const status = JSON.parse(finished.stdout);
  expect(status.servers).toMatchObject([{ name: 'one', instances: [{ state: 'Running', ready: true }] }]);
  expect(instancePids()).toEqual([]);
  expect((await run(args)).code).toBe(0);
});

it('--once: exit 4 with what is not ready and why', async () => {
  repository.commit({ 'servers/silent.yaml': serverYaml(['node', '-e', 'setInterval(() => {}, 1000)']) });
  const args = ['up', repository.bare, '--state-dir', stateDir, '--port', '0', '--once', '--timeout', '2'];
  const finished = await run(args);
  expect(finished.code).toBe(4);
  expect(finished.stderr).toMatch(/not Ready within 2 s[\s\S]*server\/silent: InstancesNotReady: 0 of 1 ready/);
  expect(instancePids()).toEqual([]);
});

it('a daemon that was killed is known to be gone, and whoever has its port is not told the token', async () => {
  const running = await up();
  const ended = once(running.child, 'exit');
  running.child.kill('SIGKILL');
  await ended;
  const asked: string[] = [];
  const other = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('{}');
  }).listen(Number(new URL(running.url).port), '127.0.0.1');
  cleanUp.push(() => other.close());
  await once(other, 'listening');
  const finished = await run(['status', '--state-dir', stateDir]);
  expect(finished).toMatchObject({ code: 1, stderr: expect.stringContaining('DAEMON_NOT_RUNNING') });
  expect(asked).toEqual([]);
});

it('status and reconcile find the daemon by its repository', async () => {
  const home = join(folder, 'home');
  const args = { repository: repository.bare, stateDir: '', env: { MCPCTL_HOME: home } };
  const gone = await run(['status', repository.bare], args.env);
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('DAEMON_NOT_RUNNING') });
  const running = await up();
  await isReady(running);
  const status = await run(['status', '--state-dir', stateDir, '-o', 'json']);
  expect(JSON.parse(status.stdout)).toMatchObject({ repository: { id: 'test', ref: 'main' } });
  const commit = repository.commit({ 'servers/two.yaml': goodServer });
  expect(await run(['reconcile', '--state-dir', stateDir])).toMatchObject({ code: 0 });
  await isReadyAt(running, commit);
});

it('follows a plain folder as it is, and a subfolder of a repository with --path', async () => {
  const plain = join(repository.work, 'servers', '..');
  rmSync(join(plain, '.git'), { recursive: true });
  expect((await run(['up', plain, '--state-dir', stateDir, '--port', '0', '--once'])).code).toBe(0);
  repository.remove();
  repository = tempRepository({ 'deep/ai/mcpctl.yaml': repositoryYaml, 'deep/ai/servers/one.yaml': goodServer });
  const args = ['--path', 'deep/ai', '--state-dir', join(folder, 'state2'), '--port', '0', '--once', '-o', 'json'];
  const nested = await run(['up', repository.bare, ...args]);
  expect(JSON.parse(nested.stdout).servers).toMatchObject([{ name: 'one' }]);
});

it('--env: the patches of an environment are in service, and belong to a state of their own', async () => {
  repository.commit({
    'environments/prod/servers/one.yaml': 'spec: {replicas: 2}\n',
    'environments/prod/projects/demo/project.yaml': 'spec: {instructions: production}\n',
  });
  const args = [repository.bare, '--port', '0', '--once', '-o', 'json'];
  const env = { MCPCTL_HOME: join(folder, 'home') };
  const prod = await run(['up', ...args, '--env', 'prod'], env);
  expect(JSON.parse(prod.stdout).servers[0].instances).toHaveLength(2);
  const plain = await run(['up', ...args], env);
  expect(JSON.parse(plain.stdout).servers[0].instances).toHaveLength(1);
  expect(readdirSync(join(folder, 'home', 'state'))).toHaveLength(2);
  const unknown = await run(['up', ...args, '--env', 'nowhere', '--timeout', '2'], env);
  expect(unknown).toMatchObject({ code: 4, stderr: expect.stringContaining('nowhere') });
});

it('a project hides and exposes tools, and says so to connected clients', async () => {
  const running = await up();
  await isReady(running);
  const client = await connect(running);
  const names = async () => (await client.listTools(undefined, { cacheMode: 'refresh' })).tools.map(({ name }) => name);
  expect(await names()).toContain('one__echo');
  const changed = new Promise<void>(resolve => {
    client.setNotificationHandler('notifications/tools/list_changed', () => resolve());
  });
  const commit = repository.commit({
    'projects/demo/project.yaml': `${projectYaml('one')}  expose: ["one__*"]\n  hide: [one__echo]\n`,
  });
  await poke(running);
  await isReadyAt(running, commit);
  await changed;
  const left = await names();
  expect(left.length).toBeGreaterThan(0);
  expect(left).not.toContain('one__echo');
  await expect(client.callTool({ name: 'one__echo', arguments: { message: 'x' } })).rejects.toThrow('Unknown tool');
});

it('a working tree: what is committed is followed, and that is said', async () => {
  writeFileSync(join(repository.work, 'servers', 'two.yaml'), goodServer);
  const running = await up({ repository: repository.work });
  const status = await isReady(running);
  expect(status.servers.map(({ name }) => name)).toEqual(['one']);
  expect(running.stderr()).toContain('following what is committed on main; uncommitted changes do not count');
});
