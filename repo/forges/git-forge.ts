import { isProposalId, ProblemError, problem } from '../../schema/index.ts';
import type { Oid } from '../types.ts';
import { type Branches, type Heads, openBranches } from './branches.ts';
import { type Commit, readCommits } from './commits.ts';
import { commitTree } from './draft.ts';
import type { Forge, FoundStatement, Merge, Proposal, Review, Statements } from './forge.ts';
import { type Brought, broughtBy, type Line } from './path-sets.ts';
import { commitMessage, trailer, trailersOf } from './trailers.ts';
import { push, type RefUpdate, type Workspace } from './workspace.ts';

/**
 * Any git remote as forge: proposals are branches, reviews are signed statements on branches of their own, and a merge is
 * one atomic push that goes through only if nothing moved.
 */
export function createGitForge(workspace: Workspace, branches: Branches = openBranches(workspace)): Forge {
  const read = openReading(workspace, branches);
  return {
    name: 'git',
    refresh: branches.refresh,
    main: branches.main,
    async list({ ended = false, only } = {}) {
      const open = await openProposals(workspace, await read(only), only);
      const over = ended
        ? await endedProposals(workspace, await branches.heads(), new Set(open.map(({ id }) => id)))
        : [];
      const all = [...open, ...over].filter(({ id }) => only === undefined || id === only);
      return all.sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    statements: async only => allStatements(await read(only), only),
    async publish({ id, head, previous }) {
      await push(workspace, [{ branch: `proposals/${checked(id)}`, from: previous, to: head }]);
      return {};
    },
    async review(review, merge) {
      const { reviews } = await branches.heads();
      const updates = [await reviewUpdate(workspace, review, reviews.get(checked(review.id)))];
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
async function reviewUpdate(
  workspace: Workspace,
  { id, head, verdict, reason, signed }: Review,
  previous: Oid | undefined,
): Promise<RefUpdate> {
  if (!signed)
    throw new ProblemError(problem('REVIEW_NOT_ENTITLED', 'a review of a plain git remote has to be signed'));
  const message = commitMessage(`${verbs[verdict]} ${id}`, reason, [['Proposal-Id', id], ...statementTrailers(signed)]);
  const parents = previous === undefined || previous === head ? [head] : [previous, head];
  const to = await commitTree(workspace, `${head}^{tree}`, parents, message);
  return { branch: `reviews/${id}`, from: previous, to };
}

const verbs = { approve: 'Approve', reject: 'Reject', withdraw: 'Withdraw' } as const;

/** Where the branches are, and the commits of proposals and reviews that the branch itself does not have. */
export interface Reading {
  heads: Heads;
  commits: ReadonlyMap<Oid, Commit>;
}

/**
 * Reads what is to know of all proposals, or of one, in one process; once until the branches move.
 * @returns a function that takes the id of the only one that is wanted
 */
export function openReading(workspace: Workspace, branches: Branches): (only?: string) => Promise<Reading> {
  const known = new WeakMap<Heads, Map<string, Promise<Reading>>>();
  async function readAll(heads: Heads, only: string | undefined): Promise<Reading> {
    const { main, proposals, reviews } = heads;
    const tips = only === undefined ? [proposals, reviews].flatMap(refs => [...refs.values()]) : [];
    if (only !== undefined) tips.push(...[proposals.get(only), reviews.get(only)].filter(one => one !== undefined));
    if (main === undefined || tips.length === 0) return { heads, commits: new Map() };
    const commits = await readCommits(workspace, [...tips, `^${main}`]);
    return { heads, commits: new Map(commits.map(commit => [commit.oid, commit])) };
  }
  return async only => {
    const heads = await branches.heads();
    const readings = known.get(heads) ?? new Map<string, Promise<Reading>>();
    known.set(heads, readings);
    const key = only ?? '';
    const reading = readings.get(key) ?? readAll(heads, only);
    readings.set(key, reading);
    // What failed is tried again.
    reading.catch(() => readings.delete(key));
    return reading;
  };
}

/** Proposals that are not over. */
export async function openProposals(
  workspace: Workspace,
  { heads, commits }: Reading,
  only?: string,
): Promise<Proposal[]> {
  const { main, proposals } = heads;
  const lines = [...proposals]
    .filter(([id]) => only === undefined || id === only)
    .map(([id, head]) => ({ id, head, own: ownCommits(commits, head) }))
    // Everything of it is in the branch: merged, or never more than a name.
    .filter(({ own }) => own.length > 0);
  if (main === undefined || lines.length === 0) return [];
  const brought = await broughtBy(workspace, main, lines);
  return lines.map(({ id, ...line }) => describe(id, line, brought.get(line.head)));
}

/** The statements on branches of reviews. */
function allStatements({ heads, commits }: Reading, only: string | undefined): Map<string, Statements> {
  const found = new Map<string, Statements>();
  for (const [id, tip] of heads.reviews) {
    if (only !== undefined && id !== only) continue;
    const signed: FoundStatement[][] = [];
    // The first parent is the review before; before the first one comes what was reviewed, which says nothing here.
    // All of them: behind enough others, a rejection would be out of sight.
    for (let one = commits.get(tip); one; one = commits.get(one.parents[0] ?? '')) {
      signed.push(statementsIn(one.message));
    }
    found.set(id, { signed: signed.reverse().flat(), attested: [] });
  }
  return found;
}

/** Merged ones, from the branch's own history, and withdrawn ones, from their reviews. */
async function endedProposals(
  workspace: Workspace,
  { main, reviews }: Heads,
  open: ReadonlySet<string>,
): Promise<Proposal[]> {
  const ended = new Map<string, Proposal>();
  if (main === undefined) return [];
  for (const commit of await readCommits(workspace, ['--first-parent', '--merges', main])) {
    const id = trailer(commit.message, 'Proposal-Id');
    const head = commit.parents[1];
    if (id === undefined || head === undefined || !isProposalId(id) || ended.has(id)) continue;
    const own = await readCommits(workspace, [head, `^${commit.parents[0] ?? ''}`]);
    const line = { head, own: own.length > 0 ? own : [commit] };
    ended.set(id, { ...describe(id, line), state: 'merged', merged: commit.oid });
  }
  for (const [id, tip] of reviews) {
    if (open.has(id) || ended.has(id)) continue;
    const [last] = await readCommits(workspace, ['--max-count=1', tip]);
    const head = last?.parents.at(-1);
    if (!last || head === undefined) continue;
    const own = await readCommits(workspace, [head, `^${main}`]);
    ended.set(id, { ...describe(id, { head, own: own.length > 0 ? own : [last] }), state: 'withdrawn' });
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
  const line = { head, own: await readCommits(workspace, [head, `^${base}`]) };
  const brought = (await broughtBy(workspace, base, [line])).get(head);
  return { ...describe(checked(id), line, brought), state: 'open' };
}

function describe(id: string, { head, own }: Line, { paths, superseded }: Brought = NOTHING): Proposal {
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
    commits: own.map(({ oid }) => oid),
    paths,
    state: superseded ? 'superseded' : 'open',
  };
}

const NOTHING: Brought = { paths: [], superseded: false };

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
