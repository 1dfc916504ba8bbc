import { type AnyResource, compareText, type ResourceId } from '../../schema/index.ts';

/**
 * What was declared under one name and is declared under another now, its content the same: id before → id after.
 * Where several have the same content, the first by id is taken for the first.
 */
export function findMoves(
  removed: readonly AnyResource[],
  added: readonly AnyResource[],
): ReadonlyMap<ResourceId, ResourceId> {
  const moves = new Map<ResourceId, ResourceId>();
  if (removed.length === 0 || added.length === 0) return moves;
  const free = Map.groupBy(sorted(added), contentOf);
  for (const resource of sorted(removed)) {
    const target = free.get(contentOf(resource))?.shift();
    if (target) moves.set(resource.id, target.id);
  }
  return moves;
}

function contentOf({ kind, digest }: AnyResource): string {
  return `${kind} ${digest}`;
}

function sorted(resources: readonly AnyResource[]): AnyResource[] {
  return [...resources].sort((a, b) => compareText(a.id, b.id));
}
