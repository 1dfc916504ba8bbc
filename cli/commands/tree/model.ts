import type { AnyResource, ResourceId } from '../../../schema/index.ts';
import { type Declared, isBroken, type Loaded } from '../../load-catalog.ts';
import { membersOf } from '../../project-members.ts';
import { refersTo } from '../../relations.ts';
import { serverSource } from '../../server-source.ts';

/** What is wrong with something that is shown: its file is broken, or there is none. */
export type Fault = 'broken' | 'missing';

export interface ServerNode {
  name: string;
  transport?: string;
  source?: string;
  /** Keys of Secrets that it takes values from: `demo/session-key`. */
  secrets: string[];
  fault?: Fault;
}

export interface MemberNode {
  name: string;
  scope: string;
  fault?: Fault;
}

export interface ProjectNode {
  name: string;
  description?: string;
  servers: ServerNode[];
  prompts: MemberNode[];
  skills: MemberNode[];
  fault?: Fault;
}

/** A repository as `mcpctl tree` shows it. */
export interface Tree {
  repository: string;
  projects: ProjectNode[];
  /** What nothing uses, by id; nothing while something is broken, which may be what uses it. */
  unused: ResourceId[];
}

/** Who serves what, sorted by name; a pure function of what was loaded. */
export function treeOf(loaded: Loaded): Tree {
  const { catalog, declared } = loaded;
  const byId = new Map(declared.map(one => [one.id, one]));
  const projects = declared.filter(({ row }) => row.kind === 'Project').map(one => projectNode(loaded, byId, one));
  const unused = new Set(
    loaded.problems.filter(({ code }) => code === 'RESOURCE_UNUSED').map(({ resource }) => resource),
  );
  return {
    repository: catalog.repository?.spec.id ?? '',
    projects,
    unused: declared.filter(({ id }) => unused.has(id)).map(({ id }) => id),
  };
}

function projectNode(loaded: Loaded, byId: ReadonlyMap<ResourceId, Declared>, one: Declared): ProjectNode {
  const { resource, name } = one;
  const fault = faultOf(one);
  if (resource?.kind !== 'Project') return { name, servers: [], prompts: [], skills: [], ...fault };
  const { servers, prompts, skills } = membersOf(loaded.catalog, resource);
  const { description } = resource.metadata;
  return {
    name,
    ...(description !== undefined && { description }),
    servers: servers.map(id => serverNode(loaded, byId.get(id), id)),
    prompts: prompts.map(id => memberNode(byId.get(id), id)),
    skills: skills.map(id => memberNode(byId.get(id), id)),
    ...fault,
  };
}

function serverNode({ catalog }: Loaded, one: Declared | undefined, id: ResourceId): ServerNode {
  const name = nameOf(id);
  const resource = one?.resource;
  if (resource?.kind !== 'Server') return { name, secrets: [], ...faultOf(one) };
  return {
    name,
    transport: resource.spec.transport,
    source: serverSource(resource.spec),
    secrets: secretsOf(catalog, resource),
    ...faultOf(one),
  };
}

function secretsOf(catalog: Loaded['catalog'], resource: AnyResource): string[] {
  return refersTo(catalog, resource).flatMap(({ id, keys }) =>
    id.startsWith('secret/') ? keys.map(key => `${nameOf(id)}/${key}`) : [],
  );
}

function memberNode(one: Declared | undefined, id: ResourceId): MemberNode {
  return { name: nameOf(id), scope: id.split('/').slice(0, -2).join('/') || 'global', ...faultOf(one) };
}

function faultOf(one: Declared | undefined): { fault?: Fault } {
  if (!one) return { fault: 'missing' };
  return isBroken(one) ? { fault: 'broken' } : {};
}

function nameOf(id: ResourceId): string {
  return id.slice(id.lastIndexOf('/') + 1);
}
