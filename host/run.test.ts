import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { run } from './run.ts';

const node = (script: string, ...args: string[]) => [process.execPath, '-e', script, ...args];

/** Whether a process exists and is not a zombie waiting for its parent. */
async function isGone(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await sleep(50);
  }
  return false;
}

describe('run', () => {
  it('collects output and exit status', async () => {
    const result = await run(node('console.log("out"); console.error("err"); process.exitCode = 3'));
    expect(result).toMatchObject({ code: 3, signal: null, stderr: 'err\n', timedOut: false, truncated: false });
    expect(result.stdout.toString()).toBe('out\n');
  });

  it('gives arguments as they are: no shell reads them', async () => {
    const result = await run(node('console.log(process.argv[1])', '$(id) `id`; "x" *'));
    expect(result.stdout.toString()).toBe('$(id) `id`; "x" *\n');
  });

  it('gives only the environment asked for', async () => {
    const result = await run(node('console.log(JSON.stringify(process.env))'), { env: { ONLY: '1' } });
    expect(JSON.parse(result.stdout.toString())).toEqual({ ONLY: '1' });
  });

  it('writes the input', async () => {
    const result = await run(node('process.stdin.pipe(process.stdout)'), { input: 'hello' });
    expect(result.stdout.toString()).toBe('hello');
  });

  it.each([
    ['a command that does not exist', ['/nonexistent/command'], 'ENOENT'],
    ['a NUL byte in an argument', ['echo', 'a\0b'], 'ERR_INVALID_ARG_VALUE'],
  ])('tells why it could not start: %s', async (_situation, argv, code) => {
    expect((await run(argv)).spawnError?.code).toBe(code);
  });

  it('ends the whole group at the time-out, also what ignores SIGTERM', async () => {
    const stubborn = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)';
    const script = `
      const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(stubborn)}]);
      console.log(child.pid);
      setInterval(() => {}, 1000);`;
    const result = await run(node(script), { timeoutMs: 1_000 });
    expect(result).toMatchObject({ timedOut: true, code: null, signal: 'SIGTERM' });
    expect(await isGone(Number(result.stdout.toString()))).toBe(true);
  });

  it('ends at an abort', async () => {
    const controller = new AbortController();
    const running = run(node('setInterval(() => {}, 1000)'), { signal: controller.signal });
    controller.abort();
    expect(await running).toMatchObject({ aborted: true, timedOut: false, signal: 'SIGTERM' });
  });

  it('starts nothing after an abort', async () => {
    expect(await run(['/nonexistent'], { signal: AbortSignal.abort() })).toMatchObject({ aborted: true, code: null });
  });

  it('ends a program that prints more than allowed', async () => {
    const result = await run(node('setInterval(() => process.stdout.write("x".repeat(1e5)), 1)'), {
      maxOutputBytes: 1_000,
    });
    expect(result.truncated).toBe(true);
    expect(result.stdout.length).toBe(1_000);
  });

  it('keeps the end of a long stderr', async () => {
    const result = await run(node('process.stderr.write("x".repeat(1e6) + "last")'));
    expect(result.stderr.length).toBe(64 * 1024);
    expect(result.stderr.endsWith('xlast')).toBe(true);
  });

  it('does not wait for what was left behind with the output still open', async () => {
    const script = `
      const child = require('node:child_process').spawn('sleep', ['60'], { stdio: 'inherit' });
      console.log(child.pid);
      process.exit(0);`;
    const result = await run(node(script));
    expect(result).toMatchObject({ code: 0, timedOut: false });
    expect(await isGone(Number(result.stdout.toString()))).toBe(true);
  });
});
