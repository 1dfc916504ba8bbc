import type { Statement } from '../../schema/index.ts';
import type { Oid } from '../types.ts';
import type { Person } from './commits.ts';

/** A change that somebody proposes for the branch that is followed: a branch `proposals/<id>`, or a pull request. */
export interface Proposal {
  /** `<kind>-<name>-<6 hex digits>` */
  id: string;
  title: string;
  reason: string;
  /** Its newest commit. */
  head: Oid;
  /** Everybody who wrote or committed a part of it. */
  authors: Person[];
  /** What it says of the AI session that made it. */
  session: string | undefined;
  /** ISO 8601; as its commits claim. */
  created: string;
  updated: string;
  /** Its commits that the branch does not have, newest first. */
  commits: Oid[];
  /** Files that it brings to the branch, from the top of the git repository. */
  paths: string[];
  state: ProposalState;
  /** The commit that merged it. */
  merged?: Oid;
  /** Its page, on a forge that has pages. */
  url?: string;
  /** What the forge itself makes of its reviews, where that is the forge's to say. */
  decision?: 'pending' | 'approved' | 'rejected';
}

/** `open` covers what is pending, approved but not merged, and rejected: that is the policy's to say. */
export type ProposalState = 'open' | 'merged' | 'superseded' | 'withdrawn';

/** A reviewer's statement as it was found: nothing of it is verified. */
export interface FoundStatement {
  /** The text that was signed. */
  text: string;
  /** The SSH signature over it (SSHSIG, without the armour), base64. */
  signature: string;
}

/** What a forge that keeps reviews itself says of one: its word is all there is. */
export interface Attested {
  by: string;
  verdict: Statement['verdict'];
  head: Oid;
  reason: string;
}

/** What was said about one proposal. */
export interface Statements {
  signed: FoundStatement[];
  attested: Attested[];
}

/** A verdict to be recorded. */
export interface Review {
  id: string;
  head: Oid;
  verdict: Statement['verdict'];
  reason: string;
  /** Needed where reviews are signed statements; a forge with reviews of its own does without. */
  signed?: FoundStatement;
}

/** A merge to be made, prepared to the last byte. */
export interface Merge {
  id: string;
  head: Oid;
  /** What the branch must be now. */
  main: Oid;
  /** The merge commit; a forge that merges by itself makes its own. */
  commit: Oid;
  title: string;
}

/** What came of a review. */
export interface Reviewed {
  /** The commit that the branch is now, when it was merged. */
  merged?: Oid;
  /** What a forge that merges by itself still waits for. */
  waits?: string;
}

/** What the change would do, as it is shown where people look at it. */
export interface Report {
  id: string;
  head: Oid;
  /** Whether it could be merged as it is. */
  valid: boolean;
  /** One line. */
  summary: string;
  /** Markdown. */
  text: string;
}

/** Where proposals live and are reviewed. Adapters follow one contract (`tests/contract/forge.ts`). */
export interface Forge {
  readonly name: 'git' | 'github';
  /**
   * Bring everything up to date. What is asked for meanwhile is told as it was before.
   * @returns whether anything moved, so that what was told before has to be asked for again
   * @throws ProblemError REMOTE_*
   */
  refresh(): Promise<boolean>;
  /** The commit of the branch. @throws ProblemError REF_NOT_FOUND */
  main(): Promise<Oid>;
  /** Those that are not over; with `ended`, all that the remote still knows; with `only`, that one. By id. */
  list(options?: { ended?: boolean; only?: string }): Promise<Proposal[]>;
  /** Every statement about every proposal, or about one, oldest first, by the proposal's id. */
  statements(only?: string): Promise<ReadonlyMap<string, Statements>>;
  /**
   * Put a commit where everybody sees it as this proposal. @param previous its head until now, when it is amended
   * @throws ProblemError REVIEW_RACE, REMOTE_REFUSED
   */
  publish(proposal: { id: string; head: Oid; previous?: Oid; title: string; body: string }): Promise<{ url?: string }>;
  /**
   * Record a verdict and, with one that completes what the policy asks for, merge: both or neither. A forge that has
   * reviews of its own merges by its own rules, and keeps an approval that does not suffice yet.
   * @throws ProblemError REVIEW_RACE, REVIEW_STALE, REMOTE_REFUSED; nothing is recorded then
   */
  review(review: Review, merge?: Merge): Promise<Reviewed>;
  /** Show what a proposal would do where it is discussed; left out where there is no such place. */
  report?(report: Report): Promise<void>;
}
