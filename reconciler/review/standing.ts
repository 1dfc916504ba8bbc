import { type Proposal, type Statements, verifyStatement, type Workspace } from '../../repo/forges/index.ts';
import type { Oid, Snapshots } from '../../repo/index.ts';
import { judge, type Policy, policyDigest } from '../../schema/index.ts';
import { policyPart, readPolicy } from './policy.ts';

export type ProposalStatus = 'pending' | 'approved' | 'rejected' | 'superseded' | 'withdrawn';

/** How a proposal stands by its statements alone, without looking at what it would do. */
export interface Standing {
  status: ProposalStatus;
  /** How many people have to approve, of the rule that asks for most; null where a forge decides by itself. */
  needed: number | null;
  /** Users; at a forge with reviews of its own, their names there. */
  approvedBy: string[];
}

/** The policy that the branch has. @param main its commit @throws ProblemError READ_FAILED */
export async function policyOf(workspace: Workspace, snapshots: Snapshots, main: Oid): Promise<Policy> {
  return readPolicy(workspace, snapshots.objects, main, await snapshots.mainFiles(main, policyPart));
}

/** Sum a proposal up for a list. Pure. */
export function standing(policy: Policy, proposal: Proposal, said: Statements | undefined): Standing {
  const { id, head, state, authors, session } = proposal;
  if (proposal.decision) return { status: proposal.decision, needed: null, approvedBy: attestedApprovals(said, head) };
  const statements = (said?.signed ?? []).flatMap(found => {
    const checked = verifyStatement(found);
    return 'signed' in checked ? [checked.signed] : [];
  });
  const paths = proposal.paths.flatMap(path =>
    path.startsWith(policy.prefix) ? [path.slice(policy.prefix.length)] : [],
  );
  const change = { paths, emails: authors.map(({ email }) => email), keys: [], session: session !== undefined };
  const expected = {
    repository: policy.catalog.repository?.spec.id ?? '',
    proposal: id,
    head,
    policyDigest: policyDigest(policy),
  };
  const { verdict, requirements } = judge(policy, change, expected, statements);
  const status = state === 'merged' ? 'approved' : state === 'open' ? verdict : state;
  const needed = Math.max(0, ...requirements.map(one => one.needed));
  return { status, needed, approvedBy: [...new Set(requirements.flatMap(one => one.approvedBy))].sort() };
}

/** Who approved a commit, as the forge tells it; of each the last word counts. */
function attestedApprovals(said: Statements | undefined, head: string): string[] {
  const last = new Map((said?.attested ?? []).map(one => [one.by, one]));
  const approvals = [...last.values()].filter(one => one.verdict === 'approve' && one.head === head);
  return approvals.map(({ by }) => by).sort();
}
