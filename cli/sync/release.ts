import type { RemoteRef, ThinCopy } from '../../repo/index.ts';
import {
  type Check,
  type MachineTrust,
  type RootChain,
  type VerifiedRelease,
  verifyRelease,
} from '../../repo/trust/index.ts';
import {
  compareVersions,
  MANIFEST_PATH,
  type Problem,
  ProblemError,
  problem,
  releaseVersion,
} from '../../schema/index.ts';

export interface ReleaseTerms {
  copy: ThinCopy;
  trust: MachineTrust;
  /** Where the repository’s refs are. */
  refs: readonly RemoteRef[];
  /** The repository’s folder inside the git repository. */
  path: string;
  /** One release by name, whichever is newest. */
  pin?: string | undefined;
  now: number;
  signal: AbortSignal;
}

export interface ChosenRelease {
  release: VerifiedRelease;
  chain: RootChain;
  /** Newer tags that are not to be trusted, each with the check that failed. */
  passedOver: Problem[];
}

const TAGS = 'refs/tags/';
/** More tags than this that are no releases are not looked at one by one. */
const MAX_LOOKED_AT = 16;
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;
const MAX_RENEWALS = 16;

/**
 * The newest release that the pinned root allows and that is not below what this machine accepted before; or the one
 * that is pinned. @throws ProblemError RELEASE_UNKNOWN, NOT_TRUSTED
 */
export async function chooseRelease(terms: ReleaseTerms): Promise<ChosenRelease> {
  const { trust, pin } = terms;
  const tags = releaseTags(terms.refs).filter(({ ref }) => pin === undefined || ref === `${TAGS}${pin}`);
  if (tags.length === 0) {
    const which = pin === undefined ? 'no release' : `no release \`${pin}\``;
    throw new ProblemError(problem('RELEASE_UNKNOWN', `${trust.repository} has ${which}`));
  }
  const passedOver: Problem[] = [];
  for (const tag of tags.slice(0, MAX_LOOKED_AT)) {
    const found = await judge(terms, tag, pin !== undefined);
    if ('release' in found) return { ...found, passedOver };
    passedOver.push(found.problem);
  }
  throw new ProblemError(passedOver[0] ?? problem('NOT_TRUSTED', `${trust.repository} has no release to trust`));
}

/** Tags with the name of a release, the highest version first. */
export function releaseTags(refs: readonly RemoteRef[]): RemoteRef[] {
  const versionOf = ({ ref }: RemoteRef) => releaseVersion(ref.slice(TAGS.length)) ?? '';
  return refs
    .filter(one => one.ref.startsWith(TAGS) && versionOf(one) !== '')
    .sort((a, b) => compareVersions(versionOf(b), versionOf(a)));
}

/** Check one tag with all that it needs: signature, chain of roots, sequence, manifest. */
export async function judge(
  terms: ReleaseTerms,
  tag: RemoteRef,
  allowRollback: boolean,
): Promise<{ release: VerifiedRelease; chain: RootChain } | { problem: Problem }> {
  const { copy, trust, path, now, signal } = terms;
  await copy.fetch([tag], signal);
  await fetchEvidence(terms, tag);
  const { mark } = trust;
  const options = { path, ref: tag.ref, object: tag.oid, chain: trust.chain, mark, now, allowRollback };
  for (let turn = 0; ; turn++) {
    const objects = copy.openObjects();
    const { release, chain, checks } = await verifyRelease({ ...options, objects }).finally(() => objects.close());
    if (release) return { release, chain };
    // A renewal is judged by the release it renews.
    const failed = checks.find(({ result }) => result === 'failed');
    const older = releaseTags(terms.refs)[turn + 1];
    if (failed?.name !== 'key' || !failed.detail.includes('renew') || !older || turn >= MAX_RENEWALS) {
      return { problem: untrusted(tag, failed) };
    }
    await copy.fetch([older], signal);
  }
}

/** The manifest, and the documents of the root that the release brings along. */
async function fetchEvidence({ copy, path, signal }: ReleaseTerms, { oid }: RemoteRef): Promise<void> {
  const below = path === '' ? '' : `${path}/`;
  const manifest = await copy.find(oid, `${below}${MANIFEST_PATH}`).catch(() => undefined);
  const tree = await copy.list(oid, path).catch(() => []);
  const roots = tree.filter(file => file.path.startsWith('trust/root/'));
  // What is missing or too large is a check that fails.
  await copy.read([...(manifest ? [manifest] : []), ...roots], MAX_MANIFEST_BYTES, signal).catch(error => {
    if (signal.aborted) throw error;
  });
}

function untrusted({ ref }: RemoteRef, failed: Check | undefined): Problem {
  const why = failed ? `${failed.name}: ${failed.detail}` : 'a check failed';
  return problem('NOT_TRUSTED', `the release ${ref.slice(TAGS.length)} is not trusted: ${why}`);
}
