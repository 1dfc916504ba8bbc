import { isProposalId, ProblemError, problem } from '../../schema/index.ts';
import type { Oid } from '../types.ts';
import { type Commit, readCommits, readRefs, resolveCommit } from './commits.ts';
import { commitTree } from './draft.ts';
import type { Forge, FoundStatement, Merge, Proposal, Review, Statements } from './forge.ts';
import { changesOf, differences } from './path-sets.ts';
import { commitMessage, trailer, trailersOf } from './trailers.ts';
import { localRefs, push, type RefUpdate, refresh, type Workspace } from './workspace.ts';

/**
 * Any git remote as forge: proposals are branches, reviews are signed statements on branches of their own, and a merge is
 * one atomic push that goes through only if nothing moved.
 */
export function createGitForge(workspace: Workspace): Forge {
  return {
    name: 'git',
    refresh: () => refresh(workspace),
    async list({ ended = false, only } = {}) {
      const open = await openProposals(workspace, only);
      const over = ended ? await endedProposals(workspace, new Set(open.map(({ id }) => id))) : [];
      const all = [...open, ...over].filter(({ id }) => only === undefined || id === only);
      return all.sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    statements: only => allStatements(workspace, only),
    async publish({ id, head, previous }) {
      await push(workspace, [{ branch: `proposals/${checked(id)}`, from: previous, to: head }]);
      return {};
    },
    async review(review, merge) {
      const updates = [await reviewUpdate(workspace, review)];
      const branch = `proposals/${checked(review.id)}`;
      if (merge) updates.push({ branch: workspace.branch, from: merge.main, to: merge.commit });
      if (merge || review.verdict === 'withdraw') updates.push({ branch, from: review.head, to: undefined });
      await push(workspace, updates);
      return merge ? { merged: merge.commit } : {};
    },
  };
}

/** The message of a merge: which proposal, and the statements that justify it, so that `main` alone proves it. */
export function mergeMessage(
  { id, title }: Pick<Merge, 'id' | 'title'>,
  statements: readonly FoundStatement[],
): string {
  return commitMessage(`Merge ${id}: ${title}`, '', [['Proposal-Id', id], ...statements.flatMap(statementTrailers)]);
}

/** The statements that a commit carries. */
export function statementsIn(message: string): FoundStatement[] {
  const found: FoundStatement[] = [];
  let text: string | undefined;
  for (const [key, value] of trailersOf(message)) {
    if (key === 'Review-Statement') text = Buffer.from(value, 'base64').toString('utf8');
    if (key === 'Review-Signature' && text !== undefined) {
      found.push({ text, signature: value });
      text = undefined;
    }
  }
  return found;
}

function statementTrailers({
  text,
  signature,
}: FoundStatement): (readonly ['Review-Statement' | 'Review-Signature', string])[] {
  return [
    ['Review-Statement', Buffer.from(text).toString('base64')],
    ['Review-Signature', signature],
  ];
}

/** One more commit on the branch of reviews. What was reviewed is a parent, so that it stays as long as the review. */
async function reviewUpdate(workspace: Workspace, { id, head, verdict, reason, signed }: Review): Promise<RefUpdate> {
  if (!signed)
    throw new ProblemError(problem('REVIEW_NOT_ENTITLED', 'a review of a plain git remote has to be signed'));
  const previous = await resolveCommit(workspace, localRefs.review(checked(id)));
  const message = commitMessage(`${verbs[verdict]} ${id}`, reason, [['Proposal-Id', id], ...statementTrailers(signed)]);
  const parents = previous === undefined || previous === head ? [head] : [previous, head];
  const to = await commitTree(workspace, `${head}^{tree}`, parents, message);
  return { branch: `reviews/${id}`, from: previous, to };
}

const verbs = { approve: 'Approve', reject: 'Reject', withdraw: 'Withdraw' } as const;

export async function openProposals(workspace: Workspace, only?: string): Promise<Proposal[]> {
  const refs = await readRefs(workspace, localRefs.proposal(''));
  const heads = [...refs].filter(([id]) => isProposalId(id) && (only === undefined || id === only));
  if (heads.length === 0) return [];
  const wanted = only === undefined ? [`--glob=${localRefs.proposal('*')}`] : heads.map(([, head]) => head);
  const commits = await readCommits(workspace, [...wanted, '--not', localRefs.main]);
  const graph = new Map(commits.map(commit => [commit.oid, commit]));
  const paths = await changesOf(workspace, commits);
  const stillOther = await differences(
    workspace,
    localRefs.main,
    heads.map(([, head]) => head),
  );
  return heads.flatMap(([id, head]) => {
    const own = ownCommits(graph, head);
    // Everything of it is in the branch: merged, or never more than a name.
    if (own.length === 0) return [];
    const touched = [...new Set(own.flatMap(({ oid }) => paths.get(oid) ?? []))].sort();
    const differs = touched.some(path => stillOther.get(head)?.has(path));
    return [describe(id, head, own, touched, differs ? 'open' : 'superseded')];
  });
}

/** The statements on all branches of reviews, in two processes. */
async function allStatements(workspace: Workspace, only?: string): Promise<Map<string, Statements>> {
  const all = await readRefs(workspace, localRefs.review(''));
  const tips = only === undefined ? all : new Map([...all].filter(([id]) => id === only));
  const found = new Map<string, Statements>();
  if (tips.size === 0) return found;
  const wanted = only === undefined ? [`--glob=${localRefs.review('*')}`] : [...tips.values()];
  const commits = await readCommits(workspace, [...wanted, '--not', localRefs.main]);
  const graph = new Map(commits.map(commit => [commit.oid, commit]));
  for (const [id, tip] of tips) {
    const signed: FoundStatement[][] = [];
    // The first parent is the review before; before the first one comes what was reviewed, which says nothing here.
    // All of them: behind enough others, a rejection would be out of sight.
    for (let one = graph.get(tip); one; one = graph.get(one.parents[0] ?? '')) {
      signed.push(statementsIn(one.message));
    }
    found.set(id, { signed: signed.reverse().flat(), attested: [] });
  }
  return found;
}

/** Merged ones, from the branch's own history, and withdrawn ones, from their reviews. */
async function endedProposals(workspace: Workspace, open: ReadonlySet<string>): Promise<Proposal[]> {
  const ended = new Map<string, Proposal>();
  for (const commit of await readCommits(workspace, ['--first-parent', '--merges', localRefs.main])) {
    const id = trailer(commit.message, 'Proposal-Id');
    const head = commit.parents[1];
    if (id === undefined || head === undefined || !isProposalId(id) || ended.has(id)) continue;
    const own = await readCommits(workspace, [head, '--not', commit.parents[0] ?? '']);
    ended.set(id, { ...describe(id, head, own.length > 0 ? own : [commit], [], 'merged'), merged: commit.oid });
  }
  for (const [id, tip] of await readRefs(workspace, localRefs.review(''))) {
    if (!isProposalId(id) || open.has(id) || ended.has(id)) continue;
    const [last] = await readCommits(workspace, ['--max-count=1', tip]);
    const head = last?.parents.at(-1);
    if (!last || head === undefined) continue;
    const own = await readCommits(workspace, [head, '--not', localRefs.main]);
    ended.set(id, describe(id, head, own.length > 0 ? own : [last], [], 'withdrawn'));
  }
  return [...ended.values()];
}

/** A proposal's commits that the branch does not have, newest first. */
function ownCommits(graph: ReadonlyMap<Oid, Commit>, head: Oid): Commit[] {
  const own: Commit[] = [];
  const seen = new Set<Oid>();
  const waiting = [head];
  for (let oid = waiting.shift(); oid !== undefined; oid = waiting.shift()) {
    const commit = graph.get(oid);
    if (!commit || seen.has(oid)) continue;
    seen.add(oid);
    own.push(commit);
    waiting.push(...commit.parents);
  }
  return own;
}

/** A proposal as it was when it was merged into a commit: for checking that merge later. */
export async function describeProposal(workspace: Workspace, id: string, head: Oid, base: Oid): Promise<Proposal> {
  const own = await readCommits(workspace, [head, '--not', base]);
  const paths = [...(await changesOf(workspace, own)).values()].flat();
  return describe(checked(id), head, own, [...new Set(paths)].sort(), 'open');
}

function describe(id: string, head: Oid, own: readonly Commit[], paths: string[], state: Proposal['state']): Proposal {
  const first = own.at(-1);
  const told = own.findLast(({ message }) => trailer(message, 'Proposal-Id') === id) ?? first;
  const message = told?.message ?? '';
  const people = new Map(own.flatMap(({ author, committer }) => [author, committer]).map(one => [one.email, one]));
  const times = own.map(({ time }) => time);
  return {
    id,
    title: message.split('\n', 1)[0] ?? '',
    reason: trailer(message, 'Reason') ?? '',
    head,
    authors: [...people.values()],
    session: own.map(one => trailer(one.message, 'Session-Id')).find(one => one !== undefined),
    created: isoTime(Math.min(...times)),
    updated: isoTime(Math.max(...times)),
    paths,
    state,
  };
}

/** A commit's time is whatever its author wrote. */
function isoTime(seconds: number): string {
  const time = new Date(Math.min(Math.max(Number.isFinite(seconds) ? seconds : 0, 0), 253_402_300_799) * 1000);
  return time.toISOString();
}

/** @throws ProblemError PROPOSAL_NOT_FOUND for what is no id: it would become a part of a ref */
export function checked(id: string): string {
  if (isProposalId(id)) return id;
  throw new ProblemError(problem('PROPOSAL_NOT_FOUND', `\`${id}\` is no id of a proposal`));
}
