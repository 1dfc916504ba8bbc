import type { Catalog } from './catalog.ts';
import type { LabelSelector } from './kinds/selector.ts';
import { compareText } from './problem.ts';
import { type AnyResource, type Resource, resourceId } from './resource.ts';
import { selects } from './selects.ts';

type Project = Resource<'Project'>;

/**
 * The servers that a project has: by name, by label, and those that its skills bring with them. Sorted; each is in the
 * catalog, or its absence is a problem of `link`.
 */
export function selectedServers(catalog: Catalog, project: Project): string[] {
  const names = new Set(project.spec.servers);
  for (const { name } of bySelector(catalog, 'Server', project.spec.selector?.servers)) names.add(name);
  for (const skill of selectedSkills(catalog, project)) {
    for (const server of skill.spec.mcpServers) {
      if (server.project === undefined || server.project === project.name) names.add(server.name);
    }
  }
  return [...names].sort(compareText);
}

/** The project that alone has a server, by server. What several have, or none, is not in it. */
export function soleProjects(catalog: Catalog): ReadonlyMap<string, string> {
  const known = soleMemos.get(catalog);
  if (known) return known;
  const sole = new Map<string, string>();
  const seen = new Set<string>();
  for (const project of catalog.list('Project')) {
    for (const server of selectedServers(catalog, project)) {
      if (seen.has(server)) sole.delete(server);
      else sole.set(server, project.name);
      seen.add(server);
    }
  }
  soleMemos.set(catalog, sole);
  return sole;
}

const soleMemos = new WeakMap<Catalog, ReadonlyMap<string, string>>();

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
  const byLabel = bySelector(catalog, kind, spec.selector?.[field]);
  return [...new Set<AnyResource | Resource<K>>([...byName, ...byLabel])] as Resource<K>[];
}

function withOwn<K extends Taken>(catalog: Catalog, kind: K, project: Project): Resource<K>[] {
  const byName = new Map(takenIn(catalog, kind, project).map(resource => [resource.name, resource]));
  for (const own of catalog.within(`project/${project.name}`)) {
    if (own.kind === kind) byName.set(own.name, own as unknown as Resource<K>);
  }
  return [...byName.values()].sort((a, b) => compareText(a.name, b.name));
}

/** What one selector may match, and how often all of a catalog's selectors together may look at a resource. */
export const selectorLimits = { matches: 1_024, comparisons: 10_000_000 };

interface Memo {
  results: Map<string, readonly AnyResource[]>;
  refused: Set<string>;
  comparisons: number;
}

const memos = new WeakMap<Catalog, Memo>();

/** The selectors of a project that match, or cost, more than is allowed; they select nothing. */
export function refusedSelectors(catalog: Catalog, { spec }: Project): ('servers' | 'prompts' | 'skills')[] {
  const kinds = { servers: 'Server', prompts: 'Prompt', skills: 'Skill' } as const;
  return (['servers', 'prompts', 'skills'] as const).filter(field => {
    const selector = spec.selector?.[field];
    bySelector(catalog, kinds[field], selector);
    return memos.get(catalog)?.refused.has(keyOf(kinds[field], selector));
  });
}

/** Global resources by their labels; looked for once for each selector, however many projects have it. */
function bySelector<K extends 'Server' | Taken>(
  catalog: Catalog,
  kind: K,
  selector: LabelSelector | undefined,
): readonly Resource<K>[] {
  if (!selector) return [];
  const memo = memos.get(catalog) ?? { results: new Map(), refused: new Set(), comparisons: 0 };
  memos.set(catalog, memo);
  const key = keyOf(kind, selector);
  const known = memo.results.get(key);
  if (known) return known as unknown as Resource<K>[];
  const all = catalog.list(kind);
  memo.comparisons += all.length;
  const affordable = memo.comparisons <= selectorLimits.comparisons;
  const matching = affordable
    ? all.filter(one => one.scope === 'global' && selects(selector, one.metadata.labels))
    : [];
  const allowed = affordable && matching.length <= selectorLimits.matches;
  if (!allowed) memo.refused.add(key);
  memo.results.set(key, (allowed ? matching : []) as unknown as AnyResource[]);
  return allowed ? matching : [];
}

function keyOf(kind: string, selector: LabelSelector | undefined): string {
  return `${kind} ${JSON.stringify(selector)}`;
}
