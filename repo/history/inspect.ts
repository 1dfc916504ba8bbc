import type { Problem } from '../../schema/index.ts';
import { parseTreeFiles } from '../worktree.ts';
import { parsedAt } from './files.ts';
import type { History } from './history.ts';
import { trailer } from './log.ts';
import { type Origin, withOrigins } from './origins.ts';
import type { Revision } from './revisions.ts';

/** A revision and what its content is. */
export interface Inspected extends Revision {
  /** Of the content; undefined when there is none, or none that is valid. */
  digest: string | undefined;
  /** Why it is not valid. */
  problems: Problem[];
  /** Which proposal it came from, and who let it in. */
  origin: Origin;
  /** What is known of the release's signature. */
  verdict?: string;
}

/** Look at the contents of revisions; what is the same in several is looked at once. */
export async function inspect(history: History, revisions: readonly Revision[]): Promise<Inspected[]> {
  const known = new Map<string, Promise<Pick<Inspected, 'digest' | 'problems'>>>();
  const inspected = Promise.all(
    revisions.map(async revision => {
      const { oid, main } = revision;
      if (oid === undefined) return { digest: undefined, problems: [] };
      const key = `${oid} ${main}`;
      const looked = known.get(key) ?? contentOf(history, revision);
      known.set(key, looked);
      return looked;
    }),
  );
  const [origins, looks] = await Promise.all([withOrigins(history, revisions), inspected]);
  await (await history.past()).save();
  return origins.map((revision, index) => ({ ...revision, ...(looks[index] ?? { digest: undefined, problems: [] }) }));
}

/** A revision as data: what is stable and documented. */
export function revisionDocument(revision: Inspected): Record<string, unknown> {
  const { id, version, release, verdict, commit, op, author, date, authoredAt, main, trailers, digest, problems } =
    revision;
  const { proposal, approvers, signed } = revision.origin;
  return {
    id,
    ...(version !== '' && { version }),
    ...(release !== undefined && { release }),
    ...(verdict !== undefined && { verdict }),
    commit,
    op,
    author,
    date,
    authoredAt,
    note: trailer(revision, 'Note') ?? revision.subject,
    ...(proposal !== undefined && { proposal }),
    ...(approvers.length > 0 && { approvers }),
    ...(signed && { signed }),
    path: main,
    ...(digest !== undefined && { digest }),
    valid: problems.length === 0,
    trailers,
  };
}

/** What a revision's content is. What is one file is known by its blob; the folders around it need not be read. */
export async function contentOf(history: History, revision: Revision): Promise<Pick<Inspected, 'digest' | 'problems'>> {
  const { commit, id, main, oid = '', files } = revision;
  const mode = files.find(({ path }) => path === main)?.after?.mode;
  const isSingle = mode !== undefined && !main.endsWith('/SKILL.md');
  const [parsed] = isSingle
    ? await parseTreeFiles(history.objects, [{ path: main, mode, oid }], await history.past())
    : [await parsedAt(history, commit, id, main)];
  const problems = parsed?.problems.filter(({ severity }) => severity === 'error') ?? [];
  return { digest: parsed?.resource?.digest, problems };
}
