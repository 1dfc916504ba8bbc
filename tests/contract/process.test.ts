import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify } from '../../host/index.ts';
import {
  type Connection,
  type LaunchSpec,
  openProcessRuntime,
  type ProcessRecord,
  type RunningInstance,
  type Runtime,
} from '../../reconciler/runtimes/index.ts';
import { connectionOf } from './connection.ts';
import { processRecords } from './process-records.ts';

const daemon = fileURLToPath(import.meta.resolve('./crash-daemon.ts'));

const idle = 'setInterval(() => {}, 1e6);';
const deaf = 'process.on("SIGTERM", () => {}); process.stdin.resume();';
const hello = 'console.log("up " + process.pid);';
/** Answers each line with the same line. */
const echo = `${hello} process.stdin.pipe(process.stdout);`;

/** Of an instance that ended before it could be asked for one. */
const nothing: Connection = { kind: 'http', url: '' };

type Started = RunningInstance & { pid: number; connection: Connection };

/** A server that starts another process, which says the pids of both. */
function parent(options: { detached: boolean; child?: string }): string {
  const child = `${options.child ?? ''} console.log("up " + process.ppid + " " + process.pid); ${idle}`;
  return `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}],
    { detached: ${options.detached}, stdio: ['ignore', 'inherit', 'inherit'] }); ${idle}`;
}

describe('the process runtime', () => {
  let stateDir: string;
  let runtime: Runtime;

  beforeEach(() => {
    stateDir = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-runtime-')));
    runtime = open(stateDir);
  });
  afterEach(async () => {
    await runtime.close();
    rmSync(stateDir, { recursive: true, force: true });
  });

  function spec(script: string, more: Partial<LaunchSpec> = {}): LaunchSpec {
    return {
      id: 'server-0',
      server: 'server',
      ordinal: 0,
      specDigest: 'sha256:one',
      argv: [process.execPath, '-e', script],
      env: {},
      transport: 'stdio',
      port: 0,
      path: '/mcp',
      secrets: [],
      ...more,
    };
  }

  async function start(script: string, more: Partial<LaunchSpec> = {}): Promise<Started> {
    const result = await runtime.ensure(spec(script, more));
    if ('problem' in result) throw new Error(result.problem.message);
    return { ...result, pid: result.pid ?? 0, connection: await connectionOf(runtime, result.id).catch(() => nothing) };
  }

  describe(`starting`, () => {
    it('ends the process of another digest', async () => {
      const first = await start(echo);
      const second = await start(echo, { specDigest: 'sha256:two' });
      expect(runs(first.pid)).toBe(false);
      expect(second.pid).not.toBe(first.pid);
      expect(await runtime.list()).toMatchObject([{ pid: second.pid }]);
    });

    it.each([
      ['not there', 'no-such-program-of-ours'],
      ['not there, by path', '/no/such/program'],
      ['not executable', 'FILE'],
      ['a folder', '/'],
    ])('says that a program is missing: %s', async (_situation, program) => {
      const file = join(stateDir, 'plain');
      writeFileSync(file, 'text');
      chmodSync(file, 0o600);
      const result = await runtime.ensure(spec('', { argv: [program === 'FILE' ? file : program] }));
      expect(result).toMatchObject({ problem: { code: 'SERVER_BINARY_MISSING', resource: 'server/server' } });
      expect(await runtime.list()).toEqual([]);
      await start(echo);
    });

    it('refuses an argument no system takes', async () => {
      const more = { argv: [process.execPath, 'a\0b'] };
      expect(await runtime.ensure(spec('', more))).toMatchObject({ problem: { code: 'SERVER_EXITED' } });
    });
  });

  describe(`environment`, () => {
    const print = `console.log(JSON.stringify({ ...process.env, cwd: process.cwd() })); ${idle}`;
    const base = ['HOME', 'LANG', 'PATH', 'TMPDIR', 'cwd'];

    it('is exactly what is declared, and the base', async () => {
      process.env.MCPCTL_SECRET_TEST = 'of the daemon';
      const environment = JSON.parse(await firstLine(await start(print, { env: { LEVEL: 'debug', EMPTY: '' } })));
      delete process.env.MCPCTL_SECRET_TEST;
      expect(Object.keys(environment).sort()).toEqual(['EMPTY', ...base.slice(0, 2), 'LEVEL', ...base.slice(2)]);
      expect(environment).toMatchObject({ LEVEL: 'debug', EMPTY: '', LANG: 'C.UTF-8' });
      expect(environment.cwd).toBe(environment.HOME);
      expect(environment.TMPDIR).toBe(`${environment.HOME}/tmp`);
    });

    it('is in the folder that is declared, which has to be there', async () => {
      const environment = JSON.parse(await firstLine(await start(print, { cwd: '/' })));
      expect(environment.cwd).toBe('/');
      expect(environment.HOME).not.toBe('/');
      const gone = await runtime.ensure(spec(print, { id: 'server-1', cwd: `${stateDir}/gone` }));
      expect(gone).toMatchObject({ problem: { message: expect.stringContaining(`no folder ${stateDir}/gone`) } });
    });

    it('what is declared wins over the base', async () => {
      const environment = JSON.parse(await firstLine(await start(print, { env: { HOME: '/', LANG: 'C' } })));
      expect(environment).toMatchObject({ HOME: '/', LANG: 'C' });
      expect(environment.cwd).not.toBe('/');
    });

    it('references are replaced, values of secrets are not read', async () => {
      const env = { FILE: '$(HOME)/file', KEPT: '$$(HOME)', PASSWORD: 'a$$(HOME)' };
      const argv = [
        process.execPath,
        '-e',
        'console.log(process.argv[1], process.env.KEPT, process.env.PASSWORD)',
        '$(FILE)',
      ];
      const instance = await start('', { argv, env, secrets: ['a$$(HOME)'] });
      expect(await firstLine(instance)).toMatch(/^\/.*\/file \$\(HOME\) a\$\$\(HOME\)$/);
    });

    it('its home is kept from one start to the next, its temporary files are not', async () => {
      const script = `const { existsSync, writeFileSync } = require('node:fs');
        const files = [process.env.HOME + '/kept', process.env.TMPDIR + '/dropped'];
        const before = files.map(file => existsSync(file)).join();
        for (const file of files) writeFileSync(file, '');
        console.log(before); ${idle}`;
      expect(await firstLine(await start(script))).toBe('false,false');
      await runtime.remove('server-0');
      expect(await firstLine(await start(script))).toBe('true,false');
    });
  });

  describe(`Streamable HTTP`, () => {
    const listen = `require('node:http').createServer((request, response) => response.end(request.url))
      .listen(process.env.PORT, '127.0.0.1', () => console.error('listening'));`;

    it('gives each instance a free port, also in its arguments', async () => {
      const more: Partial<LaunchSpec> = { transport: 'streamable-http', path: '/some/mcp' };
      const argv = [process.execPath, '-e', `console.error(process.argv[1]); ${listen}`, 'port=$(PORT)'];
      const instances = await Promise.all([start('', { ...more, argv }), start('', { ...more, argv, id: 'server-1' })]);
      const urls = new Set<string>();
      for (const { connection, logs } of instances) {
        if (connection.kind !== 'http') throw new Error('not http');
        urls.add(connection.url);
        await until(() => logs().includes('listening'));
        expect(await (await fetch(connection.url)).text()).toBe('/some/mcp');
        expect(logs()).toContain(`port=${new URL(connection.url).port}`);
      }
      expect(urls.size).toBe(2);
    });

    it.each([['127.0.0.1'], ['0.0.0.0'], ['::']])('says that a port is taken on %s, and by whom', async host => {
      const holder = createServer().listen({ port: 0, host });
      await once(holder, 'listening');
      const address = holder.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      const taken = await runtime.ensure(spec(listen, { transport: 'streamable-http', port }));
      expect(taken).toMatchObject({ problem: { code: 'PORT_TAKEN' } });
      if ('problem' in taken) expect(taken.problem.message).toContain(String(port));
      holder.close();
      await once(holder, 'close');
      const instance = await start(listen, { transport: 'streamable-http', port });
      expect(instance.connection).toEqual({ kind: 'http', url: `http://127.0.0.1:${port}/mcp` });
      const second = await runtime.ensure(spec(listen, { transport: 'streamable-http', port, id: 'server-1' }));
      expect(second).toMatchObject({ problem: { message: expect.stringContaining('server-0') } });
    });
  });

  describe(`exits and logs`, () => {
    it.each([
      ['a signal', 'process.kill(process.pid, "SIGKILL")', { code: null, signal: 'SIGKILL' }],
      ['something left behind', `${parent({ detached: false })} setTimeout(() => process.exit(4), 200)`, { code: 4 }],
    ])('reports an exit: %s', async (_situation, script, expected) => {
      const instance = await start(script, { secrets: ['s3cret'] });
      expect(await instance.exited).toMatchObject(expected);
      expect(await runtime.list()).toEqual([]);
    });

    it('ends what a server that died left in its group', async () => {
      const instance = await start(parent({ detached: false }));
      const pids = pidsIn(await firstLine(instance));
      process.kill(instance.pid, 'SIGKILL');
      await instance.exited;
      expect(pids.filter(runs)).toEqual([]);
    });

    it.each([
      ['is gone', 'process.exit(0)'],
      ['closed its input', `require('node:fs').closeSync(0); ${hello} ${idle}`],
    ])('survives a write to a server that %s', async (_situation, script) => {
      const instance = await start(script);
      if (instance.connection.kind !== 'stdio') throw new Error('not stdio');
      const { stdin, stdout } = instance.connection;
      const closed = new Promise(resolve => stdin.once('close', resolve));
      if (script.includes(hello)) await firstLine(instance);
      else await instance.exited;
      stdin.write('x'.repeat(1_000_000));
      await closed;
      stdout.resume();
    });

    it('keeps little of a line of 100 MB, and the line after it', async () => {
      const script = `const chunk = Buffer.alloc(1e6, 'x'); let left = 100;
        const more = () => left-- > 0 ? process.stderr.write(chunk, more) : process.stderr.write('\\nafter\\n', () => { ${hello} });
        more(); ${idle}`;
      const instance = await start(script);
      expect(await firstLine(instance)).toMatch(/^up/);
      await until(() => instance.logs().includes('after'));
      expect(instance.logs().map(line => line.length)).toEqual([2_048, 5]);
    });

    it('does not read what nobody asked for', async () => {
      const script = `let written = 0; const chunk = Buffer.alloc(65536, 'x');
        const more = () => process.stdout.write(chunk, () => { written += chunk.length; more(); });
        setInterval(() => console.error(written), 50); more();`;
      const instance = await start(script);
      await until(() => instance.logs().length >= 4);
      expect(Number(instance.logs().at(-1))).toBeLessThan(2_000_000);
    });
  });

  describe(`removing`, () => {
    it.each([
      ['a server', echo],
      ['a server that ignores SIGTERM', `${deaf} ${hello} ${idle}`],
      ['what it started', parent({ detached: false })],
      ['what it started and left its group', parent({ detached: true })],
      ['what it started and ignores SIGTERM', parent({ detached: true, child: deaf })],
    ])('ends %s', async (_situation, script) => {
      const instance = await start(script);
      const pids = pidsIn(await firstLine(instance));
      expect(pids.every(runs)).toBe(true);
      await runtime.remove(instance.id);
      expect(pids.filter(runs)).toEqual([]);
      expect(await runtime.list()).toEqual([]);
      await instance.exited;
      await runtime.remove(instance.id);
    });

    it('ends all of them at once, and starts no more', async () => {
      const scripts = [echo, `${deaf} ${hello} ${idle}`, parent({ detached: true })];
      const instances = await Promise.all(scripts.map((script, n) => start(script, { id: `server-${n}` })));
      const pids = (await Promise.all(instances.map(firstLine))).flatMap(pidsIn);
      await runtime.close();
      expect(pids.filter(runs)).toEqual([]);
      expect(await runtime.ensure(spec(echo))).toMatchObject({ problem: { code: 'SERVER_EXITED' } });
    });
  });

  describe(`after a daemon was killed`, () => {
    const servers = [
      ['a server', echo],
      ['a server that ignores SIGTERM and the end of its input', `${deaf} ${hello} ${idle}`],
      ['what a server started', parent({ detached: false })],
      ['what left its group', parent({ detached: true })],
    ] as const;
    const situations = servers.flatMap(([what, script]) => [
      [what, true, script] as const,
      [`${what}, never written down`, false, script] as const,
    ]);

    it.each(situations)('ends %s', async (_situation, recorded, script) => {
      const { runtime: next, lines } = await crash(stateDir, [spec(script)], { recorded });
      const pids = lines.flatMap(pidsIn);
      expect(pids.length).toBeGreaterThan(0);
      const left = pids.filter(runs);
      const ended = await next.reap();
      expect(pids.filter(runs)).toEqual([]);
      if (left.length > 0 && script !== echo) expect(ended).toEqual(['server-0']);
      expect(await next.reap()).toEqual([]);
      await next.close();
    });

    it('ends a server that hides where it came from, by what was written down', async () => {
      const script = `process.chdir('/'); ${deaf} ${hello} ${idle}`;
      const hidden = spec(script, { env: { HOME: '/', TMPDIR: '/tmp' } });
      const { runtime: next, lines } = await crash(stateDir, [hidden], { recorded: true });
      const pids = lines.flatMap(pidsIn);
      expect(pids.filter(runs)).toEqual(pids);
      expect(await next.reap()).toEqual(['server-0']);
      expect(pids.filter(runs)).toEqual([]);
      await next.close();
    });

    it('leaves alone what runs now', async () => {
      const instance = await start(echo);
      expect(await runtime.reap()).toEqual([]);
      expect(await runtime.list()).toMatchObject([{ pid: instance.pid }]);
      expect(await firstLine(instance)).toMatch(/^up/);
    });
  });
});

async function firstLine({ connection }: Started): Promise<string> {
  if (connection.kind !== 'stdio') throw new Error('not stdio');
  const lines = createInterface({ input: connection.stdout });
  const [line] = await once(lines, 'line');
  lines.close();
  connection.stdout.resume().pause();
  return String(line);
}

/** `up 12 34` */
function pidsIn(line: string): number[] {
  return line.split(' ').slice(1).map(Number);
}

/** An orphan that nobody asks for its exit status has ended all the same. */
function runs(pid: number): boolean {
  return identify(pid) !== undefined;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

function open(stateDir: string, records = processRecords()): Runtime {
  return openProcessRuntime({ stateDir, records, env: process.env, graceMs: 300 });
}

/**
 * Start the specs in a daemon of its own, end that with SIGKILL, and open a runtime on what it left.
 * @param options.recorded false: as if the daemon was killed before it could write down what it had started
 * @returns the first line of each instance's stdout too
 */
async function crash(stateDir: string, specs: LaunchSpec[], { recorded }: { recorded: boolean }) {
  const child = spawn(process.execPath, [daemon, JSON.stringify({ stateDir, specs })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(createInterface({ input: child.stdout }), 'line');
  const { lines, rows } = JSON.parse(String(said)) as { lines: string[]; rows: ProcessRecord[] };
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { runtime: open(stateDir, processRecords(recorded ? rows : [])), lines };
}
