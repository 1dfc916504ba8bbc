import type { Problem } from '../../schema/index.ts';
import type { Oid } from '../types.ts';

/** What the reader process is asked, one at a time. */
export type Request =
  | {
      type: 'read';
      commit: Oid;
      base: Oid | undefined;
      /** Announce each file before it is parsed, so that the one that ends the process is known. */
      careful: boolean;
      /** Blobs that are not parsed because they ended the process before. */
      skip: Oid[];
    }
  | { type: 'blob'; oid: Oid; maxBytes: number };

/** What it tells while it reads a commit. */
export type Progress =
  /** It begins, or begins anew: what it has told before does not count. */
  | { type: 'begin' }
  | { type: 'parsing'; oid: Oid }
  /** JSON of `ParsedFile[]`, a part of what was asked for: each file's text is written only once, and never is all there. */
  | { type: 'files'; files: string };

/** What it answers in the end. */
export type Answer =
  | {
      type: 'read';
      commit: Oid;
      base: Oid | undefined;
      removed: string[];
      blobsRead: number;
    }
  | { type: 'blob'; bytes: Uint8Array }
  | { type: 'failed'; problem: Problem };

export type Reply = Progress | Answer;
