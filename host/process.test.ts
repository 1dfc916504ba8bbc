import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endChild, endGroup, findByFolder, identify, isSame } from './process.ts';

const started: ChildProcess[] = [];
let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcpctl-process-')));
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Start Node on a script; resolves with the pids it prints (its own, and those of what it starts) once all are up. */
async function start(script: string, options: { env?: NodeJS.ProcessEnv; cwd?: string } = {}): Promise<number[]> {
  const child = spawn(process.execPath, ['-e', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, ...options.env },
    cwd: options.cwd ?? tmpdir(),
  });
  started.push(child);
  const line = await new Promise<string>(resolve => child.stdout.once('data', data => resolve(String(data))));
  return line.trim().split(' ').map(Number);
}

const idle = 'setInterval(() => {}, 1e6);';
const report = 'console.log(process.pid);';
/** A child that prints its parent's pid and its own, so that it is known to be up. */
function withChild(options: { detached: boolean; ignoresTerm?: boolean }): string {
  const child = `${options.ignoresTerm ? 'process.on("SIGTERM", () => {});' : ''} console.log(process.ppid + " " + process.pid); ${idle}`;
  return `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}],
    { detached: ${options.detached}, stdio: ['ignore', 'inherit', 'inherit'] }); ${idle}`;
}

function runs(pid: number): boolean {
  return identify(pid) !== undefined;
}

describe('identity', () => {
  it('holds while the process runs and never for another', async () => {
    const [pid = 0] = await start(report + idle);
    const identity = identify(pid);
    if (!identity) throw new Error('not identified');
    expect(isSame(identity)).toBe(true);
    expect(isSame({ ...identity, startTime: `${identity.startTime}0` })).toBe(false);
    expect(isSame({ ...identity, bootId: 'another' })).toBe(false);
    await endGroup(identity, { graceMs: 1_000 });
    expect(isSame(identity)).toBe(false);
    expect(identify(pid)).toBeUndefined();
  });
});

describe('endGroup', () => {
  it.each([
    ['a process by itself', report + idle],
    ['a child in the same group', withChild({ detached: false })],
    ['a child that left the group', withChild({ detached: true })],
    ['a child that ignores SIGTERM', withChild({ detached: false, ignoresTerm: true })],
    ['a process that ignores SIGTERM', `process.on('SIGTERM', () => {}); ${report} ${idle}`],
  ])('ends %s', async (_situation, script) => {
    const pids = await start(script);
    const identity = identify(pids[0] ?? 0);
    if (!identity) throw new Error('not identified');
    await endGroup(identity, { graceMs: 100 });
    expect(pids.filter(runs)).toEqual([]);
  });

  it('leaves a process alone that only has the same pid', async () => {
    const [pid = 0] = await start(report + idle);
    await endGroup({ ...identify(pid), pid, startTime: '1', bootId: 'x' }, { graceMs: 10 });
    expect(runs(pid)).toBe(true);
  });
});

describe('endChild', () => {
  it.each([
    ['that runs, with its group', false, false],
    ['whose child ignores SIGTERM', true, false],
    ['that was killed: what it left in its group', false, true],
  ])('ends a child %s', async (_situation, ignoresTerm, killedBefore) => {
    const pids = await start(withChild({ detached: false, ignoresTerm }));
    const leader = started.at(-1);
    if (!leader) throw new Error('not started');
    if (killedBefore) {
      const gone = new Promise(resolve => leader.once('exit', resolve));
      leader.kill('SIGKILL');
      await gone;
    }
    expect(pids.some(runs)).toBe(true);
    await endChild(leader, { graceMs: 100 });
    expect(pids.filter(runs)).toEqual([]);
  });
});

describe.runIf(process.platform === 'linux')('findByFolder', () => {
  it.each([
    ['by its home', (at: string) => ({ env: { HOME: join(at, 'one') } }), ['one']],
    [
      'by its folder for temporary files',
      (at: string) => ({ env: { HOME: '/', TMPDIR: join(at, 'one/tmp') } }),
      ['one'],
    ],
    ['not when it works in the folder itself', (at: string) => ({ cwd: at, env: { HOME: '/' } }), []],
    ['not when it only has a similar home', (at: string) => ({ env: { HOME: `${at}-other/one` } }), []],
  ])('%s', async (_situation, options, parts) => {
    const [pid] = await start(report + idle, options(folder));
    const found = await findByFolder(folder);
    expect(found.map(entry => entry.part)).toEqual(parts);
    expect(found.map(entry => entry.pid)).toEqual(parts.map(() => pid));
  });

  it('finds a process that works in a folder below', async () => {
    const [pid] = await start(report + idle, { cwd: folder, env: { HOME: '/' } });
    const parent = join(folder, '..');
    expect((await findByFolder(parent)).map(entry => entry.pid)).toContain(pid);
  });
});
