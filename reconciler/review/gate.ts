import {
  type Commit,
  describeProposal,
  type FoundStatement,
  readCommits,
  resolveCommit,
  statementsIn,
  trailer,
  verifyStatement,
  type Workspace,
} from '../../repo/forges/index.ts';
import { changedPaths, type Oid, type Snapshots, withSnapshots } from '../../repo/index.ts';
import {
  codeownersPaths,
  isProposalId,
  needsProposal,
  type Problem,
  ProblemError,
  principalsOf,
  problem,
} from '../../schema/index.ts';
import { preview } from '../preview.ts';
import { examineAt } from './examine.ts';
import { readPolicy } from './policy.ts';

/** One ref that a push wants to change. No object id: it is made, or deleted. */
export interface PushedRef {
  ref: string;
  from: Oid | undefined;
  to: Oid | undefined;
}

/** Commits of one push to the branch that are looked at; nobody reviews more. */
const MAX_COMMITS = 1_000;

/**
 * What stands against a push, by what each kind of ref is for: the branch takes what is valid, and what policy protects
 * only as a merge that carries the approvals it asks for; version tags never move; reviews are only added to.
 * Reads objects, also those that git holds in quarantine, and never a checkout.
 * @param pusher who pushes, where the server names them: a user's or service account's name, or an address
 */
export async function gatePush(
  workspace: Workspace,
  pushed: readonly PushedRef[],
  pusher?: string,
): Promise<Problem[]> {
  return withSnapshots(workspace, workspace.env, async snapshots => {
    const found: Problem[] = [];
    for (const one of pushed) {
      found.push(...(await gateRef({ workspace, snapshots }, one)));
      if (pusher !== undefined) found.push(...(await gateIdentity({ workspace, snapshots }, one.ref, pusher)));
    }
    return found;
  });
}

/** The repository that is pushed to. */
interface Server {
  workspace: Workspace;
  snapshots: Snapshots;
}

async function gateRef(server: Server, { ref, from, to }: PushedRef): Promise<Problem[]> {
  const { workspace } = server;
  const branch = `refs/heads/${workspace.branch}`;
  if (ref === branch)
    return to === undefined ? [refused(`${workspace.branch} cannot be deleted`)] : gateBranch(server, from, to);
  if (/^refs\/tags\/(?:.+\/)?v\d/.test(ref))
    return from === undefined ? [] : [refused(`${ref}: version tags never move`)];
  if (ref.startsWith('refs/heads/proposals/'))
    return gateProposal(server, ref.slice('refs/heads/proposals/'.length), to);
  if (ref.startsWith('refs/heads/reviews/'))
    return gateReview(workspace, ref.slice('refs/heads/reviews/'.length), from, to);
  return [];
}

async function gateBranch(server: Server, from: Oid | undefined, to: Oid): Promise<Problem[]> {
  const { workspace, snapshots } = server;
  const after = { name: 'what is pushed', files: await snapshots.files(to) };
  if (from === undefined) return errorsOf((await preview({ name: 'nothing', files: [] }, after)).introduced);
  if (!(await isAncestor(workspace, from, to)))
    return [refused(`${workspace.branch} is never rewritten: pull first, or revert`)];
  const before = { name: workspace.branch, files: await snapshots.mainFiles(from) };
  const invalid = errorsOf((await preview(before, after)).introduced);
  if (invalid.length > 0) return invalid;
  const line = await readCommits(workspace, ['--first-parent', to, `^${from}`]);
  if (line.length > MAX_COMMITS) return [refused(`a push may bring ${MAX_COMMITS} commits to ${workspace.branch}`)];
  // Another line would be judged by the policy of some older commit.
  if (line.length > 0 && line.at(-1)?.parents[0] !== from)
    return [
      refused(`what is pushed does not go on from ${workspace.branch}: merge into it, not it into something else`),
    ];
  const hidden = await mergedReview(workspace, from, to, line);
  if (hidden !== undefined) return [refused(`${short(hidden)} is a review: reviews are not merged into a branch`)];
  const found: Problem[] = [];
  for (const { oid, parents, message } of line.reverse()) {
    const [base] = parents;
    if (base === undefined) found.push(refused(`${short(oid)} has no parent`));
    else found.push(...(await gateCommit(server, { oid, base, merged: parents.slice(1), message })));
  }
  return found;
}

/** A review among what is merged. Statements that the branch has are not looked for any more. */
async function mergedReview(
  workspace: Workspace,
  from: Oid,
  to: Oid,
  line: readonly Commit[],
): Promise<Oid | undefined> {
  const own = new Set(line.map(({ oid }) => oid));
  const all = await readCommits(workspace, [to, `^${from}`]);
  return all.find(({ oid, message }) => !own.has(oid) && statementsIn(message).length > 0)?.oid;
}

interface Step {
  oid: Oid;
  /** What the branch was before it. */
  base: Oid;
  /** What was merged. */
  merged: readonly Oid[];
  message: string;
}

/** Whether one step of the branch may be made, by the policy that the branch had before it. */
async function gateCommit({ workspace, snapshots }: Server, { oid, base, merged, message }: Step): Promise<Problem[]> {
  const prefix = workspace.path === '' ? '' : `${workspace.path}/`;
  const all = await changedPaths(snapshots.objects, base, oid);
  const paths = all.filter(path => path.startsWith(prefix)).map(path => path.slice(prefix.length));
  const policy = await readPolicy(workspace, snapshots.objects, base, await snapshots.files(base));
  const outside = all.find(path => !path.startsWith(prefix) && codeownersPaths.some(one => one === path));
  if (outside !== undefined && (policy.codeowners.length > 0 || (policy.review?.protect.length ?? 0) > 0)) {
    const hint = 'Whoever administers the server changes it there, with the hook out of the way.';
    const text = `${short(oid)} changes \`${outside}\`, which decides who reviews what and is outside of \`${prefix}\``;
    return [problem('REVIEW_INCOMPLETE', text, { hint, at: { file: outside } })];
  }
  const asked = needsProposal(policy, paths);
  const [first] = asked;
  if (!first) return [];
  const [head] = merged;
  const id = trailer(message, 'Proposal-Id');
  if (merged.length !== 1 || head === undefined || id === undefined) {
    const more = asked.length === 1 ? '' : ` and ${asked.length - 1} more`;
    const hint = 'Propose it instead: `mcpctl propose`.';
    const text = `${short(oid)} changes \`${first.path}\`${more} without the approvals that ${first.because} asks for`;
    return [problem('REVIEW_INCOMPLETE', text, { hint, at: { file: first.path } })];
  }
  const proposal = await describeProposal(workspace, id, head, base);
  // Those that are kept come first: a merge may not leave a rejection out, nor put it before an approval.
  const said = [...(await keptStatements(workspace, id, head)), ...statementsIn(message)];
  const examined = await examineAt(workspace, snapshots, base, proposal, said);
  const tree = await workspace.git(['rev-parse', '--verify', '--end-of-options', `${oid}^{tree}`]);
  if (tree.stdout.toString().trim() !== examined.tree) {
    return [problem('REVIEW_INCOMPLETE', `${short(oid)} is not what merging ${id} gives`)];
  }
  const { verdict, requirements, discounted } = examined.judgement;
  if (verdict === 'approved') return [];
  const lacking = requirements.filter(({ needed, approvedBy }) => approvedBy.length < needed);
  const words = lacking.map(({ because, needed, approvedBy }) => `${because}: ${approvedBy.length} of ${needed}`);
  const why = discounted.map(({ problem: { message: text } }) => text);
  return [problem('REVIEW_INCOMPLETE', `${id} is ${verdict}: ${[...words, ...why].join('; ') || 'rejected'}`)];
}

/** Statements about a proposal on its branch of reviews, oldest first. What was reviewed says nothing about itself. */
async function keptStatements(workspace: Workspace, id: string, head: Oid): Promise<FoundStatement[]> {
  if (!isProposalId(id)) return [];
  const tip = await resolveCommit(workspace, `refs/heads/reviews/${id}`);
  if (tip === undefined) return [];
  const commits = await readCommits(workspace, ['--first-parent', tip, `^${head}`]);
  return commits.reverse().flatMap(({ message }) => statementsIn(message));
}

async function gateProposal({ workspace, snapshots }: Server, id: string, to: Oid | undefined): Promise<Problem[]> {
  if (!isProposalId(id)) return [refused(`\`proposals/${id}\` is no id of a proposal`)];
  const main = await resolveCommit(workspace, `refs/heads/${workspace.branch}`);
  if (to === undefined || main === undefined) return [];
  const before = { name: workspace.branch, files: await snapshots.mainFiles(main) };
  const after = { name: id, files: await snapshots.files(to) };
  return errorsOf((await preview(before, after)).introduced);
}

async function gateReview(
  workspace: Workspace,
  id: string,
  from: Oid | undefined,
  to: Oid | undefined,
): Promise<Problem[]> {
  if (!isProposalId(id)) return [refused(`\`reviews/${id}\` is no id of a proposal`)];
  if (to === undefined) return [refused(`reviews/${id} is kept: reviews are not deleted`)];
  if (from !== undefined && !(await isAncestor(workspace, from, to)))
    return [refused(`reviews/${id} is only added to`)];
  const main = await resolveCommit(workspace, `refs/heads/${workspace.branch}`);
  const known = [from, main].filter(one => one !== undefined);
  const commits = await readCommits(workspace, ['--first-parent', to, ...known.map(one => `^${one}`)]);
  if (from !== undefined && commits.at(-1)?.parents[0] !== from)
    return [refused(`reviews/${id} is only added to, behind what is there`)];
  const said = commits.flatMap(({ message }) => statementsIn(message));
  if (said.length === 0) return [refused(`reviews/${id}: there is no statement in what is pushed`)];
  return said.flatMap(one => {
    const checked = verifyStatement(one);
    if ('problem' in checked) return [checked.problem];
    return checked.signed.statement.proposal === id
      ? []
      : [refused(`reviews/${id}: a statement is about another proposal`)];
  });
}

/** What a program may write: proposals, and nothing else. So may somebody whom the repository does not know. */
async function gateIdentity({ workspace, snapshots }: Server, ref: string, pusher: string): Promise<Problem[]> {
  if (ref.startsWith('refs/heads/proposals/')) return [];
  const main = await resolveCommit(workspace, `refs/heads/${workspace.branch}`);
  if (main === undefined) return [];
  const { catalog } = await readPolicy(workspace, snapshots.objects, main, await snapshots.mainFiles(main));
  const people = principalsOf(catalog);
  if (people.byEmail(pusher) !== undefined || people.has(`user/${pusher.toLowerCase()}`)) return [];
  const hint = 'Push to `proposals/ID`, or let a person push it.';
  const text = `${pusher.slice(0, 100)} is no user of this repository, and may write \`proposals/*\` only`;
  return [problem('REVIEW_NOT_ENTITLED', text, { hint })];
}

function errorsOf(problems: readonly Problem[]): Problem[] {
  return problems.filter(({ severity }) => severity === 'error');
}

async function isAncestor(workspace: Workspace, from: Oid, to: Oid): Promise<boolean> {
  const result = await workspace.git(['merge-base', '--is-ancestor', from, to]);
  if (result.code === 0) return true;
  if (result.code === 1) return false;
  throw new ProblemError(problem('READ_FAILED', `git merge-base failed for ${short(from)} and ${short(to)}`));
}

function refused(message: string): Problem {
  return problem('PUSH_REFUSED', message);
}

function short(oid: Oid): string {
  return oid.slice(0, 12);
}
