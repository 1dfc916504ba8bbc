import {
  type Catalog,
  type Resource,
  type ResourceId,
  resourceId,
  selectedPrompts,
  selectedServers,
  selectedSkills,
} from '../schema/index.ts';

/** What a project serves, by id, sorted by name; also what it names and the catalog does not have. */
export interface Members {
  servers: ResourceId[];
  prompts: ResourceId[];
  skills: ResourceId[];
}

/** Everything a project serves: by name, by label, with its skills, and from its own folders. */
export function membersOf(catalog: Catalog, project: Resource<'Project'>): Members {
  const { prompts, skills } = project.spec;
  return {
    servers: selectedServers(catalog, project).map(name => resourceId('Server', 'global', name)),
    prompts: withMissing(catalog, selectedPrompts(catalog, project), 'Prompt', prompts),
    skills: withMissing(catalog, selectedSkills(catalog, project), 'Skill', skills),
  };
}

/** What is named and not there is shown in its place. */
function withMissing(
  catalog: Catalog,
  selected: readonly Resource[],
  kind: 'Prompt' | 'Skill',
  names: readonly string[],
): ResourceId[] {
  const there = selected.map(({ name, id }) => ({ name, id }));
  const missing = names
    .map(name => ({ name, id: resourceId(kind, 'global', name) }))
    .filter(({ name, id }) => !catalog.get(id) && !there.some(one => one.name === name));
  return [...there, ...missing].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ id }) => id);
}
