import { writeRestored } from '../../../repo/trust/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import type { CliContext, ExitCode } from '../../context.ts';
import { oneLine } from '../../output.ts';
import { chainAtHead, openPlace, type ReleasePlace } from '../../release-place.ts';
import { step } from '../../style.ts';
import { commitsBetween } from '../release/commits.ts';
import { draftRelease, verifiedRelease } from '../release/draft.ts';
import { fetchReleases } from '../release/publish.ts';
import { type SigningOptions, signAndPublish } from '../release/run.ts';

export interface RollbackOptions extends CliContext, SigningOptions {
  release: string;
  expires?: string;
}

/** Make an earlier release's content the newest release. */
export async function runRollback(options: RollbackOptions): Promise<ExitCode> {
  const place = await openPlace(options);
  if (!options.dryRun) await refuseChanges(place);
  if (options.push) await fetchReleases(options, place);
  const chain = await chainAtHead(place);
  const target = await verifiedRelease(place, chain, options.release);
  const { version } = target.message;
  await tellWhatIsUndone(options, place, `${target.commit}^`, version);
  const ident = await place.git.run(['var', 'GIT_COMMITTER_IDENT'], 'COMMIT_FAILED');
  const message = `Roll back to v${version}\n\nEvery resource is as it was in release v${version}.\n`;
  const commit = await writeRestored(place.workshop, { parent: place.head, content: target.commit, message, ident });
  if (commit === undefined) {
    throw new ProblemError(problem('RELEASE_NOTHING', `the last commit has the content of v${version} already`));
  }
  const branch = (await place.git.try(['symbolic-ref', '--quiet', 'HEAD'])).stdout.toString().trim();
  const restored = await openPlace({ ...options, cwd: place.root }, '.', commit);
  const draft = await draftRelease(restored, { ...options, restores: version }, new Date());
  const code = await signAndPublish(options, restored, draft, branch === '' ? {} : { branch, commit });
  // The branch follows only now: whatever failed before left everything as it was.
  if (!options.dryRun) await place.git.run(['merge', '--quiet', '--ff-only', commit], 'COMMIT_FAILED');
  return code;
}

async function refuseChanges({ git }: ReleasePlace): Promise<void> {
  const status = await git.run(['status', '--porcelain', '--untracked-files=no']);
  if (status === '') return;
  const hint = 'Commit or stash them first.';
  throw new ProblemError(problem('COMMIT_FAILED', 'there are changes that are not committed', { hint }));
}

async function tellWhatIsUndone(
  { io }: CliContext,
  { git, head, workshop }: ReleasePlace,
  from: string,
  version: string,
): Promise<void> {
  const commits = await commitsBetween(git, from, head, workshop.path);
  step(io, `back to v${version}, which undoes ${commits.length} ${commits.length === 1 ? 'commit' : 'commits'}:`);
  for (const { oid, subject } of commits.slice(0, 50)) io.stderr(`    ${oid.slice(0, 7)} ${oneLine(subject)}\n`);
  if (commits.length > 50) io.stderr(`    … and ${commits.length - 50} more\n`);
}
