import type { ParsedFile, Problem } from '../schema/index.ts';

/** A full git object id, lower-case hex (40 digits, or 64 for SHA-256 repositories). */
export type Oid = string;

/** Where the repository is, checked and free of credentials. */
export interface Remote {
  kind: 'path' | 'http';
  /** What git is given: an absolute path, or an http(s) URL without user or password. */
  url: string;
  /** What people are shown. */
  display: string;
}

/** What one fetch found. `changed` is false when the remote's ref is where it was. */
export type FetchResult = { commit: Oid; changed: boolean } | { problem: Problem };

/**
 * `poll` asks first (one exact-ref request, no transfer when nothing is new); `poke` fetches at once; `rebuild` fetches
 * everything anew, for when the mirror's objects turned out damaged.
 */
export type FetchMode = 'poll' | 'poke' | 'rebuild';

/** The daemon's bare copy of a remote: one exact ref, fetched into it, never a checkout. */
export interface Mirror {
  readonly gitDir: string;
  /** Ask the remote for the ref and take over what is new. */
  fetch(mode: FetchMode, signal?: AbortSignal): Promise<FetchResult>;
}

/**
 * One commit's files as the reader process parsed them. `base` is the commit the delta starts from; without one,
 * `files` is everything.
 */
export interface ReadDelta {
  commit: Oid;
  base?: Oid;
  /** Files that are new or changed since `base`, parsed. */
  files: ParsedFile[];
  /** Paths that were in `base` and are no more. */
  removed: string[];
  /** How many blobs were read from git for this (what was parsed before is remembered by blob id). */
  blobsRead: number;
}

export type ReadResult = ReadDelta | { problem: Problem };

/**
 * Reads commits in a process of its own: no secrets in its environment, bounded in time and memory. Whatever it is
 * fed can kill or hang only that process; the next read starts a new one.
 */
export interface Reader {
  read(commit: Oid, base?: Oid, signal?: AbortSignal): Promise<ReadResult>;
  /** A blob's bytes, for what parsing leaves aside (locks). @param maxBytes refused beyond */
  blob(oid: Oid, maxBytes: number): Promise<Buffer>;
  close(): Promise<void>;
}
