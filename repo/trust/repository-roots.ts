import { type Problem, ProblemError, problem, type RootDocument, rootFingerprint } from '../../schema/index.ts';
import { rootTree } from '../commit-files.ts';
import type { Oid } from '../types.ts';
import { readRoots } from './read-release.ts';
import { firstFault, type RootChain, walkRoots } from './root-chain.ts';
import { type ReleasePlace, withObjects } from './verify-release.ts';

/** The versions of a root, and what cannot be used of them. */
export interface RootDocuments {
  documents: Map<number, RootDocument>;
  faults: string[];
}

/** The versions of the root at a commit, whether or not they hold together. @throws ProblemError READ_FAILED */
export async function readRootDocuments(place: ReleasePlace & { path: string }, commit: Oid): Promise<RootDocuments> {
  return withObjects(place, async objects => readRoots(objects, await rootTree(objects, commit, place.path)));
}

/**
 * The chain that the versions of a root make, from the one that is pinned, named by its fingerprint, or the first.
 * @throws ProblemError ROOT_MISSING when there is none; NOT_TRUSTED when there are only others; ROOT_INVALID when what
 * follows does not hold
 */
export function chainFrom(
  { documents, faults }: RootDocuments,
  from: { pinned?: RootChain | undefined; fingerprint?: string },
): RootChain {
  const { pinned, fingerprint } = from;
  const begin = pinned ?? firstOf(documents, fingerprint);
  if (!begin) throw new ProblemError(notThere(documents, fingerprint));
  const fault = firstFault(begin[0]);
  const walk = walkRoots(begin, documents);
  const all = [...faults, ...(fault === undefined ? [] : [fault]), ...walk.faults];
  if (all.length > 0)
    throw new ProblemError(problem('ROOT_INVALID', `the root of trust does not hold: ${all.join('; ')}`));
  return walk.chain;
}

/** To make a root is the cure only where there is none: another one may be an attacker's. */
function notThere(documents: ReadonlyMap<number, RootDocument>, fingerprint: string | undefined): Problem {
  // The newest ones: how many there are is up to the repository.
  const has = [...documents]
    .slice(-3)
    .map(([version, { signed }]) => `${rootFingerprint(signed)} (version ${version})`);
  if (fingerprint === undefined || has.length === 0) {
    return problem('ROOT_MISSING', 'the repository does not have trust/root/1.json');
  }
  const message = `the repository’s root has another fingerprint than ${fingerprint}: it has ${has.join(', ')}`;
  const hint =
    'This is the wrong repository, or somebody changed its root: pin nothing, and ask whoever runs it for the fingerprint.';
  return problem('NOT_TRUSTED', message, { hint });
}

function firstOf(documents: ReadonlyMap<number, RootDocument>, fingerprint?: string): RootChain | undefined {
  const found =
    fingerprint === undefined
      ? documents.get(1)
      : [...documents.values()].find(({ signed }) => rootFingerprint(signed) === fingerprint);
  return found && [found];
}
