import type { RemoteRef, ThinCopy } from '../../repo/index.ts';
import { advanceTrust, findTrust, type RootChain, readRootDocuments, walkRoots } from '../../repo/trust/index.ts';
import { type Manifest, type Problem, ProblemError, problem } from '../../schema/index.ts';
import type { SkillsConfig } from './config.ts';
import { chooseRelease, type ReleaseTerms } from './release.ts';

/** What of a repository counts on this machine. */
export interface Content {
  /** A commit, or the tag object of a release. */
  commit: string;
  manifest: Manifest | undefined;
  release: { name: string; signedBy: string } | undefined;
  warnings: Problem[];
  /** What other releases are judged by; none where there are none. */
  terms: ReleaseTerms | undefined;
  /** Remember that it was accepted, before anything of it is applied. */
  accept(): Promise<void>;
}

/** The repository, as its address and the folder inside it say. */
export interface ContentPlace {
  remote: { url: string; display: string };
  ref: string;
  path: string;
}

const MAX_ROOTS_BYTES = 16 * 1024 * 1024;

/**
 * Decide what counts: the newest release that the pinned root allows, or where none is pinned the branch as it is.
 * @throws ProblemError NOT_TRUSTED, ROOT_NOT_PINNED, RELEASE_UNKNOWN, TRUST_UNUSABLE, REF_NOT_FOUND, REMOTE_*
 */
export async function chooseContent(
  source: ContentPlace,
  { trust: mode, ref, pin }: SkillsConfig,
  how: {
    copy: ThinCopy;
    home: string;
    refs: readonly RemoteRef[];
    now: number;
    signal: AbortSignal;
  },
): Promise<Content> {
  const { path, remote } = source;
  const { copy, home, refs, now, signal } = how;
  const trust = await findTrust(home, remote.url);
  if (!trust) {
    if (mode === 'release' || pin !== undefined) {
      const message = `no root is pinned on this machine for ${remote.display}`;
      throw new ProblemError(problem('ROOT_NOT_PINNED', message));
    }
    const head = refs.find(one => one.ref === source.ref);
    if (!head) throw new ProblemError(problem('REF_NOT_FOUND', `${remote.display} has no \`${ref}\``));
    await copy.fetch([head], signal);
    return {
      commit: head.oid,
      manifest: undefined,
      release: undefined,
      warnings: [],
      terms: undefined,
      accept: () => Promise.resolve(),
    };
  }
  const known = { ...trust, chain: await withRootsAtHead(source, trust.chain, how) };
  const terms = { copy, trust: known, refs, path, pin, now, signal };
  const { release, chain, passedOver } = await chooseRelease(terms);
  const [newer] = passedOver;
  // Something newer is there and is not to be trusted: that must not look like peace.
  if (newer && release.tag === trust.mark?.tag) throw new ProblemError(newer);
  const { message, signer, tag } = release;
  const mark = {
    rootVersion: message.rootVersion,
    sequence: message.sequence,
    version: message.version,
    tag,
    manifest: message.manifest.sha256,
  };
  return {
    commit: tag,
    manifest: release.manifest,
    release: { name: release.ref.slice('refs/tags/'.length), signedBy: signer.name },
    warnings: passedOver,
    terms: { ...terms, trust: { ...known, chain } },
    // A pinned release may be below what was accepted; that stays what it was.
    accept: async () => {
      await advanceTrust(trust, chain, pin === undefined ? mark : undefined, new Date(now));
    },
  };
}

/** A key may be taken away by a root that no release has yet. What does not hold adds nothing. */
async function withRootsAtHead(
  { ref, path }: ContentPlace,
  chain: RootChain,
  { copy, refs, signal }: { copy: ThinCopy; refs: readonly RemoteRef[]; signal: AbortSignal },
): Promise<RootChain> {
  const head = refs.find(one => one.ref === ref);
  if (!head) return chain;
  await copy.fetch([head], signal);
  try {
    const roots = (await copy.list(head.oid, path)).filter(file => file.path.startsWith('trust/root/'));
    await copy.read(roots, MAX_ROOTS_BYTES, signal);
    const objects = copy.openObjects();
    const { documents } = await readRootDocuments({ objects, path }, head.oid).finally(() => objects.close());
    return walkRoots(chain, documents).chain;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ProblemError) return chain;
    throw error;
  }
}
