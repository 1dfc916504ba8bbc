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
  /** Digest of all that decides what runs; what is observed with another digest is out of date. */
  specDigest: string;
  /** argv; the first is a path or a name looked up in PATH. */
  argv: readonly string[];
  /** Only what the server declares; the runtime adds its documented base (PATH, HOME, LANG). */
  env: Readonly<Record<string, string>>;
  /** Folder to start in, absolute; left out, the instance's own. */
  cwd?: string;
  transport: 'stdio' | 'streamable-http';
  /** For streamable-http: the declared port, or 0 for any free one. Passed as PORT. */
  port: number;
  /** For streamable-http: URL path of the endpoint. */
  path: string;
  /** Values that must never appear in a message or log. */
  secrets: readonly string[];
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The last non-empty line of stderr, redacted and bounded; empty when there is none. */
  lastLine: string;
}

/** How the gateway speaks with a running instance. */
export type Connection =
  | { kind: 'stdio'; stdin: Writable; stdout: Readable }
  | { kind: 'http'; url: string; headers?: Readonly<Record<string, string>> };

/** An instance that was started by this daemon. */
export interface RunningInstance {
  id: string;
  specDigest: string;
  pid: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
  connection: Connection;
  /** Settles when the process has ended and its output is read to the end. Never rejects. */
  exited: Promise<Exit>;
  /** The newest lines of stderr, oldest first, redacted, bounded in number and length. */
  logs(): string[];
  /** How many lines it wrote so far; `logs` has the last of them. */
  linesWritten(): number;
}

export type EnsureResult = RunningInstance | { problem: Problem };

/** Where instances run. Adapters: `process` now; `docker`, `kubernetes` and `memory` follow the same contract. */
export interface Runtime {
  readonly name: string;
  /** What this runtime does not give, shown as conditions (`UNSANDBOXED`). */
  readonly caveats: readonly Problem[];
  /** The instances running now that this runtime started. */
  list(): RunningInstance[];
  /** Start an instance, or return the running one of the same id and digest; one of another digest is ended first. */
  ensure(spec: LaunchSpec): Promise<EnsureResult>;
  /** End an instance and everything it started; idempotent. Resolves when it is gone. */
  remove(id: string): Promise<void>;
  /** End what an earlier daemon on this state directory left behind. @returns ids of what was ended */
  reap(): Promise<string[]>;
  /** End everything. */
  close(): Promise<void>;
}
