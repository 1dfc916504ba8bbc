import { signWithKey, verifyRelease, writeReleaseCommit, writeReleaseTag } from '../../../repo/trust/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { openPlace, type ReleasePlace } from '../../release-place.ts';
import { findSigningKey } from '../../signing-key.ts';
import { done, paint } from '../../style.ts';
import { type Draft, type DraftOptions, draftRelease } from './draft.ts';
import { fetchReleases, publish, pushLast, pushResourceTags } from './publish.ts';
import { showDraft } from './show.ts';

export interface SigningOptions {
  dryRun?: boolean;
  signKey?: string;
  push?: boolean;
  remote: string;
  output?: 'text' | 'json';
}
export interface ReleaseOptions extends CliContext, DraftOptions, SigningOptions {}

/** Make a release of `HEAD`. stdout: what it is; the last line of the text form is the tag's name. */
export async function runRelease(options: ReleaseOptions): Promise<ExitCode> {
  const place = await openPlace(options);
  await warnOfChanges(options, place);
  if (options.push) await fetchReleases(options, place);
  try {
    const draft = await draftRelease(place, options, new Date());
    return await signAndPublish(options, place, draft);
  } catch (error) {
    const nothing = error instanceof ProblemError && error.problem.code === 'RELEASE_NOTHING';
    if (!nothing || !options.push || options.dryRun) throw error;
    // Made without `--push`, or by a run that was killed.
    return pushLast(options, place);
  }
}

/** Show a draft, and, if it is not only for looking at, sign, check and publish it. */
export async function signAndPublish(
  options: CliContext & SigningOptions,
  place: ReleasePlace,
  draft: Draft,
  more: { branch?: string; commit?: string } = {},
): Promise<ExitCode> {
  const { io } = options;
  for (const { name, why } of draft.passedOver) io.stderr(`${paint(io, 'yellow', '!')} passed over ${name}: ${why}\n`);
  io.stdout(showDraft(draft, options.output ?? 'text'));
  if (options.dryRun) return ExitCodes.ok;
  const tag = await sign(options, place, draft);
  await publish(options, place, draft, tag, more);
  done(io, `released v${draft.message.version}, sequence ${draft.message.sequence}${options.push ? ', pushed' : ''}`);
  if (options.push) await pushResourceTags(options, place);
  else if (!io.quiet) io.stderr(`  → Push it with \`mcpctl release --push\`.\n`);
  return ExitCodes.ok;
}

/** Write and sign the objects; no ref names them before they passed every check that a machine will make. */
async function sign(options: CliContext & SigningOptions, place: ReleasePlace, draft: Draft): Promise<string> {
  const { workshop, git, repository, trust } = place;
  const { message, manifest, parent, previous, chain } = draft;
  const key = await findSigningKey(options, git, repository.spec.id, options.signKey);
  try {
    const ident = await git.run(['var', 'GIT_COMMITTER_IDENT'], 'COMMIT_FAILED');
    const { version } = message;
    const commit =
      parent === undefined
        ? previous?.commit
        : await writeReleaseCommit(workshop, { parent, manifest, version, ident });
    if (commit === undefined) throw new Error('nothing to tag');
    const tag = await writeReleaseTag(workshop, { commit, message, ident }, async payload => {
      return (await signWithKey(key.file, 'git', payload, options.env, options.signal)).armour;
    });
    const ref = `refs/tags/v${version}`;
    const { trusted, checks } = await verifyRelease({
      ...workshop,
      ref,
      object: tag,
      chain,
      mark: trust?.mark,
      now: Date.now(),
      files: draft.measured ?? true,
    });
    if (trusted) return tag;
    const failed = checks.find(({ result }) => result === 'failed');
    throw new ProblemError(problem('NOT_TRUSTED', `nothing was tagged: ${failed?.name}: ${failed?.detail}`));
  } finally {
    await key.release();
  }
}

async function warnOfChanges({ io }: CliContext, { git }: ReleasePlace): Promise<void> {
  const status = await git.run(['status', '--porcelain', '--untracked-files=no', '--', '.']);
  if (status !== '') io.stderr(`${paint(io, 'yellow', '!')} what is not committed is not released\n`);
}
