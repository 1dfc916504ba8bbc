import type { Oid } from '../types.ts';
import { type Proof, proofIn } from './approvals.ts';
import type { History } from './history.ts';
import { type Commit, readLog, trailer } from './log.ts';

/**
 * Where a commit came from. Where the merge that brought it carries statements that hold, they tell; else trailers and
 * merges do, which are hints: anybody can write them.
 */
export interface Origin {
  proposal?: string;
  /** Who let it in: who signed that they approve (`user/ann`), else who is named by trailers, else who merged it. */
  approvers: string[];
  /** Whether proposal and approvers are proved by signatures. */
  signed?: true;
  /** The merge that brought it to the branch. */
  merge?: Oid;
}

const APPROVED = ['approved-by', 'reviewed-by'];

/** Commits among which those asked for are, as the log lists them: no parent before its children. */
interface Listed {
  commits: readonly Commit[];
  /** Whether the first is the branch's newest, and none is left out after it. */
  isNewest: boolean;
}

/**
 * Find out where commits came from.
 * @param tip the branch that they are on
 * @param listed how they were found; without it, the whole history is looked through
 */
export async function originsOf(
  history: History,
  tip: Oid,
  commits: readonly Commit[],
  listed?: Listed,
): Promise<ReadonlyMap<Oid, Origin>> {
  const broughtIn = await mergesOf(history, tip, listed);
  const wanted = new Set(commits.flatMap(({ commit }) => broughtIn.get(commit) ?? []));
  const merges = new Map((await commitsOf(history, [...wanted])).map(merge => [merge.commit, merge]));
  const proofs = new Map<Oid, Promise<Proof | undefined>>();
  const origins = commits.map(async (commit): Promise<[Oid, Origin]> => {
    // A merge brings in itself what was decided in it.
    const merge = merges.get(broughtIn.get(commit.commit) ?? '') ?? (commit.parents.length > 1 ? commit : undefined);
    if (!merge) return [commit.commit, originOf(commit, undefined)];
    const proof = proofs.get(merge.commit) ?? proofIn(history, merge);
    proofs.set(merge.commit, proof);
    const proved = await proof;
    if (proved) return [commit.commit, { ...proved, signed: true, merge: merge.commit }];
    return [commit.commit, originOf(commit, merge === commit ? undefined : merge)];
  });
  return new Map(await Promise.all(origins));
}

/** Commits, each with where it came from. */
export async function withOrigins<T extends Commit>(
  history: History,
  commits: readonly T[],
  listed?: Listed,
): Promise<(T & { origin: Origin })[]> {
  if (commits.length === 0) return [];
  const origins = await originsOf(history, history.tip, commits, listed);
  return commits.map(commit => ({ ...commit, origin: origins.get(commit.commit) ?? { approvers: [] } }));
}

/**
 * The commits that came from a proposal, newest first: those that say so, and those that a merge of it brought. What is
 * on the branch already is another's.
 */
export async function commitsOfProposal(history: History, tip: Oid, proposal: string): Promise<Oid[]> {
  const args = ['--no-patch', '--fixed-strings', `--grep=${proposal}`];
  const named = (await readLog(history, { from: tip, args })).filter(
    commit =>
      trailer(commit, 'Proposal-Id') === proposal || (commit.parents.length > 1 && branchOf(commit) === proposal),
  );
  const found = new Set(named.map(({ commit }) => commit));
  for (const { commit, parents } of named) {
    const [base, ...merged] = parents;
    if (base === undefined || merged.length === 0) continue;
    const own = await history.git(['rev-list', commit, `^${base}`, '--']);
    for (const oid of own.toString().split('\n')) if (oid !== '') found.add(oid);
  }
  if (found.size === 0) return [];
  const all = await history.git(['rev-list', '--topo-order', tip, '--']);
  return all
    .toString()
    .split('\n')
    .filter(oid => found.has(oid));
}

/** Commits by their ids, without their files. */
export async function commitsOf(history: History, ids: readonly Oid[]): Promise<Commit[]> {
  if (ids.length === 0) return [];
  const [first = '', ...others] = ids;
  return readLog(history, { from: first, args: ['--no-walk=unsorted', '--no-patch', ...others] });
}

function originOf(commit: Commit, merge: Commit | undefined): Origin {
  const proposal = trailer(commit, 'Proposal-Id') ?? (merge && (trailer(merge, 'Proposal-Id') ?? branchOf(merge)));
  const named = [commit, ...(merge ? [merge] : [])].flatMap(({ trailers }) =>
    trailers.filter(({ key }) => APPROVED.includes(key.toLowerCase())).map(({ value }) => value),
  );
  const approvers = named.length > 0 ? [...new Set(named)] : merge ? [merge.author.name] : [];
  return { ...(proposal !== undefined && { proposal }), approvers, ...(merge && { merge: merge.commit }) };
}

/** `Merge pull request #7 from somebody/proposals/prompt-greet-0a1b2c` */
function branchOf({ subject }: Commit): string | undefined {
  return /\bproposals\/([a-z0-9-]+)/.exec(subject)?.[1];
}

/** Whether each commit is the first parent of the one before: none of them was merged. */
function isLine(commits: readonly Commit[]): boolean {
  return commits.every(({ commit }, index) => index === 0 || commit === commits[index - 1]?.parents[0]);
}

/** Commit → the merge on the branch's own line that brought it in; those on the line itself have none. */
async function mergesOf(history: History, tip: Oid, listed: Listed | undefined): Promise<Map<Oid, Oid>> {
  if (listed?.isNewest && isLine(listed.commits)) return new Map();
  // What came before the last one listed brought none of them.
  const before = listed?.commits.at(-1)?.parents.map(parent => `^${parent}`) ?? [];
  const output = await history.git(['rev-list', '--parents', tip, ...before, '--']);
  const parents = new Map<Oid, Oid[]>();
  for (const line of output.toString().split('\n')) {
    const [commit = '', ...own] = line.split(' ');
    parents.set(commit, own);
  }
  const line: Oid[] = [];
  const first = output.toString().slice(0, output.indexOf('\n')).split(' ')[0];
  for (let at: Oid | undefined = first; at !== undefined && at !== ''; at = parents.get(at)?.[0]) line.push(at);
  const seen = new Set(line);
  const broughtIn = new Map<Oid, Oid>();
  // The oldest merge that reaches a commit is the one that brought it.
  for (const merge of line.reverse()) {
    const stack = parents.get(merge)?.slice(1) ?? [];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      broughtIn.set(at, merge);
      stack.push(...(parents.get(at) ?? []));
    }
  }
  return broughtIn;
}
