import { type ChildProcess, fork, spawn } from 'node:child_process';
import type { ParsedFile } from '../../schema/index.ts';
import type { Answer, Progress, Reply, Request } from './protocol.ts';

/** Why there is no answer. */
export interface Ended {
  ended: 'time' | 'exit' | 'abort';
}

/** Half of what V8 takes for new objects. */
const YOUNG_MB = 4;
/** How much more than what is in use it takes before it collects garbage. */
const GROWING_PERCENT = 25;

export interface ChildOptions {
  program: URL;
  args: readonly string[];
  memoryMb: number;
}

export interface AskOptions {
  timeoutMs: number;
  /** For each file that is announced: who, and how long it may take. Without it, the time is for the whole request. */
  fileTimeoutMs?: number;
  /** A file is about to be parsed. */
  onParsing?: (oid: string) => void;
  /** More of what was asked for. */
  onFiles?: (files: ParsedFile[]) => void;
  /** What came before does not count. */
  onBegin?: () => void;
  signal?: AbortSignal | undefined;
}

/** One reader process. After anything but an answer it is dead, or about to be. */
export class ReaderChild {
  private readonly child: ChildProcess;
  readonly exited: Promise<void>;
  private killed = false;

  constructor({ program, args, memoryMb }: ChildOptions) {
    this.child = fork(program, args, {
      cwd: '/',
      // No secret, no NODE_OPTIONS: git is all it needs to find.
      env: { PATH: process.env.PATH },
      execArgv: [
        `--max-old-space-size=${memoryMb}`,
        // It lives for one commit: what more would save in time is not worth the memory.
        `--max-semi-space-size=${YOUNG_MB}`,
        `--heap-growing-percent=${GROWING_PERCENT}`,
        '--disable-warning=ExperimentalWarning',
      ],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const stopWatching = endWithThisProcess(this.child);
    this.exited = new Promise(resolve => {
      this.child.once('exit', () => resolve());
      this.child.once('error', () => resolve());
    });
    void this.exited.then(stopWatching);
  }

  get alive(): boolean {
    return !this.killed && this.child.connected && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Ask one thing; the caller waits for the answer before it asks another. Ends the process when time is up. */
  ask(request: Request, options: AskOptions): Promise<Answer | Ended> {
    const { timeoutMs, fileTimeoutMs, signal } = options;
    return new Promise(resolve => {
      const finish = (result: Answer | Ended) => {
        clearTimeout(timer);
        this.child.off('message', onMessage);
        signal?.removeEventListener('abort', onAbort);
        if ('ended' in result) this.kill();
        resolve(result);
      };
      const onMessage = (reply: Reply) => {
        if (!isProgress(reply)) return finish(reply);
        try {
          tell(reply, options);
        } catch {
          // Whatever has become of the process, it is of no use any more.
          finish({ ended: 'exit' });
        }
        if (fileTimeoutMs === undefined || reply.type !== 'parsing') return;
        clearTimeout(timer);
        timer = setTimeout(onTimeout, fileTimeoutMs);
      };
      const onTimeout = () => finish({ ended: 'time' });
      const onAbort = () => finish({ ended: 'abort' });
      let timer = setTimeout(onTimeout, timeoutMs);
      if (signal?.aborted) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.child.on('message', onMessage);
      void this.exited.then(() => finish({ ended: 'exit' }));
      this.child.send(request, error => error && finish({ ended: 'exit' }));
    });
  }

  kill(): void {
    this.killed = true;
    this.child.kill('SIGKILL');
  }
}

function isProgress(reply: Reply): reply is Progress {
  return reply.type === 'begin' || reply.type === 'parsing' || reply.type === 'files';
}

/** @throws SyntaxError */
function tell(progress: Progress, { onBegin, onParsing, onFiles }: AskOptions): void {
  if (progress.type === 'begin') onBegin?.();
  else if (progress.type === 'parsing') onParsing?.(progress.oid);
  else onFiles?.(JSON.parse(progress.files));
}

/**
 * A process that is stuck in parsing does not see that its parent is gone. A shell does, whose input ends with this
 * process, however it ends. @returns to be called when the child has ended
 */
function endWithThisProcess({ pid }: ChildProcess): () => void {
  if (pid === undefined) return () => undefined;
  const watcher = spawn('/bin/sh', ['-c', 'read -r _; kill -9 "$1"', 'sh', `${pid}`], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.on('error', () => undefined);
  watcher.stdin.on('error', () => undefined);
  return () => void watcher.kill('SIGKILL');
}
