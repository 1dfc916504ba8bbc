import type { Readable } from 'node:stream';

/** Where a command reads and writes; handed in, so that a test sees what a person would. */
export interface Io {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Whether stdout is a terminal. */
  isTTY: boolean;
  /** Whether colours may be used (a terminal, and no NO_COLOR). */
  colour: boolean;
  /** No progress, only results and problems. */
  quiet?: boolean;
}

export interface CliContext {
  io: Io;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** This program as another one would start it: the interpreter and the script, absolute. */
  self?: readonly [interpreter: string, script: string];
  /** What is typed or piped in; left out where nothing can be. */
  stdin?: () => Readable;
  /** Aborts on Ctrl-C, SIGTERM and SIGHUP. */
  signal: AbortSignal;
  /** The command's result; `main` ends the process with it. */
  finish(code: ExitCode): void;
}

/** `test mcp` has codes of its own. */
export const ExitCodes = { ok: 0, failed: 1, usage: 2, differences: 3, timedOut: 4, denied: 5, stopped: 130 } as const;
export type ExitCode = number;
