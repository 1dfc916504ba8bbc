import { lastRelease } from '../../../repo/trust/index.ts';
import { ProblemError, problem, type ReleaseMessage } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { gitWords, type OwnGit } from '../../own-git.ts';
import { chainAtHead, type ReleasePlace } from '../../release-place.ts';
import { done, paint, step } from '../../style.ts';
import type { Draft } from './draft.ts';
import { resourceTags } from './resource-tags.ts';

interface PublishOptions extends CliContext {
  push?: boolean;
  remote: string;
}

const BATCH = 100;

/** Take over the releases that others made. @throws ProblemError REMOTE_UNREACHABLE */
export async function fetchReleases({ io, remote }: PublishOptions, { git }: ReleasePlace): Promise<void> {
  checkRemote(remote);
  const result = await git.try([
    'fetch',
    '--no-tags',
    remote,
    'refs/tags/v*:refs/tags/v*',
    'refs/tags/release/*:refs/tags/release/*',
  ]);
  if (result.code === 0) return;
  // A tag of the remote's that differs from ours is refused, and the others are taken over.
  if (/\[rejected\]/.test(result.stderr)) {
    io.stderr(`${paint(io, 'yellow', '!')} a tag here differs from the remote’s: ${gitWords(result)}\n`);
    return;
  }
  throw new ProblemError(problem('REMOTE_UNREACHABLE', `git fetch: ${gitWords(result)}`));
}

/**
 * Name the release's objects: on the remote first, all refs in one step or none, and none that is there already. The
 * tag of the sequence is what two who release at once meet at, whatever versions they chose.
 */
export async function publish(
  { push, remote }: PublishOptions,
  { git }: ReleasePlace,
  { message }: Draft,
  tag: string,
  { branch, commit }: { branch?: string; commit?: string },
): Promise<void> {
  const refs = [`refs/tags/v${message.version}`, sequenceRef(message)];
  if (push) {
    const further = branch === undefined || commit === undefined ? [] : [`${commit}:${branch}`];
    await pushAtOnce(git, remote, [...refs.map(ref => `${tag}:${ref}`), ...further]);
  }
  const zero = '0'.repeat(tag.length);
  const lines = ['start', ...refs.map(ref => `update ${ref} ${tag} ${zero}`), 'commit', ''];
  const result = await git.try(['update-ref', '--stdin'], lines.join('\n'));
  if (result.code === 0) return;
  const why = `the tag could not be made here: ${gitWords(result)}`;
  throw new ProblemError(problem('RELEASE_RACED', push ? `${why}; it is on the remote` : why));
}

/** Under a new root the sequence may go on below what a thief used up. */
function sequenceRef({ rootVersion, sequence }: ReleaseMessage): string {
  return `refs/tags/release/${rootVersion}.${sequence}`;
}

async function pushAtOnce(git: OwnGit, remote: string, specs: readonly string[], cure?: string): Promise<void> {
  checkRemote(remote);
  const result = await git.try(['push', '--quiet', '--atomic', '--no-follow-tags', remote, ...specs]);
  if (result.code !== 0) throw pushProblem(gitWords(result), result.stderr, cure);
}

/** Push the newest release that is here, as far as it is not on the remote. */
export async function pushLast(options: PublishOptions, place: ReleasePlace): Promise<ExitCode> {
  const { release } = await lastRelease(place.workshop, await chainAtHead(place));
  if (!release) throw new ProblemError(problem('RELEASE_UNKNOWN', 'there is no release here'));
  const { version } = release.message;
  const meeting = sequenceRef(release.message);
  const refs = [release.ref, meeting];
  const specs = refs.map(ref => `${release.tag}:${ref}`);
  const cure = `If it was never pushed, forget it with \`git tag --delete v${version} ${meeting.slice('refs/tags/'.length)}\`, then release again.`;
  await pushAtOnce(place.git, options.remote, specs, cure);
  done(options.io, `nothing changed since v${version}, which is on the remote`);
  await pushResourceTags(options, place);
  return ExitCodes.ok;
}

function pushProblem(words: string, stderr: string, hint?: string): ProblemError {
  if (/already exists|cannot lock ref|reference already exists|fetch first|non-fast-forward/.test(stderr)) {
    const message = `nothing was pushed, somebody else was first: ${words}`;
    return new ProblemError(problem('RELEASE_RACED', message, hint === undefined ? {} : { hint }));
  }
  return new ProblemError(problem('REMOTE_UNREACHABLE', `nothing was pushed: git push: ${words}`));
}

/**
 * Name the versions that the newest release gave, as far as they are not named yet: in small batches, each of which may
 * be repeated. Nothing rests on these names, so that what fails here fails nothing.
 */
export async function pushResourceTags(options: PublishOptions, place: ReleasePlace): Promise<void> {
  const { io, remote } = options;
  if (place.repository.spec.release?.resourceTags === false) return;
  const { release } = await lastRelease(place.workshop, await chainAtHead(place));
  if (!release) return;
  const names = await resourceTags(place, release);
  for (let start = 0; start < names.length; start += BATCH) {
    const specs = names.slice(start, start + BATCH).map(name => `${release.commit}:refs/tags/${name}`);
    const result = await place.git.try(['push', '--quiet', '--no-follow-tags', remote, ...specs]);
    if (result.code !== 0) {
      io.stderr(`${paint(io, 'yellow', '!')} not every version is tagged: ${gitWords(result)}\n`);
      return;
    }
    if (names.length > BATCH) step(io, `${Math.min(start + BATCH, names.length)} of ${names.length} versions tagged`);
  }
  if (names.length > 0)
    done(
      io,
      `tagged ${names.length} ${names.length === 1 ? 'version' : 'versions'}: ${names[0]}${names.length > 1 ? ' …' : ''}`,
    );
}

function checkRemote(remote: string): void {
  if (/^[A-Za-z0-9][\w./:@-]*$/.test(remote) || remote.startsWith('/')) return;
  throw new ProblemError(problem('USAGE', `\`${remote}\` is not the name of a remote`));
}
