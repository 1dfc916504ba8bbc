import { type Linking, linkRules } from './link-rules.ts';
import { compareText, type Problem, problem, sortProblems } from './problem.ts';
import { type AnyResource, type Kind, type Resource, type ResourceId, resourceId, type Scope } from './resource.ts';

/** All resources of one commit, each once. Frozen in time: nothing changes it. */
export interface Catalog {
  readonly repository: Resource<'Repository'> | undefined;
  readonly resources: ReadonlyMap<ResourceId, AnyResource>;
  get(id: ResourceId): AnyResource | undefined;
  /** All of a kind, of every scope, sorted by id. */
  list<K extends Kind>(kind: K): readonly Resource<K>[];
  /** All that belongs to a project or an agent, sorted by id. */
  within(scope: Scope): readonly AnyResource[];
}

/**
 * Put resources together and check what holds between them. Pure, and linear in the number of resources.
 * @param files valid resources, in any order; of two with one id, the one whose path sorts first is taken
 * @param broken ids whose files are there but not valid: a reference to them is not reported a second time
 * @returns the catalog, and what is wrong with it, each problem naming the resource it is about
 */
export function link(
  files: Iterable<AnyResource>,
  broken: Iterable<ResourceId> = [],
): { catalog: Catalog; problems: Problem[] } {
  const problems: Problem[] = [];
  const linking: Linking = {
    catalog: createCatalog(unique(files, problems)),
    broken: new Set(broken),
    report(code, about, message, { hint, at } = {}) {
      const { file = about.file, line = 1, column = 1 } = at ?? {};
      const more = { at: { file, line, column }, resource: about.id };
      problems.push(problem(code, message, hint === undefined ? more : { ...more, hint }));
    },
    note: found => problems.push(found),
  };
  if (!linking.catalog.repository && !linking.broken.has(repositoryId)) {
    problems.push(problem('REPOSITORY_MISSING', 'there is no `mcpctl.yaml`', { at: { file: 'mcpctl.yaml' } }));
  }
  for (const rule of linkRules) rule(linking);
  return { catalog: linking.catalog, problems: sortProblems(problems) };
}

const repositoryId = resourceId('Repository', 'global', 'repository');

function createCatalog(resources: ReadonlyMap<ResourceId, AnyResource>): Catalog {
  const byKind = Map.groupBy(resources.values(), ({ kind }) => kind);
  const byScope = Map.groupBy(resources.values(), ({ scope }) => scope);
  function list<K extends Kind>(kind: K): readonly Resource<K>[] {
    return (byKind.get(kind) ?? []) as unknown as Resource<K>[];
  }
  const repository = list('Repository')[0];
  return { repository, resources, get: id => resources.get(id), list, within: scope => byScope.get(scope) ?? [] };
}

/** Each id once, sorted by id; a second file for one id is a problem. */
function unique(files: Iterable<AnyResource>, problems: Problem[]): Map<ResourceId, AnyResource> {
  const sorted = [...files].sort((a, b) => compareText(a.id, b.id) || compareText(a.file, b.file));
  const resources = new Map<ResourceId, AnyResource>();
  for (const resource of sorted) {
    const { id, file } = resource;
    const first = resources.get(id);
    if (!first) {
      resources.set(id, resource);
      continue;
    }
    const at = { file, line: 1, column: 1 };
    problems.push(
      problem('DUPLICATE_RESOURCE', `\`${id}\` is already declared by ${first.file}`, { at, resource: id }),
    );
  }
  return resources;
}
