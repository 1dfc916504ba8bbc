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

/** What it answers: any number of `parsing`, then one of the others. */
export type Reply =
  | { type: 'parsing'; oid: Oid }
  | {
      type: 'read';
      commit: Oid;
      base: Oid | undefined;
      /** JSON of `ParsedFile[]`: the process keeps each file's text, so that it is written only once. */
      files: string;
      removed: string[];
      blobsRead: number;
    }
  | { type: 'blob'; bytes: Uint8Array }
  | { type: 'failed'; problem: Problem };
