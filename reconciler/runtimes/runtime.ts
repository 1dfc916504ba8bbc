import type { Readable, Writable } from 'node:stream';
import type { Problem } from '../../schema/index.ts';

/**
 * Everything a runtime needs to start one instance; references to secrets are resolved. `$(NAME)` in `argv` and `env`
 * is Kubernetes' notation and the runtime's to replace: only it knows HOME and PORT. Values in `secrets` are literal.
 */
export interface LaunchSpec {
  /** `<server>-<ordinal>` */
  id: string;
  server: string;
  ordinal: number;
  /** Which runtime it shall run on; the daemon's standard one unless given. */
  runtime?: string;
  /** The one project that it is apart for, where the runtime has a place for each; part of the digest. */
  project?: string;
  /** Digest of all that decides what runs; what is observed with another digest is out of date. */
  specDigest: string;
  /** argv; the first is a path or a name looked up in PATH. With `image`: what its entrypoint is given. */
  argv: readonly string[];
  /** A container image, by digest or by Docker's id, where the runtime has such; its entrypoint stays. */
  image?: string;
  /** Which runner image has what `argv` needs, where the runtime has such; `node` unless given. */
  runner?: 'node' | 'python';
  /** A package that the runner image shall install; `argv` then are its arguments. */
  package?: PackageSource;
  /** Files and folders outside the system's own that the program consists of, where it runs on this machine. */
  reads?: readonly string[];
  /** What it may use at most, where declared. */
  limits?: Limits;
  /** What it is given at least, where declared and where the runtime has such. */
  requests?: Pick<Limits, 'cpu' | 'memory'>;
  /** What it may reach, where declared. */
  isolation?: Isolation;
  /** JSON pointers of the Server: what runs is taken as it is, when it differs in nothing else. */
  ignoreFields?: readonly string[];
  /** Only what the server declares; the runtime adds its documented base (PATH, HOME, LANG). */
  env: Readonly<Record<string, string>>;
  /** Folder to start in, absolute; left out, the instance's own. */
  cwd?: string;
  transport: 'stdio' | 'streamable-http' | 'sse';
  /** Over HTTP: the declared port, or 0 for any free one. Passed as PORT. */
  port: number;
  /** Over HTTP: URL path of the endpoint. */
  path: string;
  /** Values that must never appear in a message or log. */
  secrets: readonly string[];
}

export interface PackageSource {
  registry: 'npm' | 'pypi';
  identifier: string;
  /** Exact. */
  version: string;
  installScripts: boolean;
  /** The reviewed package-lock.json, where there is one. */
  lock?: Uint8Array;
}

export interface Limits {
  /** Processors; 0.5 is half of one's time. */
  cpu?: number;
  /** Bytes. */
  memory?: number;
  /** Processes and threads. */
  pids?: number;
  /** Open files of each process. */
  files?: number;
}

export interface Isolation {
  paths: readonly { path: string; access: 'read' | 'write' }[];
  network: 'none' | 'local' | 'full';
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The last non-empty line of stderr, redacted and bounded; empty when there is none. */
  lastLine: string;
  /** Why, where more is known than how: the runtime's own words, such as that it was removed by hand. */
  reason?: string;
}

/** How the gateway speaks with a running instance. */
export type Connection =
  | { kind: 'stdio'; stdin: Writable; stdout: Readable }
  /** `sse`: by the protocol's first way over HTTP, a stream of events for all that the server says. */
  | { kind: 'http'; url: string; headers?: Readonly<Record<string, string>>; sse?: boolean };

/** An instance that this daemon has started, or adopted. */
export interface RunningInstance {
  id: string;
  specDigest: string;
  /** Of the process on this machine, where the instance is one. */
  pid?: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** It ran already, started by an earlier daemon. */
  adopted: boolean;
  /** What a person should know of how it runs: `UNSANDBOXED`, `RUNTIME_PRETENDS`. */
  caveats: readonly Problem[];
  /** Settles when it has ended and its output is read to the end. Never rejects. */
  exited: Promise<Exit>;
  /** The newest lines of stderr, oldest first, redacted, bounded in number and length. */
  logs(): string[];
  /** How many lines it wrote so far; `logs` has the last of them. */
  linesWritten(): number;
}

/** A declared field that what runs does not follow any more. */
export interface Difference {
  /** JSON pointer of the Server: `/spec/image`. */
  field: string;
  /** In words, for people. */
  why: string;
}

/** What is found where instances run, whoever started it. */
export interface Observed {
  id: string;
  /** What it was started with, as is written on it. */
  specDigest: string;
  state: 'running' | 'paused' | 'ended';
  /** This state directory's: what is not is shown, and never touched. */
  owned: boolean;
  /** `ensure` with the same digest takes it as it is; otherwise `why` tells what is wrong with it. */
  adoptable: boolean;
  why?: string;
  /**
   * Set where all that is wrong is that declared fields were changed, which a Server may have ignored. What takes
   * protection away is never among them.
   */
  differs?: readonly Difference[];
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** Of the process on this machine, where the instance is one. */
  pid?: number;
}

/** What happened to an instance that nobody asked for through this runtime. */
export interface RuntimeEvent {
  /**
   * `exited`: it has ended. `removed`: nothing is left of it. `changed`: it is there, and not as it was started.
   * `returned`: the runtime is within reach again; the id is empty, and anything may have happened meanwhile.
   */
  type: 'exited' | 'removed' | 'changed' | 'returned';
  id: string;
  /** In words, for people. */
  reason: string;
}

export type EnsureResult = RunningInstance | { problem: Problem };

export interface ExecResult {
  code: number;
  /** The beginning of each, as text. */
  stdout: string;
  stderr: string;
}

/** A runtime that has not ended an instance after this time has failed to. Milliseconds. */
export const REMOVE_MS = 60_000;
/** What a runtime has not listed after this time is not known. Milliseconds. */
export const LIST_MS = 5_000;

/**
 * Where instances run. Each adapter passes `tests/contract/runtime.ts`; how the interface is meant for runtimes that
 * restart and scale by themselves is told in docs/decisions/0006-runtimes.md.
 */
export interface Runtime {
  readonly name: string;
  /**
   * The place restarts by itself what has ended: `ensure` waits for that, so nothing is removed between two tries, and
   * the only backoff is the place's.
   */
  restarts?(id: string): boolean;
  /** The place decides how many start at the same time: no start of this one waits for another's. */
  schedules?(spec: LaunchSpec): boolean;
  /** What is there, running or not. Rejects with a ProblemError when the runtime is out of reach. */
  list(): Promise<Observed[]>;
  /**
   * Start an instance, or return the running one of the same id and digest, adopting it where an earlier daemon left
   * it. One of another digest, or one that is not as it was started, is ended first.
   */
  ensure(spec: LaunchSpec): Promise<EnsureResult>;
  /**
   * The way to speak with a running instance. May be asked for again: the newest connection has its output, and one
   * before it, where it still lives, gets nothing more.
   */
  connect(id: string): Promise<Connection | { problem: Problem }>;
  /** The newest lines that an instance wrote, also those of one that has ended and was not removed. */
  logs(id: string): Promise<string[]>;
  /** Run a program where the instance runs, as it would itself, and wait for its end. */
  exec(id: string, argv: readonly string[], options: { timeoutMs: number }): Promise<ExecResult | { problem: Problem }>;
  /** Be told of what happens behind our back. Returns the way to stop. */
  watch(listener: (event: RuntimeEvent) => void): () => void;
  /** End an instance and everything it started; idempotent. Resolves when it is gone. */
  remove(id: string): Promise<void>;
  /** End what an earlier daemon left behind and nobody can adopt. @returns ids of what was ended */
  reap(): Promise<string[]>;
  /**
   * Let go of everything and start no more.
   * @param options.leave instances go on where they can do so without a daemon; the next one adopts them
   */
  close(options?: { leave?: boolean }): Promise<void>;
}
