import {
  type History,
  type Inspected,
  inspect,
  isShallow,
  openHistory,
  resolveRevision,
  revisionDocument,
  revisionsOf,
} from '../../../repo/history/index.ts';
import { ProblemError, printYaml, problem, type ResourceId } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type CommonOptions, resolveTarget, type Target } from '../../kinds.ts';
import { formatListing, type ListFormat } from '../../output.ts';
import { historyFolder } from '../../repository-root.ts';
import { showProblem, whileSlow } from '../../style.ts';
import { revisionColumns } from './columns.ts';
import { deletedResources } from './deleted.ts';
import { findDigest } from './find-digest.ts';

export interface RevisionsOptions extends CliContext, CommonOptions {
  /** `KIND NAME`, or `KIND/NAME`. */
  subject: readonly string[];
  at?: string;
  deleted?: boolean;
  /** `true` shows digests; a digest is looked for. */
  digest?: string | true;
  limit?: string;
  output: ListFormat;
}

/**
 * List the revisions of a resource, newest first; or what is gone; or where a content is and was. JSON: a list of
 * `{ id, version, release?, verdict?, commit, op, author, date, authoredAt, note, proposal?, approvers?, signed?, path, digest?, valid,
 * trailers }`.
 * Exits 1 when nothing is found; that nothing was deleted is as good an answer as any.
 * @throws ProblemError USAGE, RESOURCE_NOT_FOUND, REMOTE_NOT_FOUND, READ_FAILED, and those of `resolveRevision`
 */
export async function runRevisions(options: RevisionsOptions): Promise<ExitCode> {
  const { io, env, digest, deleted, output } = options;
  const limit = limitOf(options.limit);
  const history = await openHistory(historyFolder(options.cwd, options.dir), env);
  try {
    const from = await resolveRevision(history, options.at ?? 'HEAD');
    const isCut = await isShallow(history);
    // Before anything is not found: that may be why.
    if (isCut) io.stderr(showProblem(io, shallow()));
    const found = await whileSlow(io, 'looking through the history', find(options, history, from, isCut));
    const rows = await judged(options, found.slice(0, limit));
    const columns = revisionColumns({
      withIds: deleted === true || typeof digest === 'string',
      withDigest: digest !== undefined,
    });
    io.stdout(formatListing({ items: rows, columns, name, document: revisionDocument, yaml: printYaml }, output));
    if (rows.length === 0) io.stderr('nothing found\n');
    return rows.length > 0 || deleted === true ? ExitCodes.ok : ExitCodes.failed;
  } finally {
    history.close();
  }
}

/** With what this machine makes of their releases. */
async function judged(options: RevisionsOptions, revisions: readonly Inspected[]): Promise<Inspected[]> {
  const releases = revisions.flatMap(({ release }) => release ?? []);
  if (releases.length === 0) return [...revisions];
  const { verdictsOf } = await import('../verify/verdicts.ts');
  const verdicts = await verdictsOf(options, historyFolder(options.cwd, options.dir), releases);
  return revisions.map(revision => {
    const verdict = verdicts.get(revision.release ?? '');
    return verdict === undefined ? revision : { ...revision, verdict };
  });
}

function shallow() {
  return problem('HISTORY_SHALLOW', 'the repository is shallow: revisions before its oldest commit are not shown');
}

async function find(options: RevisionsOptions, history: History, from: string, isCut: boolean): Promise<Inspected[]> {
  const { subject, digest, deleted } = options;
  if (typeof digest === 'string') {
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
      const hint = 'Write it last, or with `=`: `--digest=sha256:…` looks for one, `--digest` alone shows them.';
      throw usage(`\`${digest}\` is no content digest`, hint);
    }
    return findDigest(history, from, digest, subject.length === 0 ? undefined : targetOf(options));
  }
  if (deleted === true) return deletedResources(history, from, subject[0], options);
  const { id, row, name: called } = targetOf(options);
  if (id === undefined) throw usage('the name of a resource is missing', 'Write `mcpctl get revisions KIND NAME`.');
  const revisions = await revisionsOf(history, id, from);
  if (revisions.length > 0) return inspect(history, revisions);
  const hint = `List what there is with \`mcpctl get ${row.plural}\`, and what is gone with \`mcpctl get revisions --deleted\`.`;
  const commit = isCut ? 'commit that is here' : 'commit';
  throw new ProblemError(
    problem('RESOURCE_NOT_FOUND', `no ${commit} ever had the ${row.singular} \`${called}\``, { hint }),
  );
}

function targetOf(options: RevisionsOptions): Target {
  const [kind, name, ...more] = options.subject;
  if (kind === undefined || more.length > 0) {
    throw usage('one resource is needed', 'Write `mcpctl get revisions KIND NAME`.');
  }
  return resolveTarget(kind, name, options);
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw usage(`\`--limit\` takes a number above 0, not ${text}`, 'Write `--limit 20`.');
}

function usage(message: string, hint: string): ProblemError {
  return new ProblemError(problem('USAGE', message, { hint }));
}

function name({ id, commit }: { id: ResourceId; commit: string }): string {
  return `${id}@${commit}`;
}
