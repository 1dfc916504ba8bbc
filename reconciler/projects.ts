import type { Catalog, Resource } from '../schema/index.ts';
import { resourceId, selectedPrompts, selectedServers } from '../schema/index.ts';
import type { Fleet } from './instances/index.ts';
import type { ServedProject, ServedPrompt } from './view.ts';

/** A project as its clients see it now, or undefined when there is none of that name. */
export function servedProject(catalog: Catalog, name: string, fleet: Fleet): ServedProject | undefined {
  const project = findProject(catalog, name);
  if (!project) return undefined;
  return {
    name,
    instructions: project.spec.instructions,
    proposals: project.spec.proposals,
    expose: project.spec.expose,
    hide: project.spec.hide,
    servers: selectedServers(catalog, project).map(server => fleet.served(server)),
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
    const servers = selectedServers(after, project);
    const was = before && last ? selectedServers(before, last) : undefined;
    const surfaces = JSON.stringify(was) !== JSON.stringify(servers) || servers.some(name => changedServers.has(name));
    if (surfaces || otherExposure(last, project)) tools.push(project.name);
    if (surfaces || (before !== after && otherPrompts(before, last, after, project))) prompts.push(project.name);
  }
  return { tools, prompts };
}

function otherExposure(last: Resource<'Project'> | undefined, project: Resource<'Project'>): boolean {
  const exposure = (one: Resource<'Project'> | undefined) =>
    JSON.stringify([one?.spec.expose, one?.spec.hide, one?.spec.proposals]);
  return exposure(last) !== exposure(project);
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

function projectPrompts(catalog: Catalog, project: Resource<'Project'>): ServedPrompt[] {
  return selectedPrompts(catalog, project).map(({ name, spec }) => ({ name, spec }));
}
