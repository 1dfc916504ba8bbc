import { PassThrough } from 'node:stream';
import type { Clock } from '../../../host/index.ts';
import { createLogRing } from '../log-ring.ts';
import type { Connection, Exit, LaunchSpec } from '../runtime.ts';
import type { Program, Run } from './program.ts';

/** One program that runs, or has run, on a machine in memory. */
export interface Unit {
  readonly owner: string;
  readonly spec: LaunchSpec;
  /** What runs: argv's first part, unless somebody put another program in its place. */
  readonly program: string;
  readonly startedAt: number;
  readonly state: 'running' | 'paused' | 'ended';
  readonly exited: Promise<Exit>;
  /** What it exists with: the environment that `exec` gives on. */
  readonly env: Readonly<Record<string, string>>;
  connect(): Connection & { kind: 'stdio' };
  pause(paused: boolean): void;
  /** Ask it to end, and end it after the time of grace. Resolves when it has ended. */
  stop(graceMs: number): Promise<void>;
  kill(): void;
  logs(): string[];
  linesWritten(): number;
}

export interface UnitOptions {
  owner: string;
  spec: LaunchSpec;
  program: string;
  run: Program;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  home: Map<string, string>;
  clock: Clock;
}

/** Start a program. */
export function startUnit(options: UnitOptions): Unit {
  const { owner, spec, program, argv, env, home, clock } = options;
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const ring = createLogRing(spec.secrets);
  const asked = new AbortController();
  const ended = new AbortController();
  const { promise: exited, resolve } = Promise.withResolvers<Exit>();
  let state: Unit['state'] = 'running';
  let attached: { stdin: PassThrough; stdout: PassThrough } | undefined;
  stderr.on('data', (chunk: Buffer) => ring.add(chunk));
  // What a program writes after its end is nobody's.
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => undefined);

  function end(how: Pick<Exit, 'code' | 'signal'>): void {
    if (state === 'ended') return;
    state = 'ended';
    // The chunks on their way through the streams arrive before the end is told.
    setImmediate(() => {
      stderr.destroy();
      ring.end();
      detach();
      ended.abort();
      resolve({ ...how, lastLine: ring.lines().findLast(line => line.trim() !== '') ?? '' });
    });
  }

  function attach(): void {
    if (!attached || state !== 'running') return;
    attached.stdin.pipe(stdin, { end: false });
    stdout.pipe(attached.stdout, { end: false });
  }

  function unpipe(): void {
    attached?.stdin.unpipe(stdin);
    stdout.unpipe();
  }

  function detach(): void {
    unpipe();
    attached?.stdout.end();
    attached?.stdin.destroy();
    attached = undefined;
  }

  const run: Run = {
    argv,
    env,
    home,
    stdin,
    stdout,
    stderr,
    asked: asked.signal,
    ended: ended.signal,
    exit: code => end({ code, signal: null }),
  };
  const unit: Unit = {
    owner,
    spec,
    program,
    env,
    startedAt: clock.now(),
    get state() {
      return state;
    },
    exited,
    connect() {
      detach();
      attached = { stdin: new PassThrough(), stdout: new PassThrough() };
      for (const stream of [attached.stdin, attached.stdout]) stream.on('error', () => undefined);
      attach();
      return { kind: 'stdio', ...attached };
    },
    pause(paused) {
      if (state === 'ended') return;
      state = paused ? 'paused' : 'running';
      if (paused) unpipe();
      else attach();
    },
    async stop(graceMs) {
      if (state === 'ended') return;
      const patience = new AbortController();
      stdin.end();
      asked.abort();
      await Promise.race([exited, clock.sleep(graceMs, patience.signal)]);
      patience.abort();
      end({ code: null, signal: 'SIGKILL' });
      await exited;
    },
    kill: () => end({ code: null, signal: 'SIGKILL' }),
    logs: () => ring.lines(),
    linesWritten: () => ring.written(),
  };
  begin(options.run, run);
  return unit;
}

function begin(program: Program, run: Run): void {
  try {
    program(run);
  } catch (error) {
    run.stderr.write(`${String(error)}\n`);
    run.exit(1);
  }
}
