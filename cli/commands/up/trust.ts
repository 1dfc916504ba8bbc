import type { Remote } from '../../../repo/index.ts';
import {
  findTrust,
  openReleaseSource,
  type ReleaseSource,
  type ReleaseSourceOptions,
  readTrust,
} from '../../../repo/trust/index.ts';
import { type Problem, problem, type Repository } from '../../../schema/index.ts';

export interface TrustOptions extends Omit<ReleaseSourceOptions, 'repository' | 'now'> {
  remote: Remote;
  /** Full. */
  ref: string;
}

/** Whom a daemon trusts: what the reconciler is given for that. */
export interface DaemonTrust {
  mode: 'open' | 'release';
  releases?: ReleaseSource;
  mustNotFollow?(repository: Repository): Promise<Problem | undefined>;
}

/**
 * A machine that has a root pinned for the address follows releases only, whatever the repository says. Proposals are
 * there to be tried out; they have a state directory of their own. In every other case the branch is followed, unless
 * the repository says that it must not be, or turns out to be one whose root is pinned.
 */
export async function openTrust(options: TrustOptions): Promise<DaemonTrust> {
  const { home, remote, ref } = options;
  if (ref.startsWith('refs/heads/proposals/')) return { mode: 'open' };
  const trust = await findTrust(home, remote.url);
  if (trust) {
    return {
      mode: 'release',
      releases: openReleaseSource({ ...options, repository: trust.repository, now: Date.now }),
    };
  }
  return {
    mode: 'open',
    async mustNotFollow({ id, trust: wanted }) {
      const pinned = await readTrust(home, id);
      if (!pinned && wanted?.mode !== 'release') return undefined;
      const hint = `Run \`mcpctl trust add ${remote.display} --fingerprint ${pinned?.fingerprint ?? 'sha256:…'}\`, then start again.`;
      const why = pinned
        ? `a root is pinned for ${id} on this machine, but not for this address`
        : `${id} is followed by its releases only, and no root is pinned for it on this machine`;
      return problem('ROOT_NOT_PINNED', why, { hint });
    },
  };
}
