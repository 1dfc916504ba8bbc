import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type {
  Connection,
  LaunchSpec,
  Observed,
  RunningInstance,
  Runtime,
  RuntimeEvent,
} from '../../reconciler/runtimes/index.ts';
import type { BehaviourName } from './behaviours.ts';

/** One runtime as the contract needs it. */
export interface RuntimeAdapter {
  /** A runtime for the state directory; opened again, the one of the next daemon. */
  open(stateDir: string): Runtime | Promise<Runtime>;
  /** The part of a spec that makes an instance behave so. */
  behave(name: BehaviourName): Partial<LaunchSpec>;
  /** What `exec` is given for the same, where that is not the spec's argv. */
  program?(name: BehaviourName): string[];
  /** What people and kernels do to an instance behind the runtime's back. */
  behind: Partial<Record<Misdeed, (id: string, stateDir: string) => Promise<void>>>;
  /** Which situations are not this runtime's, each with the reason. */
  not?: Partial<Record<Situation, string>>;
}

/** `replace`: something else runs under the same marks. */
export type Misdeed = 'kill' | 'stop' | 'remove' | 'pause' | 'replace';

type World = {
  runtime: Runtime;
  stateDir: string;
  start(name: BehaviourName, more?: Partial<LaunchSpec>): Promise<RunningInstance>;
  spec(name: BehaviourName, more?: Partial<LaunchSpec>): LaunchSpec;
  /** A runtime of the next daemon on the same state directory. */
  next(): Promise<Runtime>;
  events: RuntimeEvent[];
  adapter: RuntimeAdapter;
};

/** Every situation of the contract, and what every runtime does in it. */
const situations = {
  async 'starts an instance and speaks with it'({ runtime, start }) {
    const instance = await start('echo');
    const stream = await speak(runtime);
    expect(await stream.line()).toBe('up');
    stream.say('ping');
    expect(await stream.line()).toBe('ping');
    expect(await runtime.list()).toMatchObject([
      { id: 'server-0', specDigest: 'sha256:one', state: 'running', owned: true, adoptable: true },
    ]);
    expect(instance).toMatchObject({ id: 'server-0', specDigest: 'sha256:one', adopted: false });
    expect(instance.caveats.map(({ severity }) => severity)).not.toContain('error');
    expect(Math.abs(Date.now() - instance.startedAt)).toBeLessThan(60_000);
  },

  async 'returns the running instance of the same digest'({ runtime, start }) {
    const [first, second] = await Promise.all([start('echo'), start('echo')]);
    expect(second).toBe(first);
    expect(await start('echo')).toBe(first);
    expect(await runtime.list()).toHaveLength(1);
  },

  async 'replaces an instance of another digest'({ runtime, start, events }) {
    const first = await start('echo');
    const second = await start('echo', { specDigest: 'sha256:two' });
    expect(second).not.toBe(first);
    await first.exited;
    expect(await runtime.list()).toMatchObject([{ id: 'server-0', specDigest: 'sha256:two', state: 'running' }]);
    expect(await (await speak(runtime)).line()).toBe('up');
    expect(events).toEqual([]);
  },

  async 'keeps two instances apart'({ runtime, start }) {
    const first = await start('echo');
    await start('echo', { id: 'server-1', ordinal: 1 });
    await runtime.remove('server-0');
    await first.exited;
    expect(await runtime.list()).toMatchObject([{ id: 'server-1', state: 'running' }]);
    expect(await (await speak(runtime, 'server-1')).line()).toBe('up');
  },

  async 'says that a program is missing'({ runtime, spec, start }) {
    const missing = spec('echo', { argv: ['/no/such/program'] });
    expect(await outcome(runtime, missing)).toMatchObject({ code: 'SERVER_BINARY_MISSING', resource: 'server/server' });
    await runtime.remove('server-0');
    await start('echo');
  },

  async 'refuses an id that leads elsewhere'({ runtime, spec }) {
    expect(await runtime.ensure(spec('echo', { id: '../../x' }))).toMatchObject({ problem: { code: 'SERVER_EXITED' } });
    expect(await runtime.list()).toEqual([]);
  },

  async 'gives what is declared, the base, and nothing of the daemon’s'({ runtime, start }) {
    process.env.MCPCTL_SECRET_TEST = 'of the daemon';
    await start('environment', { env: { LEVEL: 'debug', EMPTY: '', FILE: '$(HOME)/file', KEPT: '$$(HOME)' } });
    delete process.env.MCPCTL_SECRET_TEST;
    const environment = JSON.parse(await (await speak(runtime)).line());
    expect(environment).toMatchObject({ LEVEL: 'debug', EMPTY: '', LANG: 'C.UTF-8', KEPT: '$(HOME)' });
    expect(environment.FILE).toBe(`${environment.HOME}/file`);
    expect(Object.keys(environment)).toEqual(expect.arrayContaining(['HOME', 'PATH', 'TMPDIR']));
    expect(environment).not.toHaveProperty('MCPCTL_SECRET_TEST');
  },

  async 'replaces references in arguments, never in values of secrets'({ runtime, start, spec }) {
    const { argv } = spec('arguments');
    const env = { PASSWORD: 'a$$(HOME)', FILE: 'f' };
    await start('arguments', { argv: [...argv, '$(FILE)', '$(PASSWORD)'], env, secrets: ['a$$(HOME)'] });
    expect(await (await speak(runtime)).line()).toBe('f a$$(HOME)');
  },

  async 'keeps an instance’s home from one start to the next'({ runtime, start }) {
    await start('settler');
    expect(await (await speak(runtime)).line()).toBe('false');
    await runtime.remove('server-0');
    await start('settler');
    expect(await (await speak(runtime)).line()).toBe('true');
  },

  async 'gives each instance of a network server an address of its own'({ runtime, start }) {
    const more: Partial<LaunchSpec> = { transport: 'streamable-http', path: '/some/mcp' };
    await Promise.all([start('listen', more), start('listen', { ...more, id: 'server-1', ordinal: 1 })]);
    const urls = new Set<string>();
    for (const id of ['server-0', 'server-1']) {
      const { url } = await httpConnection(runtime, id);
      urls.add(url);
      expect(await answerOf(url)).toBe('/some/mcp');
    }
    expect(urls.size).toBe(2);
  },

  async 'tells that an instance failed, and its last line'({ runtime, start, events }) {
    const instance = await start('fail');
    await runtime.connect('server-0');
    expect(await instance.exited).toMatchObject({ code: 3, signal: null, lastLine: 'last' });
    await until(async () => events.length > 0);
    expect(events[0]).toMatchObject({ type: 'exited', id: 'server-0', reason: expect.stringContaining('last') });
    expect((await runtime.list()).filter(({ state }) => state === 'running')).toEqual([]);
    expect(await runtime.connect('server-0')).toMatchObject({ problem: { code: 'SERVER_EXITED' } });
  },

  async 'takes a line without an end for the last one'({ runtime, start }) {
    const instance = await start('half');
    await runtime.connect('server-0');
    expect(await instance.exited).toMatchObject({ code: 1, lastLine: 'half' });
  },

  async 'says when there was nothing said'({ runtime, start }) {
    const instance = await start('quiet');
    await runtime.connect('server-0');
    expect(await instance.exited).toMatchObject({ code: 0, signal: null, lastLine: '' });
  },

  async 'hides secrets in what an instance wrote'({ runtime, start }) {
    const instance = await start('leak', { secrets: ['s3cret'] });
    await runtime.connect('server-0');
    expect(await instance.exited).toMatchObject({ code: 1, lastLine: 'token ***!' });
    expect(instance.logs()).toEqual(['token ***!']);
  },

  async 'keeps what an instance writes, and counts it'({ runtime, start }) {
    const instance = await start('tell', { secrets: ['hidden'] });
    const stream = await speak(runtime);
    expect(await stream.line()).toBe('up');
    for (const line of ['one', 'two', 'hidden']) stream.say(line);
    await until(async () => instance.linesWritten() === 3);
    expect(instance.logs()).toEqual(['one', 'two', '***']);
    expect(await runtime.logs('server-0')).toEqual(['one', 'two', '***']);
    expect(await runtime.logs('nothing-0')).toEqual([]);
  },

  async 'starts again what has ended'({ runtime, start }) {
    const first = await start('quiet');
    await runtime.connect('server-0');
    await first.exited;
    const second = await start('echo', { specDigest: 'sha256:one' });
    expect(second).not.toBe(first);
    expect(await (await speak(runtime)).line()).toBe('up');
  },

  async 'survives a write to a server that is gone'({ runtime, start, adapter, stateDir }) {
    const instance = await start('echo');
    const stream = await speak(runtime);
    await stream.line();
    await adapter.behind.kill?.('server-0', stateDir);
    await instance.exited;
    stream.say('x'.repeat(1_000_000));
    expect(await runtime.list()).not.toMatchObject([{ state: 'running' }]);
  },

  async 'connects again: the newest connection has the output'({ runtime, start }) {
    await start('echo');
    const first = await speak(runtime);
    expect(await first.line()).toBe('up');
    const second = await speak(runtime);
    second.say('again');
    await until(async () => second.lines.includes('again'));
    expect(first.lines).not.toContain('again');
  },

  async 'runs a program where an instance runs'({ runtime, start, adapter }) {
    await start('echo', { env: { LEVEL: 'debug' } });
    const argv = programOf(adapter, 'fail');
    const failed = await runtime.exec('server-0', argv, { timeoutMs: 20_000 });
    expect(failed).toMatchObject({ code: 3, stderr: expect.stringContaining('last') });
    expect(await runtime.exec('server-0', ['/no/such'], { timeoutMs: 20_000 })).toMatchObject({
      problem: { code: 'RUNTIME_EXEC_FAILED' },
    });
    expect(await runtime.exec('nothing-0', argv, { timeoutMs: 20_000 })).toMatchObject({
      problem: { code: 'SERVER_EXITED' },
    });
  },

  async 'ends a program beside an instance that takes too long'({ runtime, start, adapter }) {
    await start('echo');
    const late = await runtime.exec('server-0', programOf(adapter, 'deaf'), { timeoutMs: 500 });
    expect(late).toMatchObject({ problem: { code: 'RUNTIME_EXEC_FAILED' } });
    expect(await runtime.list()).toMatchObject([{ id: 'server-0', state: 'running' }]);
  },

  async 'ends what it is told to remove, quietly'({ runtime, start, events }) {
    const instance = await start('echo');
    await runtime.remove('server-0');
    expect(await runtime.list()).toEqual([]);
    await instance.exited;
    await runtime.remove('server-0');
    await runtime.remove('nothing-0');
    expect(events).toEqual([]);
  },

  async 'ends what does not want to end'({ runtime, start }) {
    const instance = await start('deaf');
    expect(await (await speak(runtime)).line()).toBe('up');
    await runtime.remove('server-0');
    expect(await runtime.list()).toEqual([]);
    expect(await instance.exited).toMatchObject({ signal: 'SIGKILL' });
  },

  async 'ends all at once, and starts no more'({ runtime, start, spec, next }) {
    await Promise.all([start('echo'), start('deaf', { id: 'server-1', ordinal: 1 })]);
    await runtime.close();
    expect(await (await next()).list()).toEqual([]);
    expect(await runtime.ensure(spec('echo'))).toMatchObject({ problem: { code: 'SERVER_EXITED' } });
  },

  async 'stops telling those who do not listen any more'({ runtime, start }) {
    const heard: RuntimeEvent[] = [];
    const stop = runtime.watch(event => heard.push(event));
    stop();
    const instance = await start('quiet');
    await runtime.connect('server-0');
    await instance.exited;
    expect(heard).toEqual([]);
  },

  async 'leaves nothing where instances cannot go on alone'({ runtime, start, next }) {
    const instance = await start('echo');
    await runtime.close({ leave: true });
    await instance.exited;
    expect(await (await next()).list()).toEqual([]);
  },

  async 'leaves instances running for the next daemon, which adopts them'({ runtime, start, spec, next }) {
    const first = await start('echo');
    await (await speak(runtime)).line();
    await runtime.close({ leave: true });
    const second = await next();
    expect(await second.list()).toMatchObject([{ id: 'server-0', state: 'running', owned: true, adoptable: true }]);
    expect(await second.reap()).toEqual([]);
    const adopted = await second.ensure(spec('echo'));
    expect(adopted).toMatchObject({ id: 'server-0', adopted: true, startedAt: first.startedAt });
    const stream = await speak(second);
    stream.say('still there');
    await until(async () => stream.lines.includes('still there'));
    await second.remove('server-0');
    if ('problem' in adopted) throw new Error(adopted.problem.message);
    await adopted.exited;
    expect(await second.list()).toEqual([]);
  },

  async 'replaces what the last daemon left with another digest'({ runtime, start, spec, next }) {
    await start('echo');
    await runtime.close({ leave: true });
    const second = await next();
    expect(await second.ensure(spec('echo', { specDigest: 'sha256:two' }))).toMatchObject({ adopted: false });
    expect(await second.list()).toMatchObject([{ specDigest: 'sha256:two' }]);
  },

  async 'never touches what is another’s'({ runtime, start, adapter }) {
    const other = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-runtime-')));
    const neighbour = await adapter.open(other);
    try {
      await start('echo');
      const theirs = await neighbour.ensure(specOf(adapter, 'echo'));
      if ('problem' in theirs) throw new Error(theirs.problem.message);
      await runtime.remove('server-0');
      await runtime.reap();
      expect(owned(await neighbour.list())).toMatchObject([{ id: 'server-0', state: 'running' }]);
      expect(owned(await runtime.list())).toEqual([]);
    } finally {
      await neighbour.close();
      rmSync(other, { recursive: true, force: true });
    }
  },

  'finds out: killed': misdeed('kill', /SIGKILL/),
  'finds out: stopped': misdeed('stop', /./),
  'finds out: removed': misdeed('remove', /./),

  async 'finds out: paused'({ runtime, start, events, adapter, stateDir, spec }) {
    const first = await start('echo');
    await adapter.behind.pause?.('server-0', stateDir);
    await until(async () => events.some(({ type, id }) => type === 'changed' && id === 'server-0'));
    expect(events[0]?.reason).toMatch(/pause/);
    expect(await runtime.list()).toMatchObject([
      { state: 'paused', adoptable: false, why: expect.stringMatching(/paused/) },
    ]);
    const second = await runtime.ensure(spec('echo'));
    expect(second).toMatchObject({ adopted: false });
    expect(second).not.toBe(first);
    expect(await (await speak(runtime)).line()).toBe('up');
  },

  async 'finds out: something else runs in its place'({ runtime, start, events, adapter, stateDir, spec }) {
    const first = await start('echo');
    await adapter.behind.replace?.('server-0', stateDir);
    await first.exited;
    await until(async () => events.some(({ type }) => type === 'changed'));
    const [found] = await runtime.list();
    expect(found).toMatchObject({ id: 'server-0', specDigest: 'sha256:one', owned: true, adoptable: false });
    expect(found?.why).toMatch(/it runs .+, not .+/);
    expect(events.find(({ type }) => type === 'changed')?.reason).toBe(found?.why);
    expect(await runtime.ensure(spec('echo'))).toMatchObject({ adopted: false });
    expect(await (await speak(runtime)).line()).toBe('up');
    expect(await runtime.list()).toMatchObject([{ adoptable: true }]);
  },
} satisfies Record<string, (world: World) => Promise<void>>;

export type Situation = keyof typeof situations;

/** What every runtime does. Call it from a test file, once for each adapter. */
export function runtimeContract(name: string, adapter: RuntimeAdapter): void {
  let world: World;
  let opened: Runtime[];

  beforeEach(async () => {
    const stateDir = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-runtime-')));
    const open = async () => {
      const runtime = await adapter.open(stateDir);
      opened.push(runtime);
      return runtime;
    };
    opened = [];
    const runtime = await open();
    const events: RuntimeEvent[] = [];
    runtime.watch(event => events.push(event));
    const spec: World['spec'] = (behaviour, more) => specOf(adapter, behaviour, more);
    const start: World['start'] = async (behaviour, more) => {
      const result = await runtime.ensure(spec(behaviour, more));
      if ('problem' in result) throw new Error(result.problem.message);
      return result;
    };
    world = { runtime, stateDir, spec, start, next: open, events, adapter };
  });
  afterEach(async () => {
    for (const runtime of opened) await runtime.close();
    rmSync(world.stateDir, { recursive: true, force: true });
  });

  for (const [situation, check] of Object.entries(situations)) {
    const reason = adapter.not?.[situation as Situation];
    if (reason === undefined) it(`${name}: ${situation}`, () => check(world));
    else it.skip(`${name}: ${situation} (not here: ${reason})`, () => undefined);
  }

  it(`${name}: says its name`, () => expect(world.runtime.name).toBe(name));
}

/** An instance that somebody ended in some way: told by `watch`, by `exited` and by `list`, and started anew. */
function misdeed(what: Misdeed, reason: RegExp): (world: World) => Promise<void> {
  return async ({ runtime, start, events, adapter, stateDir, spec }) => {
    const first = await start('echo');
    expect(await (await speak(runtime)).line()).toBe('up');
    await adapter.behind[what]?.('server-0', stateDir);
    await first.exited;
    await until(async () => events.length > 0);
    expect(events[0]).toMatchObject({ id: 'server-0', reason: expect.stringMatching(reason) });
    expect(['exited', 'removed']).toContain(events[0]?.type);
    expect((await runtime.list()).filter(({ state }) => state === 'running')).toEqual([]);
    expect(await runtime.ensure(spec('echo'))).toMatchObject({ adopted: false });
    expect(await (await speak(runtime)).line()).toBe('up');
  };
}

function programOf(adapter: RuntimeAdapter, name: BehaviourName): string[] {
  return adapter.program?.(name) ?? [...(adapter.behave(name).argv ?? [])];
}

function specOf(adapter: RuntimeAdapter, behaviour: BehaviourName, more: Partial<LaunchSpec> = {}): LaunchSpec {
  return {
    id: 'server-0',
    server: 'server',
    ordinal: 0,
    specDigest: 'sha256:one',
    argv: [],
    env: {},
    transport: 'stdio',
    port: 0,
    path: '/mcp',
    secrets: [],
    ...adapter.behave(behaviour),
    ...more,
  };
}

/** The problem of a spec that cannot run, whether it is found at the start or at the connection. */
async function outcome(runtime: Runtime, spec: LaunchSpec): Promise<unknown> {
  const started = await runtime.ensure(spec);
  if ('problem' in started) return started.problem;
  const connected = await runtime.connect(spec.id);
  return 'problem' in connected ? connected.problem : connected;
}

function owned(found: readonly Observed[]): Observed[] {
  return found.filter(one => one.owned);
}

async function httpConnection(runtime: Runtime, id: string): Promise<Connection & { kind: 'http' }> {
  const connection = await runtime.connect(id);
  if ('problem' in connection || connection.kind !== 'http') throw new Error(JSON.stringify(connection));
  return connection;
}

async function answerOf(url: string): Promise<string> {
  for (;;) {
    const text = await fetch(url).then(
      response => response.text(),
      () => undefined,
    );
    if (text !== undefined) return text;
    await sleep(20);
  }
}

/** A connection by lines. */
async function speak(runtime: Runtime, id = 'server-0') {
  const connection = await runtime.connect(id);
  if ('problem' in connection) throw new Error(connection.problem.message);
  if (connection.kind !== 'stdio') throw new Error('not stdio');
  const { stdin, stdout } = connection;
  stdin.on('error', () => undefined);
  const lines = linesOf(stdout);
  let read = 0;
  return {
    lines: lines.seen,
    say: (text: string) => void stdin.write(`${text}\n`),
    async line(): Promise<string> {
      await until(async () => lines.seen.length > read);
      return lines.seen[read++] ?? '';
    },
  };
}

function linesOf(stream: Readable): { seen: string[] } {
  const seen: string[] = [];
  stream.on('error', () => undefined);
  createInterface({ input: stream }).on('line', line => seen.push(line));
  return { seen };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}
