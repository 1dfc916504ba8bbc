import type { Catalog, Project, Prompt, Resource } from '../schema/index.ts';
import { compareText, resourceId } from '../schema/index.ts';
import type { Fleet } from './instances/index.ts';
import type { ServedProject, ServedPrompt } from './view.ts';

/** A project as its clients see it now, or undefined when there is none of that name. */
export function servedProject(catalog: Catalog, name: string, fleet: Fleet): ServedProject | undefined {
  const project = findProject(catalog, name);
  if (!project) return undefined;
  return {
    name,
    instructions: project.spec.instructions,
    servers: project.spec.servers.toSorted(compareText).map(server => fleet.served(server)),
    prompts: projectPrompts(catalog, project),
  };
}

/**
 * Which projects' lists differ between two catalogs, or because a server of theirs now offers something else.
 * @param offersOther asked for each server; its answer may change once it was asked
 */
export function projectChanges(
  before: Catalog | undefined,
  after: Catalog,
  offersOther: (server: string) => boolean,
): { tools: string[]; prompts: string[] } {
  const changedServers = new Set(
    after
      .list('Server')
      .map(({ name }) => name)
      .filter(offersOther),
  );
  const tools: string[] = [];
  const prompts: string[] = [];
  for (const project of after.list('Project')) {
    const last = before === after ? project : before && findProject(before, project.name);
    const otherServers = JSON.stringify(last?.spec.servers) !== JSON.stringify(project.spec.servers);
    const surfaces = otherServers || project.spec.servers.some(server => changedServers.has(server));
    if (surfaces) tools.push(project.name);
    if (surfaces || (before !== after && otherPrompts(before, last, after, project))) prompts.push(project.name);
  }
  return { tools, prompts };
}

function otherPrompts(
  before: Catalog | undefined,
  last: Resource<'Project'> | undefined,
  after: Catalog,
  project: Resource<'Project'>,
): boolean {
  const was = before && last ? projectPrompts(before, last) : [];
  return JSON.stringify(was) !== JSON.stringify(projectPrompts(after, project));
}

function findProject(catalog: Catalog, name: string): Resource<'Project'> | undefined {
  const resource = catalog.get(resourceId('Project', 'global', name));
  return resource?.kind === 'Project' ? resource : undefined;
}

/** Its own prompts and the global ones it names; its own win. Sorted by name. */
function projectPrompts(catalog: Catalog, project: { name: string; spec: Project }): ServedPrompt[] {
  const prompts = new Map<string, Prompt>();
  for (const name of project.spec.prompts) {
    const resource = catalog.get(resourceId('Prompt', 'global', name));
    if (resource?.kind === 'Prompt') prompts.set(name, resource.spec);
  }
  for (const { scope, name, spec } of catalog.list('Prompt')) {
    if (scope === `project/${project.name}`) prompts.set(name, spec);
  }
  return [...prompts].map(([name, spec]) => ({ name, spec })).sort((a, b) => compareText(a.name, b.name));
}
