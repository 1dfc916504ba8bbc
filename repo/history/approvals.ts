import type { History } from './history.ts';
import { type Commit, trailer } from './log.ts';

/** What a merge proves by itself: which proposal it is of, and who approved it. */
export interface Proof {
  proposal: string;
  /** Their ids: `user/ann`. */
  approvers: string[];
}

/**
 * What the statements in a merge prove: each is signed by a key that somebody had in `access/` before the merge, and is
 * about the very commit that was merged. Whether they were enough is the policy's affair, not asked here.
 * @returns undefined when none of them holds
 */
export async function proofIn(history: History, merge: Commit): Promise<Proof | undefined> {
  const proposal = trailer(merge, 'Proposal-Id');
  const [base, head, ...others] = merge.parents;
  const isCandidate = trailer(merge, 'Review-Statement') !== undefined && others.length === 0;
  if (!isCandidate || proposal === undefined || base === undefined || head === undefined) return undefined;
  const { statementsIn, verifyStatement } = await import('../forges/index.ts');
  // Most of the past has no proofs: what judges them is loaded for those that do.
  const { peopleAt } = await import('./people.ts');
  const { repository, holderOf } = await peopleAt(history, base);
  const last = new Map<string, string>();
  for (const found of statementsIn(merge.message)) {
    const verified = verifyStatement(found);
    if ('problem' in verified) continue;
    const { statement, key } = verified.signed;
    const by = holderOf(key);
    const isAboutIt = statement.proposal === proposal && statement.head === head && statement.repository === repository;
    if (by !== undefined && isAboutIt) last.set(by, statement.verdict);
  }
  const approvers = [...last].flatMap(([by, verdict]) => (verdict === 'approve' ? [by] : []));
  return approvers.length === 0 ? undefined : { proposal, approvers: approvers.sort() };
}
