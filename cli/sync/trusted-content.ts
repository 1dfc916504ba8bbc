import type { RemoteRef, ThinCopy } from '../../repo/index.ts';
import {
  advanceTrust,
  type MachineTrust,
  type RootChain,
  readRootDocuments,
  walkRoots,
} from '../../repo/trust/index.ts';
import { ProblemError } from '../../schema/index.ts';
import type { SkillsConfig } from './config.ts';
import type { Content, ContentPlace, ContentTerms } from './content.ts';
import { chooseRelease } from './release.ts';

const MAX_ROOTS_BYTES = 16 * 1024 * 1024;

/**
 * The newest release that the pinned root allows. Apart from what is needed where none is pinned: much is loaded for it.
 * @throws ProblemError NOT_TRUSTED, RELEASE_UNKNOWN, TRUST_UNUSABLE, REMOTE_*
 */
export async function chooseTrusted(
  source: ContentPlace,
  { pin }: SkillsConfig,
  trust: MachineTrust,
  how: ContentTerms,
): Promise<Content> {
  const { path } = source;
  const { copy, refs, now, signal } = how;
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
