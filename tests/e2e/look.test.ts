import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createProgram } from '../../cli/program.ts';
import { mcpctl } from '../command-line.ts';
import { type TempRepository, tempRepository, writeFiles } from '../temp-repository.ts';
import { goodServer, projectYaml, repositoryYaml, serverYaml } from './catalog.ts';
import { poll, startUp, type UpProcess } from './daemon.ts';

const odd = join(import.meta.dirname, '..', 'fixtures', 'servers', 'odd.mjs');
const files = {
  'mcpctl.yaml': repositoryYaml.replace('id: test', 'id: look'),
  'servers/good.yaml': goodServer,
  'servers/crash.yaml': serverYaml(['node', odd, 'exit']),
  'servers/chat.yaml': serverYaml(['node', odd]),
  'servers/talk.yaml': serverYaml(['node', odd]),
  'servers/locked.yaml': serverYaml(
    ['node', odd],
    '  env:\n    - { name: KEY, valueFrom: { secretRef: { name: keys, key: key } } }\n',
  ),
  'secrets/keys.yaml':
    'apiVersion: mcpctl.dev/v1\nkind: Secret\nspec: { data: { key: { env: MCPCTL_SECRET_NOT_THERE } } }\n',
  'projects/demo/project.yaml': projectYaml('good', 'crash', 'locked'),
  'projects/demo/prompts/hello.md': '---\ndescription: Greet\n---\nHello.\n',
};

let repository: TempRepository;
let home: string;
let daemon: UpProcess;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'mcpctl-look-'));
  repository = tempRepository(files);
  const stateDir = join(home, 'state', 'look');
  daemon = await startUp({
    repository: repository.bare,
    stateDir,
    args: ['--poll', '3600'],
    env: { MCPCTL_HOME: home },
  });
  await daemon.until('the good one to run and the others to wait', ({ servers }) => {
    const states = servers.flatMap(({ instances }) => instances.map(one => one.ready || one.nextRetryAt !== undefined));
    return states.length === 5 && states.every(Boolean);
  });
}, 60_000);
afterAll(async () => {
  await daemon.stop();
  repository.remove();
  rmSync(home, { recursive: true, force: true });
});

function look(...args: string[]) {
  return mcpctl(args, { cwd: repository.work, env: { ...process.env, MCPCTL_HOME: home } });
}

it('diff compares with what the daemon has in service, and what it holds back', async () => {
  const live = await look('diff', '--from', 'live', '--to', 'HEAD', '-o', 'json');
  expect(JSON.parse(live.stdout)).toMatchObject({ from: repository.git('rev-parse', 'HEAD'), files: [] });
  writeFiles(repository.work, { 'servers/good.yaml': goodServer.replace('spec:', 'spec:\n  replicas: 2') });
  const ahead = await look('diff', 'server', 'good', '--from', 'live');
  writeFiles(repository.work, { 'servers/good.yaml': goodServer });
  expect(ahead.stdout).toContain('+  replicas: 2\n');
});

/** A command that goes on until it is told to stop. */
function watch(...argv: string[]) {
  const stop = new AbortController();
  const shown: string[] = [];
  const io = { stdout: (text: string) => shown.push(text), stderr: () => {}, isTTY: false, colour: false };
  const context = { io, env: { ...process.env, MCPCTL_HOME: home }, cwd: repository.work, signal: stop.signal };
  const code = createProgram(context)(argv);
  return {
    stdout: () => shown.join(''),
    stop: () => {
      stop.abort();
      return code;
    },
  };
}

/** It is started again at once, the first time. */
async function kill(server: string): Promise<void> {
  const { servers } = await daemon.status();
  const pid = servers.find(({ name }) => name === server)?.instances[0]?.pid;
  if (pid === undefined) throw new Error(`${server} has no process`);
  process.kill(pid, 'SIGKILL');
}

it('logs has the last words of a server that ended', async () => {
  const { code, stdout } = await look('logs', 'crash', '--tail', '1');
  expect([code, stdout]).toEqual([0, 'no configuration\n']);
});

it('logs as json, one object for each line', async () => {
  const { stdout } = await look('logs', 'crash-0', '--tail', '1', '-o', 'json');
  expect(JSON.parse(stdout)).toEqual({
    instance: 'crash-0',
    startedAt: expect.stringMatching(/^\d{4}-/),
    line: 'no configuration',
  });
});

it.each<[situation: string, server: string, code: number, said: string]>([
  ['a server that is not there', 'god', 1, 'Did you mean `good`?'],
  ['nothing like it', 'bicycle', 1, 'mcpctl status'],
])('logs says of %s what to do', async (_situation, server, code, said) => {
  const outcome = await look('logs', server);
  expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(said)]);
});

it('logs -f goes on over a restart, until it is told to stop', async () => {
  const following = watch('logs', 'chat', '-f', '--tail', '0');
  await kill('chat');
  await poll('another start of the server', 10_000, () => following.stdout().includes('initialize\n'));
  expect(await following.stop()).toBe(0);
});

it('events tells what happened, oldest first', async () => {
  const { code, stdout } = await look('events');
  expect(code).toBe(0);
  const lines = stdout.trim().split('\n');
  expect(lines.find(line => line.includes('applied'))).toContain('create instance/chat-0, create instance/crash-0');
  expect(stdout).toMatch(/instance {2}instance\/good-0 +Running\n/);
  expect(stdout).toMatch(/instance {2}instance\/crash-0 +Error: crash-0 exited with code 3/);
  const events = JSON.parse((await look('events', '-o', 'json')).stdout) as { sequence: number; time: string }[];
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_event, index) => index + 1));
});

it('events --watch goes on with what comes', async () => {
  const watching = watch('events', '--watch', '-o', 'json');
  const running = () => watching.stdout().split('"id":"talk-0","state":"Running"').length;
  await poll('what happened before', 10_000, () => watching.stdout().includes('"applied"'));
  const before = running();
  await kill('talk');
  await poll('the server that runs again', 10_000, () => running() > before);
  expect(await watching.stop()).toBe(0);
});

it.each<[situation: string, args: string[], code: number, said: string]>([
  ['a server that runs', ['good'], 0, '✔ 1 of 1 ready\n'],
  ['a tool that is served', ['good__echo'], 0, '✔ the endpoint of the project `demo` lists `good__echo`\n'],
  ['a tool by its bare name', ['grow'], 0, 'lists `good__grow`\n'],
  ['a tool that the server has not', ['good__ecko'], 1, '→ did you mean `good__echo`?\n'],
  ['a prompt that is served', ['hello'], 0, '✔ the endpoint of demo lists it\n'],
  ['a project that waits', ['demo'], 1, '✗ it waits for crash, locked\n'],
  ['a server that crashes', ['crash'], 1, '[SERVER_EXITED]; it is tried again at 2'],
  ['what to read then', ['crash'], 1, '→ mcpctl logs crash\n'],
  ['a secret that is not there', ['locked'], 1, '[SECRET_UNRESOLVED]'],
])('why tells of %s', async (_situation, args, code, said) => {
  const outcome = await look('why', ...args);
  expect([outcome.code, outcome.stdout]).toEqual([code, expect.stringContaining(said)]);
});

it('why tells of what is not pushed yet', async () => {
  writeFiles(repository.work, { 'servers/late.yaml': goodServer, 'projects/demo/project.yaml': projectYaml('late') });
  const { code, stdout } = await look('why', 'late');
  repository.git('checkout', '--quiet', '.');
  writeFiles(repository.work, { 'servers/late.yaml': null });
  expect([code, stdout]).toEqual([1, expect.stringContaining('→ commit and push it, then `mcpctl reconcile`')]);
});

it('describe shows how a server is doing', async () => {
  const { stdout } = await look('describe', 'server', 'crash');
  expect(stdout).toMatch(/^ {2}Ready +False .* (?:StartFailing|InstancesNotReady) +crash-0 exited with code 3/m);
  expect(stdout).toMatch(/^ {2}crash-0 +(?:Error|Starting) /m);
  expect(stdout).toContain('  last lines of crash-0:\n    no configuration\n');
  const { live } = JSON.parse((await look('describe', 'server', 'good', '-o', 'json')).stdout);
  expect(live).toMatchObject({ tools: 5, prompts: 1, instances: [{ id: 'good-0', state: 'Running', restarts: 0 }] });
});

it.each<[what: string, before: readonly string[], behind: readonly string[]]>([
  ['its address, before the command', ['--server', 'URL'], []],
  ['its address', [], ['--server', 'URL']],
  ['a context', [], ['--context', 'far']],
  ['the current context', [], []],
])('another machine’s daemon is named by %s', async (_what, before, behind) => {
  const elsewhere = mkdtempSync(join(home, 'elsewhere-'));
  const env = { ...process.env, MCPCTL_HOME: elsewhere };
  const run = (...args: string[]) =>
    mcpctl(
      args.map(word => (word === 'URL' ? daemon.url : word)),
      { cwd: repository.work, env },
    );
  const login = await run('login', '--server', 'URL', '--token', daemon.token, '--name', 'far');
  expect(login.code, login.stderr).toBe(0);
  for (const [args, said] of [
    [['logs', 'crash', '--tail', '1'], 'no configuration\n'],
    [['events'], 'create instance/chat-0'],
    [['status'], 'chat'],
  ] as const) {
    const { code, stdout, stderr } = await run(...before, ...args, ...behind);
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining(said)]);
  }
});

it('without a daemon, logs and events say how to start one', async () => {
  const env = { ...process.env, MCPCTL_HOME: join(home, 'nobody') };
  for (const args of [['logs', 'good'], ['events']]) {
    const { code, stderr } = await mcpctl(args, { cwd: repository.work, env });
    expect([code, stderr]).toEqual([1, expect.stringContaining('mcpctl up')]);
  }
});
