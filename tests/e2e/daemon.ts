import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Status } from '../../reconciler/index.ts';

const root = join(import.meta.dirname, '..', '..');

/** `mcpctl up` as a user runs it: a process of its own. */
export interface UpProcess {
  child: ChildProcess;
  stateDir: string;
  url: string;
  token: string;
  /** Everything it wrote to stderr so far. */
  stderr(): string;
  status(): Promise<Status>;
  /** The first status for which the condition holds; rejects with the last one seen after `timeoutMs`. */
  until(what: string, condition: (status: Status) => boolean, timeoutMs?: number): Promise<Status>;
  /** SIGTERM and wait for its end. @returns the exit code */
  stop(): Promise<number | null>;
}

export interface UpProcessOptions {
  repository: string;
  /** The command's file; the checkout's unless given. */
  entry?: string;
  stateDir: string;
  args?: string[];
  env?: Record<string, string>;
  /** Told each line of its stderr. */
  onLine?(line: string): void;
  /** Its stderr goes to this file, and it outlives this process. */
  logFile?: string;
}

/** Start `mcpctl up` on any free port and wait until its gateway answers. */
export async function startUp(options: UpProcessOptions): Promise<UpProcess> {
  const {
    repository,
    entry = join(root, 'cli', 'mcpctl.mjs'),
    stateDir,
    args = [],
    env = {},
    onLine,
    logFile,
  } = options;
  const errors = logFile === undefined ? 'pipe' : openSync(logFile, 'w');
  const child = spawn(process.execPath, [entry, 'up', repository, '--state-dir', stateDir, '--port', '0', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', errors],
    detached: logFile !== undefined,
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    if (onLine) for (const line of chunk.split('\n').filter(Boolean)) onLine(line);
  });
  const file = join(stateDir, 'daemon.json');
  await poll('mcpctl up to announce itself', 30_000, () => {
    if (child.exitCode !== null) throw new Error(`mcpctl up ended with ${child.exitCode}:\n${stderr}`);
    return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).pid === child.pid;
  });
  const { url } = JSON.parse(readFileSync(file, 'utf8')) as { url: string };
  const token = readFileSync(join(stateDir, 'token'), 'utf8').trim();

  async function status(): Promise<Status> {
    const answer = await fetch(`${url}/api/v1/status`, { headers: { authorization: `Bearer ${token}` } });
    return (await answer.json()) as Status;
  }

  return {
    child,
    stateDir,
    url,
    token,
    stderr: () => stderr,
    status,
    async until(what, condition, timeoutMs = 60_000) {
      let last: Status | undefined;
      await poll(what, timeoutMs, async () => {
        last = await status();
        return condition(last);
      }).catch(error => {
        throw new Error(`${error.message}\n${JSON.stringify(last, undefined, 1)}\n${stderr}`);
      });
      if (!last) throw new Error('no status');
      return last;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = (await exit) as [number | null];
      return code;
    },
  };
}

/** Ask every 20 ms until it is so. */
export async function poll(what: string, timeoutMs: number, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

export function condition(status: { conditions: Status['conditions'] }, type: string): string | undefined {
  return status.conditions.find(one => one.type === type)?.status;
}
