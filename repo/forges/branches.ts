import { isProposalId, ProblemError, problem } from '../../schema/index.ts';
import { lastWords } from '../git.ts';
import type { Oid } from '../types.ts';
import { localRefs, refresh, type Workspace } from './workspace.ts';

/** Where the remote's branches were when it was last asked. */
export interface Heads {
  main: Oid | undefined;
  /** By the proposal's id. */
  proposals: ReadonlyMap<string, Oid>;
  reviews: ReadonlyMap<string, Oid>;
}

/** The remote's branches that matter here: the one that is followed, proposals and their reviews. */
export interface Branches {
  heads(): Promise<Heads>;
  /** @throws ProblemError REF_NOT_FOUND when the remote has no such branch, or was never asked */
  main(): Promise<Oid>;
  /** Fetch. @returns whether anything is not where it was @throws ProblemError REMOTE_UNREACHABLE */
  refresh(): Promise<boolean>;
}

/** What was read is kept until the next refresh. */
export function openBranches(workspace: Workspace): Branches {
  let known: Promise<Heads> | undefined;
  function heads(): Promise<Heads> {
    known ??= readHeads(workspace).catch(error => {
      known = undefined;
      throw error;
    });
    return known;
  }
  return {
    heads,
    async main() {
      const { main } = await heads();
      if (main !== undefined) return main;
      throw new ProblemError(problem('REF_NOT_FOUND', `there is no branch ${workspace.branch}`));
    },
    async refresh() {
      const before = heads().catch(() => undefined);
      await refresh(workspace);
      const old = await before;
      const now = await readHeads(workspace);
      const moved = old === undefined || !areSame(old, now);
      // Whoever read what has not moved may go on with it.
      if (moved) known = Promise.resolve(now);
      return moved;
    },
  };
}

async function readHeads(workspace: Workspace): Promise<Heads> {
  const prefixes = { proposals: localRefs.proposal(''), reviews: localRefs.review('') };
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', localRefs.main, ...Object.values(prefixes)];
  const result = await workspace.git(args);
  if (result.code !== 0) throw new ProblemError(problem('READ_FAILED', `git for-each-ref: ${lastWords(result, [])}`));
  let main: Oid | undefined;
  const proposals = new Map<string, Oid>();
  const reviews = new Map<string, Oid>();
  for (const line of result.stdout.toString().split('\n')) {
    const space = line.indexOf(' ');
    if (space < 0) continue;
    const [oid, ref] = [line.slice(0, space), line.slice(space + 1)];
    if (ref === localRefs.main) main = oid;
    for (const [prefix, found] of [
      [prefixes.proposals, proposals],
      [prefixes.reviews, reviews],
    ] as const) {
      const id = ref.startsWith(prefix) ? ref.slice(prefix.length) : '';
      if (isProposalId(id)) found.set(id, oid);
    }
  }
  return { main, proposals, reviews };
}

function areSame(a: Heads, b: Heads): boolean {
  return a.main === b.main && sameMaps(a.proposals, b.proposals) && sameMaps(a.reviews, b.reviews);
}

function sameMaps(a: ReadonlyMap<string, Oid>, b: ReadonlyMap<string, Oid>): boolean {
  return a.size === b.size && [...a].every(([id, oid]) => b.get(id) === oid);
}
