import type { ParsedFile, Problem } from '../schema/index.ts';

/** A full git object id, lower-case hex (40 digits, or 64 for SHA-256 repositories). */
export type Oid = string;

/** Where the repository is, checked and free of credentials. */
export type Remote = PlainRemote | SshRemote;

interface PlainRemote {
  kind: 'path' | 'http';
  /** What git is given: an absolute path, or an http(s) URL without user or password. */
  url: string;
  /** What people are shown. */
  display: string;
}

export interface SshRemote {
  kind: 'ssh';
  /** What git is given: `ssh://[user@]host[:port]/path`, or `[user@]host:path` as it was written. */
  url: string;
  display: string;
  /** A name or an address, in lower case, IPv6 without brackets. */
  host: string;
  port: number;
  user: string | undefined;
}

/**
 * What one fetch found. `changed` is false when the remote's ref is where it was; `rewritten` names the commit it was
 * at when the new one does not descend from that.
 */
export type FetchResult = { commit: Oid; changed: boolean; rewritten?: Oid } | { problem: Problem };

/**
 * `poll` asks first (one exact-ref request, no transfer when nothing is new); `poke` fetches at once; `rebuild` fetches
 * everything anew, for when the mirror's objects turned out damaged.
 */
export type FetchMode = 'poll' | 'poke' | 'rebuild';

/** A remote's ref and what is there. */
export interface RefAt {
  ref: string;
  oid: Oid;
}

/** The daemon's bare copy of a remote: one exact ref, fetched into it, never a checkout. */
export interface Mirror {
  readonly gitDir: string;
  /** For ssh: the key that this machine shows, as the line to add at the forge. */
  readonly deployKey?: DeployKey;
  /** Ask the remote for the ref and take over what is new. */
  fetch(mode: FetchMode, signal?: AbortSignal): Promise<FetchResult>;
  /**
   * Take over so many more commits of the ref's history; a fetch brings only the newest ones.
   * @returns a problem, or nothing
   */
  deepen(commits: number, signal?: AbortSignal): Promise<{ problem?: Problem }>;
  /** The remote's refs that begin with one of these full names, without a transfer; no others are told. */
  list(prefixes: readonly string[], signal?: AbortSignal): Promise<{ refs: RefAt[] } | { problem: Problem }>;
  /** Take over another ref, under a name of our own. @param as below `refs/mcpctl/` */
  take(ref: string, as: string, signal?: AbortSignal): Promise<{ problem?: Problem }>;
}

export interface DeployKey {
  /** `ssh-ed25519 AAAA… comment` */
  line: string;
  /** It was made just now. */
  made: boolean;
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
  /** Something is about to be read: get ready, if it takes time. */
  wake(): void;
  close(): Promise<void>;
}
