import {
  type History,
  type Inspected,
  type Revision,
  readLog,
  repositoryFiles,
  withOrigins,
} from '../../../repo/history/index.ts';
import { classify, partsOfId, type ResourceId } from '../../../schema/index.ts';
import { kindNamed, resolveTarget } from '../../kinds.ts';

/**
 * What is gone: every resource that was deleted and is not there any more, the one deleted last first. What was moved
 * elsewhere is not gone.
 * @param kind only of this kind
 */
export async function deletedResources(
  history: History,
  from: string,
  kind: string | undefined,
  where: { project?: string; agent?: string },
): Promise<Inspected[]> {
  const row = kind === undefined ? undefined : kindNamed(kind);
  const scope = where.project === undefined && where.agent === undefined ? undefined : scopeOf(kind, where);
  const there = new Set((await repositoryFiles(history, from)).flatMap(path => declaredBy(path) ?? []));
  const args = ['--diff-filter=D', '-M', '--full-history'];
  const found = new Map<ResourceId, Revision>();
  for (const commit of await readLog(history, { from, args })) {
    for (const { path } of commit.files) {
      const id = declaredBy(path);
      const parts = id === undefined ? undefined : partsOfId(id);
      if (id === undefined || !parts || there.has(id) || found.has(id)) continue;
      if ((row && parts.row !== row) || (scope !== undefined && parts.scope !== scope)) continue;
      found.set(id, { ...commit, id, version: '', op: 'deleted', main: path, oid: undefined });
    }
  }
  const gone = await withOrigins(history, [...found.values()]);
  return gone.map(revision => ({ ...revision, digest: undefined, problems: [] }));
}

function scopeOf(kind: string | undefined, where: { project?: string; agent?: string }): string {
  return resolveTarget(kind ?? 'prompts', undefined, where).scope;
}

function declaredBy(path: string): ResourceId | undefined {
  const declared = classify(path);
  return declared.kind === 'resource' ? declared.id : undefined;
}
