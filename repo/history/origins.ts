import type { Oid } from '../types.ts';
import type { History } from './history.ts';
import { type Commit, readLog, trailer } from './log.ts';

/** Where a commit came from, as far as trailers and merges tell. They are hints: anybody can write them. */
export interface Origin {
  proposal?: string;
  /** Who let it in: named by trailers, else who merged it. */
  approvers: string[];
  /** The merge that brought it to the branch. */
  merge?: Oid;
}

const APPROVED = ['approved-by', 'reviewed-by'];

/** Find out where commits came from. @param tip the branch that they are on */
export async function originsOf(
  history: History,
  tip: Oid,
  commits: readonly Commit[],
): Promise<ReadonlyMap<Oid, Origin>> {
  const broughtIn = await mergesOf(history, tip);
  const wanted = new Set(commits.flatMap(({ commit }) => broughtIn.get(commit) ?? []));
  const merges = new Map((await commitsOf(history, [...wanted])).map(merge => [merge.commit, merge]));
  return new Map(
    commits.map(commit => {
      const merge = merges.get(broughtIn.get(commit.commit) ?? '');
      return [commit.commit, originOf(commit, merge)];
    }),
  );
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

/** Commit → the merge on the branch's own line that brought it in; those on the line itself have none. */
async function mergesOf(history: History, tip: Oid): Promise<Map<Oid, Oid>> {
  const output = await history.git(['rev-list', '--parents', tip, '--']);
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
