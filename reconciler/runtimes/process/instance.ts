import { type ChildProcess, spawn } from 'node:child_process';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { endChild, type ProcessIdentity, redact } from '../../../host/index.ts';
import { type Problem, problem } from '../../../schema/index.ts';
import { createLogRing, type LogRing } from '../log-ring.ts';
import type { Connection, Exit, LaunchSpec, RunningInstance } from '../runtime.ts';

/** What a process may take to end that its own leader left behind. */
const LEFTOVER_GRACE_MS = 1_000;
/** How long the rest of the output is awaited when everything known to write it has ended. */
const DRAIN_MS = 1_000;
/** Why the system would not start a program: it is not there, or not a program for this user. */
const NOT_EXECUTABLE = new Set(['ENOENT', 'EACCES', 'EPERM', 'ENOTDIR', 'ELOOP', 'ENOEXEC', 'EISDIR']);

export interface Launch {
  spec: LaunchSpec;
  argv: readonly string[];
  env: Record<string, string>;
  /** Something keeps it from what it should not reach. */
  isolated: boolean;
  /** Working folder; exists. */
  cwd: string;
  /** What the process listens on; undefined for stdio. */
  port: number | undefined;
}

/** A process of this runtime. */
export interface ProcessInstance extends RunningInstance {
  pid: number;
  launch: Launch;
  connect(): Connection;
  /** False from the moment the process itself has ended. */
  alive(): boolean;
  /** True from the moment somebody asked for its end. */
  ending(): boolean;
  /** End it with its process group; idempotent. Resolves when they are gone. */
  end(graceMs: number): Promise<void>;
}

/** Start the process: a group of its own, argv without a shell, exactly the environment given. */
export async function startProcess(launch: Launch): Promise<ProcessInstance | { problem: Problem }> {
  const { spec, cwd, env } = launch;
  const [command = '', ...args] = launch.argv;
  let child: ChildProcess;
  try {
    child = spawn(command, args, {
      cwd,
      env,
      detached: true,
      stdio: [spec.transport === 'stdio' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    if (child.pid === undefined) throw await new Promise(resolve => child.once('error', resolve));
  } catch (error) {
    return { problem: notStarted(spec, command, error) };
  }
  // A signal that cannot be delivered, or a write to a pipe that is closed, concerns this instance, not the daemon.
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  const ring = createLogRing(spec.secrets);
  return watch(child, launch, ring);
}

function watch(child: ChildProcess, launch: Launch, ring: LogRing): ProcessInstance | { problem: Problem } {
  const { spec } = launch;
  const logged = launch.port === undefined ? [child.stderr] : [child.stderr, child.stdout];
  const drained = Promise.all(
    logged.map(stream => {
      stream?.on('data', (chunk: Buffer) => ring.add(chunk));
      return new Promise<void>(resolve => stream?.on('close', resolve).on('error', () => undefined));
    }),
  );
  child.stdout?.on('error', () => undefined);
  const ended = new Promise<Pick<Exit, 'code' | 'signal'>>(resolve => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  let ending: Promise<void> | undefined;

  async function exit(): Promise<Exit> {
    const how = await ended;
    await (ending ?? endChild(child, { graceMs: LEFTOVER_GRACE_MS }));
    await Promise.race([drained, sleep(DRAIN_MS, undefined, { ref: false })]);
    for (const stream of logged) stream?.destroy();
    ring.end();
    return { ...how, lastLine: ring.lines().findLast(line => line.trim() !== '') ?? '' };
  }

  const connection = connectionOf(child, launch);
  if (!connection || child.pid === undefined) throw new Error('a started process has a pid and pipes');
  return {
    id: spec.id,
    specDigest: spec.specDigest,
    pid: child.pid,
    startedAt: Date.now(),
    adopted: false,
    caveats: caveatsOf(launch),
    launch,
    connect() {
      // The pipes are the same each time: who had them before hears no more.
      if (connection.kind === 'stdio') connection.stdout.removeAllListeners('data');
      return connection;
    },
    exited: exit(),
    logs: () => ring.lines(),
    linesWritten: () => ring.written(),
    alive: () => child.exitCode === null && child.signalCode === null,
    ending: () => ending !== undefined,
    end(graceMs) {
      child.stdin?.end();
      ending ??= endChild(child, { graceMs });
      return ending;
    },
  };
}

/** What of its declarations is not given, and that nothing isolates it. */
function caveatsOf({ spec, isolated }: Launch): Problem[] {
  const { cpu, pids } = spec.limits ?? {};
  const idle = [...(cpu === undefined ? [] : ['cpu']), ...(pids === undefined ? [] : ['pids'])].join(' and ');
  const resource = `server/${spec.server}`;
  const message = `${spec.id}: a process has no limit of ${idle}; a container has`;
  return [
    ...(isolated ? [] : [unsandboxed()]),
    ...(idle === '' ? [] : [problem('LIMIT_NOT_KEPT', message, { resource })]),
  ];
}

export function notThere(spec: LaunchSpec, command: string): Problem {
  const message = `${spec.id}: ${redact(command, spec.secrets, 200)} cannot be executed (ENOENT)`;
  return problem('SERVER_BINARY_MISSING', message, { resource: `server/${spec.server}` });
}

function unsandboxed(): Problem {
  return problem('UNSANDBOXED', `servers run as ordinary processes, with all the rights of the user ${userName()}`);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'of the daemon');
  }
}

function connectionOf(child: ChildProcess, { spec, port }: Launch): Connection | undefined {
  if (port !== undefined) return { kind: 'http', url: `http://127.0.0.1:${port}${spec.path}` };
  if (!child.stdin || !child.stdout) return undefined;
  return { kind: 'stdio', stdin: child.stdin, stdout: child.stdout };
}

function notStarted(spec: LaunchSpec, command: string, error: unknown): Problem {
  const more = { resource: `server/${spec.server}` };
  const name = redact(command, spec.secrets, 200);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (NOT_EXECUTABLE.has(code)) {
    return problem('SERVER_BINARY_MISSING', `${spec.id}: ${name} cannot be executed (${code})`, more);
  }
  const reason = redact(error instanceof Error ? error.message : String(error), spec.secrets, 500);
  return problem('SERVER_EXITED', `${spec.id}: ${name} could not be started: ${reason}`, more);
}

/** The process's row in the records of what runs. */
export interface ProcessRecord extends ProcessIdentity {
  /** The instance's id. */
  id: string;
  specDigest: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
}
