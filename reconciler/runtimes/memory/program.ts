import type { Readable, Writable } from 'node:stream';

/** One run of a program on a machine that exists only in memory. */
export interface Run {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Its files: name → content. Kept from one start to the next. */
  home: Map<string, string>;
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  /** Aborted when it is asked to end. A program that does not `exit` then is ended after the time of grace. */
  asked: AbortSignal;
  /** Aborted when it has ended, however: what it holds of the real world has to be given back. */
  ended: AbortSignal;
  exit(code: number): void;
}

/** What a server does. It returns at once and goes on by its streams; one that throws has exited with code 1. */
export type Program = (run: Run) => void;

/** Finds a program by argv's first part; undefined when there is none. */
export type Programs = (name: string) => Program | undefined;
