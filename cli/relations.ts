import { type AnyResource, type Catalog, compareText, type ResourceId, targetOf } from '../schema/index.ts';

/** Two resources where the one names the other. */
export interface Relation {
  id: ResourceId;
  /** The key inside a Secret, where one is named. */
  keys: string[];
  /** Whether the catalog has what is named. */
  there: boolean;
}

/** What a resource names, each once, sorted by id. */
export function refersTo(catalog: Catalog, resource: AnyResource): Relation[] {
  const found = new Map<ResourceId, Relation>();
  for (const reference of resource.references) {
    const { key } = reference;
    const id = targetOf(reference);
    const relation = found.get(id) ?? { id, keys: [], there: catalog.get(id) !== undefined };
    if (key !== undefined && !relation.keys.includes(key)) relation.keys.push(key);
    found.set(id, relation);
  }
  return [...found.values()].sort((a, b) => compareText(a.id, b.id));
}

/** Who names whom: id → the ids of those that name it, sorted. */
export function referrers(catalog: Catalog): ReadonlyMap<ResourceId, readonly ResourceId[]> {
  const found = new Map<ResourceId, Set<ResourceId>>();
  for (const resource of catalog.resources.values()) {
    for (const reference of resource.references) {
      const id = targetOf(reference);
      const naming = found.get(id) ?? new Set();
      found.set(id, naming.add(resource.id));
    }
  }
  return new Map([...found].map(([id, naming]) => [id, [...naming].sort(compareText)]));
}
