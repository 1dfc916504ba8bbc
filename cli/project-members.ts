import { type Catalog, compareText, type Resource, type ResourceId } from '../schema/index.ts';

/** What a project serves, by id, sorted; also what it names and the catalog does not have. */
export interface Members {
  servers: ResourceId[];
  prompts: ResourceId[];
  skills: ResourceId[];
}

/** Everything a project serves: what it names, and what stands in its own folders. */
export function membersOf(catalog: Catalog, project: Resource<'Project'>): Members {
  const named = project.references.map(({ kind, name }) => `${kind.toLowerCase()}/${name}`);
  const own = [...catalog.resources.values()]
    .filter(({ scope }) => scope === `project/${project.name}`)
    .map(({ id }) => id);
  const all = [...new Set([...named, ...own])].sort(
    (a, b) => compareText(lastPart(a), lastPart(b)) || compareText(a, b),
  );
  const ofKind = (kind: string) => all.filter(id => id.split('/').at(-2) === kind);
  return { servers: ofKind('server'), prompts: ofKind('prompt'), skills: ofKind('skill') };
}

function lastPart(id: ResourceId): string {
  return id.slice(id.lastIndexOf('/') + 1);
}
