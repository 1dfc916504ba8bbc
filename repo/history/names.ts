import { ProblemError, problem, type ResourceId } from '../../schema/index.ts';
import type { Oid } from '../types.ts';
import { type History, isShallow } from './history.ts';
import { findVersion } from './releases.ts';

const HASH = /^[0-9a-f]{4,64}$/;
/** `v1.4.0+3.g1a2b3c4`: the commit is what counts. */
const UNRELEASED = /^v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?\+\d+\.g([0-9a-f]{4,64})$/;
const VERSION = /^v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/;
const DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/;
const MAX_CANDIDATES = 10;
/** What to do about a name that is none. */
const FORMS =
  'Give a commit, branch, tag, version, release or date (`2026-01-31`, `2026-01-31T12:00:00Z`); `mcpctl log` lists commits.';

/**
 * The commit that a name stands for: a commit's id, whole or shortened; a version of a resource or a release
 * (`v1.4.0`); `v1.4.0+3.g1a2b3c4`; a date (`2026-10-01`, at its end in UTC, or `2026-10-01T12:00Z`), which is what was
 * the newest then; or whatever git knows by that name, such as `HEAD~1` and `main`.
 * Throws a ProblemError: REF_INVALID, REVISION_NOT_FOUND, REVISION_AMBIGUOUS, REVISION_TOO_EARLY.
 * @param about the resource whose versions are meant; without it, `v1.4.0` is a release
 */
export async function resolveRevision(history: History, name: string, about?: ResourceId): Promise<Oid> {
  if (!/^[^-:\p{Cc}\s][^:\p{Cc}\s]{0,249}$/u.test(name) && !DATE.test(name)) {
    throw invalid(`\`${name.slice(0, 100)}\` does not name a commit`);
  }
  if (DATE.test(name)) return resolveDate(history, name);
  const [, hash] = UNRELEASED.exec(name) ?? [];
  const [, version] = VERSION.exec(name) ?? [];
  const released = version === undefined ? undefined : await findVersion(history, version, about);
  const found = released ?? (await commitNamed(history, hash ?? name));
  if (found !== undefined) return found;
  if (HASH.test(hash ?? name)) await refuseAmbiguous(history, hash ?? name);
  throw new ProblemError(await notFound(history, name));
}

async function commitNamed(history: History, name: string): Promise<Oid | undefined> {
  const meant = isFromTip(name) ? name.slice(4) : undefined;
  return history.objects.commit(meant === undefined ? name : `${history.tip}${meant}`);
}

function isFromTip(name: string): boolean {
  return name === 'HEAD' || name.startsWith('HEAD~') || name.startsWith('HEAD^');
}

async function refuseAmbiguous(history: History, hash: string): Promise<void> {
  const ids = (await history.git(['rev-parse', `--disambiguate=${hash}`])).toString().split('\n').filter(Boolean);
  const commits: Oid[] = [];
  for (const id of ids) if ((await history.objects.info(id))?.type === 'commit') commits.push(id);
  if (commits.length < 2) return;
  const args = ['log', '--no-walk=unsorted', '--no-show-signature', '--format=%h %cs %s'];
  const told = await history.git([...args, ...commits.slice(0, MAX_CANDIDATES), '--']);
  const more = commits.length > MAX_CANDIDATES ? ', …' : '';
  const candidates = told.toString().trim().split('\n').join(', ');
  throw new ProblemError(
    problem('REVISION_AMBIGUOUS', `\`${hash}\` could be ${commits.length} commits: ${candidates}${more}`),
  );
}

async function resolveDate(history: History, name: string): Promise<Oid> {
  const [, day = '', time, zone = 'Z'] = DATE.exec(name) ?? [];
  const at = Date.parse(time === undefined ? `${day}T23:59:59Z` : `${day}T${time}${zone}`);
  // Of the days that a month has not, the parser takes some for days of the next one.
  const midnight = new Date(`${day}T00:00:00Z`);
  const isDay = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
  if (!isDay) throw invalid(`\`${name}\` is a date that does not exist`);
  if (Number.isNaN(at)) throw invalid(`\`${name}\` is a time that does not exist`);
  const until = `--until=${Math.floor(at / 1000)}`;
  const args = ['rev-list', '--max-count=1', '--first-parent', until, history.tip, '--'];
  const newest = await history.git(args).catch(async error => {
    // A branch without a commit is told as what it is.
    await resolveRevision(history, 'HEAD');
    throw error;
  });
  const found = newest.toString().trim();
  if (found !== '') return found;
  const roots = ['log', '--max-parents=0', '--no-show-signature', '--format=%ct', history.tip, '--'];
  const seconds = (await history.git(roots)).toString().trim().split('\n').map(Number);
  const first = new Date(Math.min(...seconds) * 1000).toISOString().slice(0, 10);
  const shallow = (await isShallow(history)) ? ' Older ones are missing: `git fetch --unshallow` gets them.' : '';
  throw new ProblemError(
    problem('REVISION_TOO_EARLY', `\`${name}\` is before the first commit, of ${first}`, {
      hint: `Give a later date.${shallow}`,
    }),
  );
}

function invalid(message: string): ProblemError {
  return new ProblemError(problem('REF_INVALID', message, { hint: FORMS }));
}

async function notFound(history: History, name: string) {
  if (isFromTip(name) && (await commitNamed(history, 'HEAD')) === undefined) {
    const hint = 'Make the first one: git add --all && git commit';
    return problem('REVISION_NOT_FOUND', 'the branch has no commit yet', { hint });
  }
  const message = `nothing in the history is named \`${name}\``;
  if (!(await isShallow(history))) return problem('REVISION_NOT_FOUND', message, { hint: FORMS });
  const hint = 'The repository is shallow, so that older commits are missing: `git fetch --unshallow` gets them.';
  return problem('REVISION_NOT_FOUND', message, { hint });
}
