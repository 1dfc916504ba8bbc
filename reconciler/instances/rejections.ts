import type { Problem } from '../../schema/index.ts';
import type { DesiredInstance } from '../plan.ts';

/** A server's newest spec never got ready, and was given up for the one before. */
export interface Rejection {
  /** Digest of the newest spec. */
  wanted: string;
  /** The spec that is kept; which instance of it is meant says nothing. */
  kept: DesiredInstance;
  problem: Problem;
}

/** What was given up, by server, kept where it outlives the daemon with all that the kept spec is made of. */
export interface RejectionRecords {
  get(server: string): Rejection | undefined;
  put(server: string, rejection: Rejection): void;
  delete(server: string): void;
}
