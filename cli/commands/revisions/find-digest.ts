import {
  contentOf,
  type History,
  type Inspected,
  type Revision,
  readLog,
  touchedBy,
  withOrigins,
} from '../../../repo/history/index.ts';
import { partsOfId, type ResourceId } from '../../../schema/index.ts';
import type { Target } from '../../kinds.ts';

/**
 * Every revision, of whatever resource, whose content has a digest; newest first.
 * @param target only of this kind, or of this resource
 */
export async function findDigest(
  history: History,
  from: string,
  digest: string,
  target: Target | undefined,
): Promise<Inspected[]> {
  const found: Omit<Inspected, 'origin'>[] = [];
  const known = new Map<string, boolean>();
  for (const commit of await readLog(history, { from, args: ['--no-renames', '--full-history'] })) {
    for (const { id, main } of await touchedBy(history, commit)) {
      if (!isMeant(target, id)) continue;
      const content = commit.files.find(({ path }) => path === main)?.after?.oid;
      // A bundle is more than the file that declares it.
      const key = main.endsWith('/SKILL.md') || content === undefined ? undefined : `${content} ${id}`;
      const revision: Revision = { ...commit, id, version: '', op: 'changed', main, oid: content };
      const matches =
        (key === undefined ? undefined : known.get(key)) ?? (await contentOf(history, revision)).digest === digest;
      if (key !== undefined) known.set(key, matches);
      if (!matches) continue;
      found.push({ ...revision, digest, problems: [] });
    }
  }
  return withOrigins(history, found);
}

function isMeant(target: Target | undefined, id: ResourceId): boolean {
  if (!target) return true;
  return partsOfId(id)?.row === target.row && (target.id === undefined || target.id === id);
}
