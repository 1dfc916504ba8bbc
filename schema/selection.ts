import type { Catalog } from './catalog.ts';
import { type LabelSelector, selects } from './kinds/selector.ts';
import { compareText } from './problem.ts';
import { type AnyResource, type Resource, resourceId } from './resource.ts';

type Project = Resource<'Project'>;

/**
 * The servers that a project has: by name, by label, and those that its skills bring with them. Sorted; each is in the
 * catalog, or its absence is a problem of `link`.
 */
export function selectedServers(catalog: Catalog, project: Project): string[] {
  const names = new Set(project.spec.servers);
  for (const { name } of selected(catalog.list('Server'), project.spec.selector?.servers)) names.add(name);
  for (const skill of selectedSkills(catalog, project)) {
    for (const server of skill.spec.mcpServers) {
      if (server.project === undefined || server.project === project.name) names.add(server.name);
    }
  }
  return [...names].sort(compareText);
}

/** The prompts that a project serves: its own, which win, and global ones by name and by label. Sorted by name. */
export function selectedPrompts(catalog: Catalog, project: Project): Resource<'Prompt'>[] {
  return withOwn(catalog, 'Prompt', project);
}

/** The skills that a project has: its own, which win, and global ones by name and by label. Sorted by name. */
export function selectedSkills(catalog: Catalog, project: Project): Resource<'Skill'>[] {
  return withOwn(catalog, 'Skill', project);
}

type Taken = 'Prompt' | 'Skill';

/** The global resources of a kind that a project takes in, whether or not one of its own hides them. */
export function takenIn<K extends Taken>(catalog: Catalog, kind: K, { spec }: Project): Resource<K>[] {
  const field = kind === 'Prompt' ? 'prompts' : 'skills';
  const byName = spec[field].flatMap(name => catalog.get(resourceId(kind, 'global', name)) ?? []);
  const byLabel = selected(catalog.list(kind), spec.selector?.[field]).filter(({ scope }) => scope === 'global');
  return [...new Set<AnyResource | Resource<K>>([...byName, ...byLabel])] as Resource<K>[];
}

function withOwn<K extends Taken>(catalog: Catalog, kind: K, project: Project): Resource<K>[] {
  const byName = new Map(takenIn(catalog, kind, project).map(resource => [resource.name, resource]));
  for (const own of catalog.within(`project/${project.name}`)) {
    if (own.kind === kind) byName.set(own.name, own as unknown as Resource<K>);
  }
  return [...byName.values()].sort((a, b) => compareText(a.name, b.name));
}

function selected<R extends Pick<Resource, 'metadata'>>(all: readonly R[], selector: LabelSelector | undefined): R[] {
  return selector ? all.filter(({ metadata }) => selects(selector, metadata.labels)) : [];
}
