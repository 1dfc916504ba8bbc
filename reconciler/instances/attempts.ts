import type { Attempts } from './machine.ts';

/** What is remembered of instances' attempts, kept where it outlives the daemon. */
export interface AttemptRecords {
  /** Of an instance of this spec; another spec starts afresh. */
  get(id: string, specDigest: string): Attempts | undefined;
  put(id: string, specDigest: string, attempts: Attempts): void;
  delete(id: string): void;
}
