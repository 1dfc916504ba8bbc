import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RemoteRef, ThinCopy } from '../../repo/index.ts';
import { type Manifest, type Problem, ProblemError, problem } from '../../schema/index.ts';
import type { SkillsConfig } from './config.ts';
import type { ReleaseTerms } from './release.ts';

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

export interface ContentTerms {
  copy: ThinCopy;
  home: string;
  refs: readonly RemoteRef[];
  now: number;
  signal: AbortSignal;
}

/**
 * Decide what counts: the newest release that the pinned root allows, or where none is pinned the branch as it is.
 * @throws ProblemError NOT_TRUSTED, ROOT_NOT_PINNED, RELEASE_UNKNOWN, TRUST_UNUSABLE, REF_NOT_FOUND, REMOTE_*
 */
export async function chooseContent(source: ContentPlace, config: SkillsConfig, how: ContentTerms): Promise<Content> {
  const { remote } = source;
  const { trust: mode, ref, pin } = config;
  const { copy, home, refs, signal } = how;
  // Nothing was ever pinned on most machines.
  if (existsSync(join(home, 'trust'))) {
    const { findTrust } = await import('../../repo/trust/index.ts');
    const trust = await findTrust(home, remote.url);
    if (trust) return (await import('./trusted-content.ts')).chooseTrusted(source, config, trust, how);
  }
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
