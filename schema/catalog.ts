import { closest } from './closest.ts';
import { compareText, type Problem, type ProblemCode, problem, sortProblems } from './problem.ts';
import { type AnyResource, type Kind, type Reference, type Resource, type ResourceId, resourceId } from './resource.ts';

/** All resources of one commit, each once. Frozen in time: nothing changes it. */
export interface Catalog {
  readonly repository: Resource<'Repository'> | undefined;
  readonly resources: ReadonlyMap<ResourceId, AnyResource>;
  get(id: ResourceId): AnyResource | undefined;
  /** All of a kind, of every scope, sorted by id. */
  list<K extends Kind>(kind: K): readonly Resource<K>[];
}

/** What a rule over the whole catalog looks at. */
interface Linking {
  catalog: Catalog;
  /** Ids that files declare, though no valid resource stands behind them. */
  broken: ReadonlySet<ResourceId>;
  report(code: ProblemCode, about: AnyResource, message: string, more?: { hint?: string; at?: Reference }): void;
}

const rules: readonly ((linking: Linking) => void)[] = [
  referencesResolve,
  projectsExist,
  npmServersHaveLocks,
  locksFitTheirServers,
];

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
      const { line = 1, column = 1 } = at ?? {};
      const more = { at: { file: about.file, line, column }, resource: about.id };
      problems.push(problem(code, message, hint === undefined ? more : { ...more, hint }));
    },
  };
  if (!linking.catalog.repository && !linking.broken.has(repositoryId)) {
    problems.push(problem('REPOSITORY_MISSING', 'there is no `mcpctl.yaml`', { at: { file: 'mcpctl.yaml' } }));
  }
  for (const rule of rules) rule(linking);
  return { catalog: linking.catalog, problems: sortProblems(problems) };
}

const repositoryId = resourceId('Repository', 'global', 'repository');

function createCatalog(resources: ReadonlyMap<ResourceId, AnyResource>): Catalog {
  const byKind = new Map<Kind, AnyResource[]>();
  for (const resource of resources.values()) {
    const list = byKind.get(resource.kind);
    if (list) list.push(resource);
    else byKind.set(resource.kind, [resource]);
  }
  function list<K extends Kind>(kind: K): readonly Resource<K>[] {
    return (byKind.get(kind) ?? []) as Resource<K>[];
  }
  const repository = list('Repository')[0];
  return { repository, resources, get: id => resources.get(id), list };
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

/** Whatever a resource names is there, and so is the key it names in a Secret. */
function referencesResolve({ catalog, broken, report }: Linking): void {
  const suggest = suggestions(catalog);
  for (const resource of catalog.resources.values()) {
    for (const reference of resource.references) {
      const { kind, name, key } = reference;
      const id = resourceId(kind, 'global', name);
      const target = catalog.get(id);
      if (!target && !broken.has(id)) {
        const meant = suggest(kind, name);
        const hint = meant === undefined ? `Add \`${id}\`, or correct the name.` : `Did you mean \`${meant}\`?`;
        report('REFERENCE_UNRESOLVED', resource, `there is no ${kind} \`${name}\``, { at: reference, hint });
      }
      if (target?.kind !== 'Secret' || key === undefined || Object.hasOwn(target.spec.data, key)) continue;
      const keys = Object.keys(target.spec.data);
      const meant = closest(key, keys);
      const hint = meant === undefined ? `Its keys: ${keys.join(', ')}.` : `Did you mean \`${meant}\`?`;
      report('REFERENCE_UNRESOLVED', resource, `the Secret \`${name}\` has no key \`${key}\``, { at: reference, hint });
    }
  }
}

/** The nearest name of a kind; after a good number of names were compared, none, so that the time stays bounded. */
function suggestions(catalog: Catalog): (kind: Kind, name: string) => string | undefined {
  let comparisons = 50_000;
  return (kind, name) => {
    const candidates = catalog.list(kind);
    comparisons -= candidates.length;
    if (comparisons < 0) return undefined;
    return closest(
      name,
      candidates.filter(({ scope }) => scope === 'global').map(candidate => candidate.name),
    );
  };
}

/** What lies below `projects/<name>/` belongs to a project that is declared. */
function projectsExist({ catalog, broken, report }: Linking): void {
  for (const prompt of catalog.list('Prompt')) {
    if (!prompt.scope.startsWith('project/')) continue;
    const name = prompt.scope.slice('project/'.length);
    const id = resourceId('Project', 'global', name);
    if (catalog.get(id) || broken.has(id)) continue;
    const hint = 'Add its `project.yaml`, or move the prompt to `prompts/`.';
    report('REFERENCE_UNRESOLVED', prompt, `there is no Project \`${name}\``, { hint });
  }
}

function npmServersHaveLocks({ catalog, broken, report }: Linking): void {
  for (const server of catalog.list('Server')) {
    const id = resourceId('Lock', 'global', server.name);
    if (!server.spec.package || catalog.get(id) || broken.has(id)) continue;
    const hint = `mcpctl lock ${server.name}`;
    report('LOCK_MISSING', server, `the npm server \`${server.name}\` has no lock`, { hint });
  }
}

/** Each lock is for exactly the package and version of an npm server of its name. */
function locksFitTheirServers({ catalog, broken, report }: Linking): void {
  for (const lock of catalog.list('Lock')) {
    const id = resourceId('Server', 'global', lock.name);
    if (broken.has(id)) continue;
    const server = catalog.get(id);
    if (server?.kind !== 'Server' || !server.spec.package) {
      report('LOCK_UNUSED', lock, `no npm server is named \`${lock.name}\``);
      continue;
    }
    const { identifier, version } = server.spec.package;
    const locked = Object.entries(lock.spec.dependencies);
    const [name, exact] = locked[0] ?? [];
    if (locked.length === 1 && name === identifier && exact === version) continue;
    const found = locked.map(pair => pair.join('@')).join(', ') || 'nothing';
    const message = `the lock is for ${found}, but \`${lock.name}\` runs ${identifier}@${version}`;
    report('LOCK_MISMATCH', { ...lock, id }, message, { hint: `mcpctl lock ${lock.name}` });
  }
}
