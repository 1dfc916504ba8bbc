import { localRefs, type TreeChanges, type Workspace } from '../../repo/forges/index.ts';
import { inPlace, mainFileAt, openHistoryAt, resolveRevision, restorable } from '../../repo/history/index.ts';
import type { Oid } from '../../repo/index.ts';
import { type FileContent, ProblemError, problem, type ResourceId } from '../../schema/index.ts';

/**
 * What has to change of the branch so that a resource is as a revision had it; where it is now, if it was moved since.
 * @throws ProblemError RESOURCE_NOT_FOUND when the revision has it not, PROPOSAL_INVALID when it is so already, and those
 * of `resolveRevision`
 */
export async function changesToRestore(
  { gitDir, path, env }: Workspace,
  id: ResourceId,
  revision: string,
): Promise<{ commit: Oid; changes: TreeChanges }> {
  const history = openHistoryAt({ gitDir, path, tip: localRefs.main }, env);
  try {
    const commit = await resolveRevision(history, revision, id);
    const files = await restorable(history, commit, id);
    if (!files) {
      const hint = 'Ask for its revisions: GET /api/v1/revisions?kind=KIND&name=NAME';
      throw new ProblemError(problem('RESOURCE_NOT_FOUND', `\`${id}\` is not there at ${revision}`, { hint }));
    }
    const main = await mainFileAt(history, localRefs.main, id);
    const before = (await restorable(history, localRefs.main, id)) ?? new Map<string, FileContent>();
    const changes = difference(before, inPlace(files, main));
    if (changes.size > 0) return { commit, changes };
    throw new ProblemError(problem('PROPOSAL_INVALID', `\`${id}\` is as ${commit.slice(0, 7)} has it already`));
  } finally {
    history.close();
  }
}

function difference(
  before: ReadonlyMap<string, FileContent>,
  after: ReadonlyMap<string, FileContent>,
): Map<string, FileContent | null> {
  const changes = new Map<string, FileContent | null>();
  for (const [path, one] of after) {
    const old = before.get(path);
    if (old?.mode !== one.mode || !Buffer.from(old.bytes).equals(one.bytes)) changes.set(path, one);
  }
  for (const path of before.keys()) if (!after.has(path)) changes.set(path, null);
  return changes;
}
