import {
  commitTree,
  type FoundStatement,
  type Merge,
  mergeMessage,
  verifyStatement,
  type Workspace,
} from '../../repo/forges/index.ts';
import {
  type Judgement,
  judge,
  type Problem,
  ProblemError,
  principalsOf,
  problem,
  type SignedStatement,
  statementText,
} from '../../schema/index.ts';
import type { Examined } from './examine.ts';

/** What a verdict comes to, before anything is recorded. */
export interface Decision {
  /** The judgement with this verdict among the others. */
  judgement: Judgement;
  /** It was the last approval that was missing. */
  complete: boolean;
}

/**
 * Judge a proposal with one more signed verdict. What would be passed over by everybody is refused.
 * @throws ProblemError REVIEW_STALE, REVIEW_NOT_ENTITLED, REVIEW_SELF_APPROVAL
 */
export function decide(examined: Examined, mine: FoundStatement): Decision {
  const checked = verifyStatement(mine);
  if ('problem' in checked) throw new ProblemError(checked.problem);
  const { policy, change, expected, statements } = examined;
  if (statements.some(({ signed }) => isSame(signed, checked.signed))) throw new ProblemError(saidBefore());
  // What was said about another commit or plan counts for nobody, and is no reason against what is said now.
  const about = statements.filter(
    ({ signed: { statement } }) => statement.head === expected.head && statement.planDigest === expected.planDigest,
  );
  const judgement = judge(policy, change, expected, [...about.map(({ signed }) => signed), checked.signed]);
  mustCount(examined, judgement, checked.signed);
  const complete = checked.signed.statement.verdict === 'approve' && judgement.verdict === 'approved';
  return { judgement, complete };
}

function isSame(one: SignedStatement, other: SignedStatement): boolean {
  return one.key === other.key && statementText(one.statement) === statementText(other.statement);
}

/** The same words a second time would be taken for a replay of the first. */
function saidBefore(): Problem {
  const hint = 'If you took it back meanwhile, say it in other words: `--note`, `--reason`.';
  return problem('REVIEW_STALE', 'you have said exactly this about it before', { hint });
}

function mustCount({ policy, change }: Examined, judgement: Judgement, mine: SignedStatement): void {
  const { key, fingerprint } = mine;
  const { verdict } = mine.statement;
  const by = principalsOf(policy.catalog).byKey(key);
  const own = judgement.discounted.filter(one => one.by === (by ?? fingerprint)).at(-1);
  // Where nobody has to approve, whoever may push may merge.
  const free = judgement.requirements.length === 0 && own?.problem.code === 'REVIEW_NOT_ENTITLED';
  if (own && !free) throw new ProblemError(own.problem);
  if (verdict === 'withdraw' && judgement.verdict !== 'withdrawn') {
    const authors = change.emails.join(', ');
    throw new ProblemError(problem('REVIEW_NOT_ENTITLED', `only its authors (${authors}) can withdraw it`));
  }
  if (verdict === 'reject' && judgement.verdict !== 'rejected') {
    throw new ProblemError(problem('REVIEW_NOT_ENTITLED', `${by ?? fingerprint} owns nothing of what this changes`));
  }
}

/** The merge, prepared to the last byte, with the statements that justify it. */
export async function prepareMerge(workspace: Workspace, examined: Examined, mine: FoundStatement): Promise<Merge> {
  const { proposal, main, tree, statements, expected } = examined;
  const { id, head, title } = proposal;
  const about = statements.filter(
    ({ signed: { statement } }) => statement.head === head && statement.planDigest === expected.planDigest,
  );
  const message = mergeMessage({ id, title }, [...about.map(({ found }) => found), mine]);
  const commit = await commitTree(workspace, tree, [main, head], message);
  return { id, head, main, commit, title };
}
