import { compareVersions, ProblemError, problem, releaseVersion } from '../../schema/index.ts';
import { git, lastWords } from '../git.ts';
import type { Oid } from '../types.ts';
import type { Workshop } from './release-objects.ts';
import { newest, type RootChain } from './root-chain.ts';
import { type VerifiedRelease, verifyRelease } from './verify-release.ts';

/** More tags than this that are no releases are not looked at one by one. */
const MAX_LOOKED_AT = 64;

/** A tag that has the name of a release. */
export interface ReleaseTag {
  /** `v1.2.0` */
  name: string;
  version: string;
  tag: Oid;
}

/** The tags of a repository that have the name of a release, the highest version first. @throws ProblemError READ_FAILED */
export async function listReleaseTags({ gitDir, env }: Pick<Workshop, 'gitDir' | 'env'>): Promise<ReleaseTag[]> {
  const result = await git(['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)', 'refs/tags/v*'], {
    env,
    gitDir,
  });
  if (result.code !== 0) throw new ProblemError(problem('READ_FAILED', `git for-each-ref: ${lastWords(result, [])}`));
  return result.stdout
    .toString()
    .split('\n')
    .flatMap(line => {
      const [tag = '', name = ''] = line.split(' ');
      const version = releaseVersion(name);
      return version === undefined ? [] : [{ name, version, tag }];
    })
    .sort((a, b) => compareVersions(b.version, a.version));
}

/** The release that the next one follows, and the tags that were passed over, each with the check that failed. */
export interface LastRelease {
  release: VerifiedRelease | undefined;
  passedOver: { name: string; why: string }[];
}

/**
 * The newest release in a repository: under the newest root, or else under the one it names; then one by a key that
 * still has its role goes before one by a key that was taken away, whose releases may be a thief's.
 */
export async function lastRelease(workshop: Workshop, chain: RootChain): Promise<LastRelease> {
  const passedOver: LastRelease['passedOver'] = [];
  const root = newest(chain);
  let fallback: VerifiedRelease | undefined;
  for (const { name } of (await listReleaseTags(workshop)).slice(0, MAX_LOOKED_AT)) {
    const { release, checks } = await verifyRelease({
      ...workshop,
      ref: `refs/tags/${name}`,
      chain,
      now: Date.now(),
      asOf: 'stated',
    });
    if (!release) {
      const failed = checks.find(({ result }) => result === 'failed');
      passedOver.push({ name, why: `${failed?.name}: ${failed?.detail}` });
      continue;
    }
    const { key } = release.signer;
    if (root.roles.release.keys.includes(key) || root.roles.renew.keys.includes(key)) return { release, passedOver };
    passedOver.push({
      name,
      why: `key: ${release.signer.name}’s was taken away by version ${root.version} of the root`,
    });
    fallback ??= release;
  }
  return { release: fallback, passedOver: passedOver.filter(({ name }) => `refs/tags/${name}` !== fallback?.ref) };
}
