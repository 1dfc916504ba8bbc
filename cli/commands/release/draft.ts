import { createHash } from 'node:crypto';
import {
  type CommitContent,
  lastRelease,
  newest,
  type RootChain,
  readContent,
  type VerifiedRelease,
  verifyRelease,
} from '../../../repo/trust/index.ts';
import {
  type Bump,
  bumpBetween,
  compareVersions,
  durationMs,
  isVersion,
  largestBump,
  type Manifest,
  type NextManifest,
  nextManifest,
  ProblemError,
  printManifest,
  problem,
  type ReleaseMessage,
  raise,
  releaseProblems,
  releaseVersion,
  type VersionHint,
} from '../../../schema/index.ts';
import { chainAtHead, type ReleasePlace } from '../../release-place.ts';
import { type Bumps, parseBumps } from './bumps.ts';
import { commitsBetween, type ReleasedCommit } from './commits.ts';

export interface DraftOptions {
  version?: string;
  bump?: string[];
  renew?: boolean;
  previous?: string;
  expires?: string;
  /** The release whose content this is once more. */
  restores?: string;
}

/** A release before it is signed: everything that it will be, for somebody to look at. */
export interface Draft {
  chain: RootChain;
  previous: VerifiedRelease | undefined;
  passedOver: { name: string; why: string }[];
  next: NextManifest;
  manifest: string;
  message: ReleaseMessage;
  commits: ReleasedCommit[];
  /** What was hashed for the manifest, by object id; left out when none was made. */
  measured?: CommitContent['measured'];
  /** The commit that is released; left out when the release commit before is tagged once more. */
  parent?: string;
}

/**
 * Work out the next release of `HEAD`. @param commit released instead of `HEAD`, on top of it
 * @throws ProblemError VERSION_REFUSED, RELEASE_NOTHING, RELEASE_UNKNOWN, ROOT_MISSING, ROOT_INVALID
 */
export async function draftRelease(place: ReleasePlace, options: DraftOptions, now: Date): Promise<Draft> {
  const chain = await chainAtHead(place);
  const { release: previous, passedOver } = await findPrevious(place, chain, options.previous);
  const bumps = parseBumps(options.bump ?? []);
  const released = previous && (await place.git.run(['rev-parse', `${previous.commit}^`]));
  const commits = await commitsBetween(place.git, released, place.head, place.workshop.path);
  if (options.renew) return { ...renewal(place, chain, previous, options, now), passedOver, commits: [] };
  refuseUnpinned(place);
  const { next, measured } = await makeNext(place, previous?.manifest, commits, bumps);
  const [refused] = next.problems;
  if (refused) throw new ProblemError(refused);
  const unchanged = [...bumps.resources.keys()].filter(id => !next.changes.some(change => change.id === id));
  if (unchanged.length > 0)
    throw new ProblemError(problem('USAGE', `\`${unchanged[0]}\` has not changed, or is not there`));
  const manifest = printManifest(next.manifest);
  if (
    previous &&
    sha256(manifest) === previous.message.manifest.sha256 &&
    newest(chain).version === previous.message.rootVersion
  ) {
    throw new ProblemError(
      problem('RELEASE_NOTHING', `nothing changed since ${previous.ref.slice('refs/tags/'.length)}`),
    );
  }
  const version = nextOwn(previous, options.version, bumps.own ?? bumpOf(next));
  const message = messageFor(place, chain, previous, manifest, version, options, now);
  return { chain, previous, passedOver, next, manifest, message, commits, measured, parent: place.head };
}

/** What machines that follow releases would refuse is not released. */
function refuseUnpinned({ loaded, repository }: ReleasePlace): void {
  if (repository.spec.trust?.mode !== 'release') return;
  const { resources } = loaded.catalog;
  const runtime = repository.spec.release?.runtime ?? 'process';
  const [first, ...more] = [...resources.values()].flatMap(one =>
    releaseProblems(one, id => resources.get(id), runtime),
  );
  if (!first) return;
  const others = more.length === 0 ? '' : ` (and ${more.length} more like this)`;
  const assumed = first.code === 'ISOLATION_REQUIRED' ? ` ${assumption(runtime)}` : '';
  throw new ProblemError({ ...first, message: `${first.message}${others}`, hint: `${first.hint}${assumed}` });
}

/** Which runtime the machines have is known only from the repository: what is taken for it is said. */
function assumption(runtime: string): string {
  return (
    `Servers that name no runtime are taken to run on \`${runtime}\`; where \`mcpctl up --runtime\` of all machines ` +
    'says another one, write it into mcpctl.yaml, such as `release: { runtime: docker }`.'
  );
}

async function findPrevious(place: ReleasePlace, chain: RootChain, named: string | undefined) {
  if (named === undefined) return lastRelease(place.workshop, chain);
  return { release: await verifiedRelease(place, chain, named), passedOver: [] };
}

/** A release that was one when it was made, by name. @throws ProblemError RELEASE_UNKNOWN, NOT_TRUSTED */
export async function verifiedRelease(place: ReleasePlace, chain: RootChain, named: string): Promise<VerifiedRelease> {
  const name = named.startsWith('v') ? named : `v${named}`;
  if (releaseVersion(name) === undefined)
    throw new ProblemError(problem('RELEASE_UNKNOWN', `\`${named}\` is no release’s name`));
  const ref = `refs/tags/${name}`;
  const options = { ...place.workshop, ref, chain, now: Date.now(), asOf: 'stated' } as const;
  const { release, checks, tag } = await verifyRelease(options);
  if (release) return release;
  if (tag === undefined) throw new ProblemError(problem('RELEASE_UNKNOWN', `there is no ${name} here`));
  const failed = checks.find(({ result }) => result === 'failed');
  throw new ProblemError(problem('NOT_TRUSTED', `${name} is not trusted: ${failed?.name}: ${failed?.detail}`));
}

async function makeNext(
  { workshop, head, loaded, repository }: ReleasePlace,
  previous: Manifest | undefined,
  commits: readonly ReleasedCommit[],
  bumps: Bumps,
): Promise<{ next: NextManifest; measured: CommitContent['measured'] }> {
  const resources = [...loaded.catalog.resources.values()];
  const folders = resources.flatMap(({ kind, file }) =>
    kind === 'Skill' ? [file.slice(0, file.lastIndexOf('/'))] : [],
  );
  const { files, oids, measured } = await readContent(workshop, head, folders);
  const content = { repository: repository.spec.id, resources, files, oid: (path: string) => oids.get(path) };
  // Which files are whose is known from the manifests, the old and the new.
  const plain = nextManifest(content, previous, new Map());
  const owner = new Map<string, string>();
  for (const { id, files: own } of [...(previous?.resources ?? []), ...plain.manifest.resources]) {
    for (const { path } of own) owner.set(path, id);
  }
  const hints = new Map([...hintsOf(commits, owner), ...bumps.resources]);
  return { next: hints.size === 0 ? plain : nextManifest(content, previous, hints), measured };
}

function hintsOf(commits: readonly ReleasedCommit[], owner: ReadonlyMap<string, string>): Map<string, VersionHint> {
  const hints = new Map<string, VersionHint>();
  for (const { hint, paths } of commits) {
    for (const id of new Set(paths.flatMap(path => owner.get(path) ?? []))) {
      const before = hints.get(id) ?? {};
      const bump = largestBump([before.bump, hint.bump]);
      const version = before.version ?? hint.version;
      hints.set(id, { ...(bump && { bump }), ...(version !== undefined && { version }) });
    }
  }
  return hints;
}

/** What the changes of the resources come to. */
function bumpOf({ changes }: NextManifest): Bump {
  const all = changes.map(({ before, after }) => (after === undefined ? 'minor' : bumpBetween(before, after)));
  return largestBump(all) ?? 'patch';
}

function nextOwn(previous: VerifiedRelease | undefined, given: string | undefined, bump: Bump): string {
  const last = previous?.message.version;
  const version = given?.replace(/^v/, '') ?? (last === undefined ? '0.1.0' : raise(last, bump));
  if (!isVersion(version)) {
    throw new ProblemError(problem('VERSION_REFUSED', `\`${version.slice(0, 64)}\` is not a version such as 1.2.0`));
  }
  if (last === undefined || compareVersions(version, last) > 0) return version;
  const hint = `Leave it out, or give one above ${last}, such as ${raise(last, 'patch')}.`;
  throw new ProblemError(problem('VERSION_REFUSED', `${version} is not above the last release, ${last}`, { hint }));
}

function renewal(
  place: ReleasePlace,
  chain: RootChain,
  previous: VerifiedRelease | undefined,
  options: DraftOptions,
  now: Date,
): Omit<Draft, 'passedOver' | 'commits'> {
  if (!previous) throw new ProblemError(problem('RELEASE_UNKNOWN', 'there is no release yet that could be renewed'));
  if (newest(chain).version !== previous.message.rootVersion) {
    const hint = 'Run `mcpctl release`: under a new root the content is released again, not renewed.';
    throw new ProblemError(problem('RELEASE_UNKNOWN', 'the root has a new version since the last release', { hint }));
  }
  const manifest = printManifest(previous.manifest);
  const version = nextOwn(previous, options.version, 'patch');
  const message = messageFor(place, chain, previous, manifest, version, options, now);
  return { chain, previous, next: { manifest: previous.manifest, changes: [], problems: [] }, manifest, message };
}

function messageFor(
  { repository }: ReleasePlace,
  chain: RootChain,
  previous: VerifiedRelease | undefined,
  manifest: string,
  version: string,
  { expires, restores }: DraftOptions,
  now: Date,
): ReleaseMessage {
  const duration = expires ?? repository.spec.release?.expires;
  const ms = duration === undefined ? undefined : durationMs(duration);
  if (duration !== undefined && ms === undefined) {
    throw new ProblemError(problem('USAGE', `\`${duration}\` is not a duration such as 12h or 90d`));
  }
  return {
    apiVersion: 'mcpctl.dev/v1',
    kind: 'Release',
    repository: repository.spec.id,
    version,
    sequence: (previous?.message.sequence ?? 0) + 1,
    rootVersion: newest(chain).version,
    manifest: { sha256: sha256(manifest), size: Buffer.byteLength(manifest) },
    ...(previous && {
      previous: { tag: `v${previous.message.version}`, oid: previous.tag, sequence: previous.message.sequence },
    }),
    ...(ms !== undefined && { expires: new Date(now.getTime() + ms).toISOString().replace(/\.\d+Z$/, 'Z') }),
    ...(restores !== undefined && { restores }),
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
