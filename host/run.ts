import { type ChildProcess, spawn } from 'node:child_process';

/** Between the polite signal and the one that cannot be refused. */
const KILL_GRACE_MS = 2_000;
/** How long output is awaited after the process itself has ended: something it left behind may hold the pipe open. */
const DRAIN_MS = 1_000;
const MAX_STDERR_BYTES = 64 * 1024;

export interface RunOptions {
  cwd?: string;
  /** The whole environment; the parent's when left out. */
  env?: NodeJS.ProcessEnv;
  timeoutMs?: number;
  /** Standard output beyond this ends the run. 16 MiB unless given. */
  maxOutputBytes?: number;
  signal?: AbortSignal;
  /** Given each piece of standard output as it comes; it is not kept then. */
  onOutput?: (piece: Buffer) => void;
  /** Written to standard input, which is closed after it; without it there is no input. */
  input?: string | Uint8Array;
  /** Written after `input`, as soon as the program has written something. */
  reply?: string;
}

export interface RunResult {
  /** Exit status; null when a signal ended it or it never started. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  /** The last 64 KiB. Not redacted. */
  stderr: string;
  timedOut: boolean;
  aborted: boolean;
  /** Standard output was longer than allowed; `stdout` holds its beginning. */
  truncated: boolean;
  /** Why it could not be started (`ENOENT`, `EACCES`, …). */
  spawnError?: NodeJS.ErrnoException;
}

/**
 * Run a program to its end and collect its output. argv is given as it is: no shell ever reads it. The program leads a
 * process group of its own; a time-out, an abort or too much output ends the whole group. Never rejects.
 */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { signal, input, timeoutMs, maxOutputBytes = 16 * 1024 * 1024 } = options;
  const result: RunResult = {
    code: null,
    signal: null,
    stdout: Buffer.alloc(0),
    stderr: '',
    timedOut: false,
    aborted: signal?.aborted ?? false,
    truncated: false,
  };
  const [command, ...args] = argv;
  if (command === undefined) return Promise.resolve({ ...result, spawnError: new Error('no command') });
  if (result.aborted) return Promise.resolve(result);

  return new Promise(resolve => {
    let child: ChildProcess;
    try {
      child = spawn(command, args, {
        cwd: options.cwd,
        env: options.env,
        detached: true,
        stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      });
    } catch (error) {
      // Node throws for what it refuses by itself, such as a NUL byte in an argument.
      resolve({ ...result, spawnError: error as NodeJS.ErrnoException });
      return;
    }
    const stdout: Buffer[] = [];
    const stderr = lastBytes(MAX_STDERR_BYTES);
    const timers: NodeJS.Timeout[] = [];
    let stdoutBytes = 0;
    let ending = false;
    let settled = false;

    function end(): void {
      if (ending) return;
      ending = true;
      signalGroup(child, 'SIGTERM');
      timers.push(setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_GRACE_MS));
      timers.push(setTimeout(settle, KILL_GRACE_MS + DRAIN_MS));
    }
    function settle(): void {
      if (settled) return;
      settled = true;
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (ending) signalGroup(child, 'SIGKILL');
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve({ ...result, stdout: Buffer.concat(stdout), stderr: stderr.text() });
    }
    function onAbort(): void {
      result.aborted = true;
      end();
    }

    signal?.addEventListener('abort', onAbort, { once: true });
    if (timeoutMs !== undefined) {
      const onTimeout = () => {
        result.timedOut = true;
        end();
      };
      timers.push(setTimeout(onTimeout, timeoutMs));
    }
    child.stdout?.on('data', (chunk: Buffer) => {
      if (result.truncated) return;
      const room = maxOutputBytes - stdoutBytes;
      const piece = chunk.subarray(0, room);
      if (options.onOutput) options.onOutput(piece);
      else stdout.push(piece);
      stdoutBytes += Math.min(room, chunk.length);
      if (chunk.length <= room) return;
      result.truncated = true;
      end();
    });
    child.stderr?.on('data', stderr.add);
    child.stdin?.on('error', () => undefined);
    if (options.reply === undefined) child.stdin?.end(input);
    else {
      child.stdin?.write(input ?? '');
      child.stdout?.once('data', () => child.stdin?.end(options.reply));
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      result.spawnError = error;
      settle();
    });
    child.on('exit', (code, killedBy) => {
      result.code = code;
      result.signal = killedBy;
      timers.push(setTimeout(end, DRAIN_MS));
    });
    child.on('close', settle);
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}

function lastBytes(limit: number): { add: (chunk: Buffer) => void; text: () => string } {
  const chunks: Buffer[] = [];
  let total = 0;
  return {
    add(chunk) {
      chunks.push(chunk);
      total += chunk.length;
      while (chunks.length > 1 && total - (chunks[0]?.length ?? 0) >= limit) total -= chunks.shift()?.length ?? 0;
    },
    text: () => Buffer.concat(chunks).subarray(-limit).toString('utf8'),
  };
}
