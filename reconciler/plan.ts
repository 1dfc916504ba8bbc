import {
  type AnyResource,
  type Catalog,
  compareText,
  digestOf,
  type Resource,
  type ResourceId,
  type Server,
  selectedServers,
  soleProjects,
} from '../schema/index.ts';

/**
 * One thing that is either so or not: an instance that runs, a project or prompt that is served. `parts` holds the
 * digest of each part of it, so that a plan can say which part differs.
 */
export interface Item {
  /** `instance/everything-0`, `project/demo`, `project/demo/prompt/greeting` */
  id: string;
  parts: Readonly<Record<string, string>>;
}

export interface PlanStep {
  op: 'create' | 'update' | 'remove';
  id: string;
  because: string;
}

/** What to do, sorted by id; empty when what is observed is what is desired. */
export interface Plan {
  steps: PlanStep[];
}

/**
 * What has to be done so that what is observed becomes what is desired. Pure: the same input gives the same plan, in
 * the loop, in `mcpctl plan` and in a pull request.
 * @param moved resources that have another name now: id before → id after
 */
export function plan(desired: readonly Item[], observed: readonly Item[], moved: Moved = new Map()): Plan {
  const origins = new Map([...moved].map(([from, to]) => [to, from]));
  const before = new Map(observed.map(item => [item.id, item]));
  const after = new Set(desired.map(item => item.id));
  const steps: PlanStep[] = [];
  for (const item of desired) {
    const present = before.get(item.id);
    if (!present)
      steps.push({
        op: 'create',
        id: item.id,
        because: because(item.id, origins, 'renamed from', 'declared, and not there'),
      });
    else {
      const parts = differingParts(item.parts, present.parts);
      if (parts.length > 0) steps.push({ op: 'update', id: item.id, because: `${parts.join(', ')} changed` });
    }
  }
  for (const item of observed) {
    if (!after.has(item.id))
      steps.push({ op: 'remove', id: item.id, because: because(item.id, moved, 'renamed to', 'no longer declared') });
  }
  return { steps: steps.sort((a, b) => compareText(a.id, b.id)) };
}

type Moved = ReadonlyMap<ResourceId, ResourceId>;

function because(item: string, names: Moved, what: string, otherwise: string): string {
  const other = names.get(resourceOf(item));
  return other === undefined ? otherwise : `${what} ${other}`;
}

/** `instance/everything-0` is one of `server/everything`; every other item is a resource. */
function resourceOf(item: string): ResourceId {
  return item.startsWith('instance/') ? `server/${item.slice('instance/'.length, item.lastIndexOf('-'))}` : item;
}

/** Everything a catalog wants to be so. */
export function desiredItems(catalog: Catalog): Item[] {
  const items: Item[] = catalog.list('Server').flatMap(server => {
    const parts = partsOf(catalog, server);
    return ordinals(server).map(ordinal => ({ id: `instance/${server.name}-${ordinal}`, parts }));
  });
  for (const resource of catalog.resources.values()) {
    if (resource.kind === 'Prompt') items.push(served(resource));
    if (resource.kind === 'Project') {
      const { id, parts } = served(resource);
      items.push({ id, parts: { ...parts, servers: digestOf(selectedServers(catalog, resource)) } });
    }
  }
  return items;
}

/** One instance that a catalog wants to run. */
export interface DesiredInstance {
  /** `<server>-<ordinal>` */
  id: string;
  server: string;
  ordinal: number;
  parts: Readonly<Record<string, string>>;
  /** In whose namespace of a cluster it runs, where projects are apart. One of the parts. */
  project?: string;
  /** Digest of all parts. */
  specDigest: string;
}

/** Fields that decide what runs, and how. What concerns only its supervision restarts nothing when it changes. */
const runFields = [
  'transport',
  'package',
  'command',
  'cwd',
  'image',
  'url',
  'runner',
  'args',
  'env',
  'headers',
  'port',
  'path',
  'resources',
  'runtime',
  'isolation',
] as const satisfies readonly (keyof Server)[];

/** The instances of every server of a catalog, sorted by server and ordinal. */
export function desiredInstances(catalog: Catalog): DesiredInstance[] {
  return catalog.list('Server').flatMap(server => {
    const parts = partsOf(catalog, server);
    const specDigest = digestOf(parts);
    const project = projectApart(catalog, server);
    return ordinals(server).map(ordinal => ({
      id: `${server.name}-${ordinal}`,
      server: server.name,
      ordinal,
      parts,
      ...(project !== undefined && { project }),
      specDigest,
    }));
  });
}

function ordinals({ spec: { replicas } }: Resource<'Server'>): number[] {
  return Array.from({ length: replicas }, (_, ordinal) => ordinal);
}

/** Everything that decides what an instance of a server is, its own words and what they refer to. */
function partsOf(catalog: Catalog, server: Resource<'Server'>): Readonly<Record<string, string>> {
  const parts: Record<string, string> = { ...ownParts(server.spec) };
  const lock = catalog.get(`lock/${server.name}`);
  if (lock) parts.lock = lock.digest;
  for (const { kind, name } of server.references) {
    const target = kind === 'Secret' ? catalog.get(`secret/${name}`) : undefined;
    if (target) parts[`secret ${name}`] = target.digest;
  }
  if (catalog.repository?.spec.requireIsolation && server.spec.url === undefined) {
    parts['required isolation'] = digestOf(true);
  }
  const project = projectApart(catalog, server);
  if (project !== undefined) parts.namespace = digestOf(project);
  return parts;
}

/**
 * The project in whose namespace a server runs, where it does so in a cluster and the repository wants them apart.
 * Which runtime is the standard one is the machine's to know: a server that names none counts as if it were this one.
 */
function projectApart(catalog: Catalog, { name, spec }: Resource<'Server'>): string | undefined {
  if (catalog.repository?.spec.kubernetes?.namespaces !== 'project' || spec.url !== undefined) return undefined;
  return (spec.runtime ?? 'kubernetes') === 'kubernetes' ? soleProjects(catalog).get(name) : undefined;
}

/** What a server says itself. Kept by what it says: of two revisions, nearly all is the same. */
function ownParts(spec: Server): Readonly<Record<string, string>> {
  const known = partsBySpec.get(spec);
  if (known) return known;
  const parts: Record<string, string> = {};
  for (const field of runFields) if (spec[field] !== undefined) parts[field] = digestOf(spec[field]);
  partsBySpec.set(spec, parts);
  return parts;
}

const partsBySpec = new WeakMap<Server, Readonly<Record<string, string>>>();

function served(resource: AnyResource): Item {
  return { id: resource.id, parts: { content: resource.digest } };
}

function differingParts(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(key => a[key] !== b[key]).sort();
}
