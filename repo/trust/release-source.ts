import {
  compareVersions,
  type Problem,
  ProblemError,
  problem,
  type RootDocument,
  releaseVersion,
} from '../../schema/index.ts';
import { rootTree } from '../commit-files.ts';
import { git } from '../git.ts';
import { openObjects } from '../objects.ts';
import type { Mirror, Oid, RefAt } from '../types.ts';
import type { Mark } from './check-tag.ts';
import { type Measured, readRoots } from './read-release.ts';
import { newest, walkRoots } from './root-chain.ts';
import { advanceTrust, type MachineTrust, readTrust } from './trust-store.ts';
import { type Verdict, type VerifiedRelease, verifyRelease } from './verify-release.ts';

/** Where tags that are looked at are kept in the mirror. */
const TAKEN = 'refs/mcpctl/releases/';
/** So many tags that were not seen before are taken over in one look; the next look goes on. */
const MAX_TAKEN = 16;
/** So many renewals in a row are taken over to find the release that they renew. */
const MAX_RENEWALS = 20;

export interface ReleaseSourceOptions {
  mirror: Mirror;
  env: Readonly<Record<string, string | undefined>>;
  /** See `mcpctlHome`. */
  home: string;
  /** The folder inside the repository. */
  path: string;
  repository: string;
  /** The first release that is accepted may be below the mark. */
  allowRollback: boolean;
  now(): number;
}

/** What a look at the releases of a remote found. */
export interface SeenReleases {
  /** The newest that is trusted, already remembered as accepted; undefined while there is none. */
  release: VerifiedRelease | undefined;
  /** Tags that are newer, or would be, and are not trusted. */
  passedOver: Problem[];
  /** Why there is no release, or none under the newest root. */
  waiting: string | undefined;
}

/** Finds the newest trusted release of a remote. */
export interface ReleaseSource {
  readonly repository: string;
  /** Whether a commit is that of a release which this machine accepted once. */
  wasAccepted(commit: Oid | undefined): Promise<boolean>;
  /** @param branch the followed branch's commit, which may have newer versions of the root than any release */
  look(branch: Oid, signal: AbortSignal): Promise<SeenReleases | { problem: Problem }>;
}

export function openReleaseSource(options: ReleaseSourceOptions): ReleaseSource {
  const { mirror, env, home, path, repository, now } = options;
  /** Verdicts on tags, which hold as long as the root and the mark are what they were. */
  let refused = new Map<string, string>();
  let refusedUnder = '';
  let current: VerifiedRelease | undefined;
  let { allowRollback } = options;
  const measured: Measured = new Map();

  async function trusted(): Promise<MachineTrust> {
    const trust = await readTrust(home, repository);
    if (trust) return trust;
    throw new ProblemError(problem('ROOT_NOT_PINNED', `the pinned root of ${repository} is not there any more`));
  }

  /** Newer roots count as soon as they are known, from wherever they came. */
  async function learnRoots(trust: MachineTrust, branch: Oid): Promise<MachineTrust> {
    const documents = await rootsAt(mirror.gitDir, env, branch, path);
    const { chain } = walkRoots(trust.chain, documents);
    return chain.length > trust.chain.length ? advanceTrust(trust, chain, undefined, new Date(now())) : trust;
  }

  async function judge(
    name: string,
    trust: MachineTrust,
    signal: AbortSignal,
  ): Promise<Verdict | { problem: Problem }> {
    const ref = `refs/tags/${name}`;
    const { chain, mark } = trust;
    const taken = await mirror.take(ref, TAKEN + name, signal);
    if (taken.problem) return { problem: taken.problem };
    const verify = () =>
      verifyRelease({
        gitDir: mirror.gitDir,
        env,
        path,
        ref,
        object: TAKEN + name,
        chain,
        mark,
        now: now(),
        files: measured,
        allowRollback,
      });
    let verdict = await verify();
    // A renewal is judged by the release before, which may not have been taken over.
    for (let count = 0; count < MAX_RENEWALS && verdict.renews !== undefined; count++) {
      const { renews } = verdict;
      const before = await mirror.take(`refs/tags/${renews}`, TAKEN + renews, signal);
      if (before.problem) break;
      verdict = await verify();
      if (verdict.renews === renews) break;
    }
    return verdict;
  }

  async function accept(trust: MachineTrust, { chain, release }: Verdict): Promise<void> {
    if (!release) return;
    const { message, tag, commit } = release;
    const { rootVersion, sequence, version } = message;
    const mark: Mark = { rootVersion, sequence, version, tag, manifest: message.manifest.sha256 };
    await advanceTrust(trust, chain, mark, new Date(now()), { allowRollback, commit });
    allowRollback = false;
    current = release;
    await forgetOthers(mirror.gitDir, env, release.ref);
  }

  /** The first tag from the top that is trusted. What was refused before is not taken over again. */
  async function search(
    tags: readonly NamedTag[],
    trust: MachineTrust,
    signal: AbortSignal,
  ): Promise<SeenReleases | { problem: Problem }> {
    const passedOver: Problem[] = [];
    let taken = 0;
    for (const { name, version, oid } of tags) {
      if (current?.tag === oid && isAccepted(trust, oid)) return { release: current, passedOver, waiting: undefined };
      if (isBelow(trust, version, oid) && !allowRollback) break;
      let why = refused.get(`${name} ${oid}`);
      if (why === undefined) {
        if (++taken > MAX_TAKEN) break;
        const verdict = await judge(name, trust, signal);
        if ('problem' in verdict) return verdict;
        if (verdict.release) {
          await accept(trust, verdict);
          return { release: verdict.release, passedOver, waiting: undefined };
        }
        const failed = verdict.checks.find(({ result }) => result === 'failed');
        why = `${failed?.name}: ${failed?.detail}`;
        refused.set(`${name} ${oid}`, why);
      }
      passedOver.push(problem('RELEASE_PASSED_OVER', `the tag ${name} is not trusted: ${why}`));
    }
    return { release: undefined, passedOver, waiting: waitsFor(trust, passedOver.length) };
  }

  return {
    repository,
    async wasAccepted(commit) {
      return commit !== undefined && ((await trusted()).mark?.commits.includes(commit) ?? false);
    },
    async look(branch, signal) {
      const listed = await mirror.list(['refs/tags/v'], signal);
      if ('problem' in listed) return listed;
      const trust = await learnRoots(await trusted(), branch);
      const under = `${newest(trust.chain).version} ${trust.mark?.tag} ${allowRollback}`;
      if (under !== refusedUnder) refused = new Map();
      refusedUnder = under;
      return search(releaseTags(listed.refs), trust, signal);
    },
  };
}

interface NamedTag {
  name: string;
  version: string;
  oid: Oid;
}

function releaseTags(refs: readonly RefAt[]): NamedTag[] {
  return refs
    .flatMap(({ ref, oid }) => {
      const name = ref.slice('refs/tags/'.length);
      const version = releaseVersion(name);
      return version === undefined ? [] : [{ name, version, oid }];
    })
    .sort((a, b) => compareVersions(b.version, a.version));
}

function isAccepted({ mark, chain }: MachineTrust, oid: Oid): boolean {
  return mark?.tag === oid && mark.rootVersion === newest(chain).version;
}

/** Version and sequence grow together, so that nothing below the mark's version needs to be looked at. */
function isBelow({ mark, chain }: MachineTrust, version: string, oid: Oid): boolean {
  if (!mark || mark.rootVersion !== newest(chain).version || mark.tag === oid) return false;
  return compareVersions(version, mark.version) < 0;
}

function waitsFor({ mark, chain }: MachineTrust, untrusted: number): string {
  const root = newest(chain).version;
  if (mark && mark.rootVersion < root) {
    return `v${mark.version} was made under version ${mark.rootVersion} of the root; version ${root} has no release yet`;
  }
  if (mark) return `v${mark.version}, which this machine accepted, is not among the remote’s tags any more`;
  return untrusted === 0 ? 'the remote has no release yet' : 'none of the remote’s releases is trusted';
}

async function rootsAt(
  gitDir: string,
  env: ReleaseSourceOptions['env'],
  commit: Oid,
  path: string,
): Promise<Map<number, RootDocument>> {
  const objects = openObjects(gitDir, env);
  try {
    return (await readRoots(objects, await rootTree(objects, commit, path))).documents;
  } catch {
    // The branch may have anything, or nothing; a release brings its own.
    return new Map();
  } finally {
    objects.close();
  }
}

/** Tags that were looked at need not be kept. */
async function forgetOthers(gitDir: string, env: ReleaseSourceOptions['env'], ref: string): Promise<void> {
  const kept = TAKEN + ref.slice('refs/tags/'.length);
  const listed = await git(['for-each-ref', '--format=%(refname)', TAKEN], { env, gitDir });
  const others = listed.stdout
    .toString()
    .split('\n')
    .filter(name => name !== '' && name !== kept);
  if (others.length === 0) return;
  const input = others.map(name => `delete ${name}\n`).join('');
  await git(['update-ref', '--stdin'], { env, gitDir, input });
}
