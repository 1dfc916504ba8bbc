import type { Lock, Project, Prompt, Repository, Secret, Server } from './kinds/index.ts';
import type { Problem } from './problem.ts';

/** Kind → the type of its `spec`. `Lock` is a generated file's kind, not one a person writes. */
export interface Specs {
  Repository: Repository;
  Server: Server;
  Project: Project;
  Prompt: Prompt;
  Secret: Secret;
  Lock: Lock;
}

export type Kind = keyof Specs;

/** Where a name is unique. */
export type Scope = 'global' | `project/${string}` | `agent/${string}`;

/** `server/everything`, or `project/demo/prompt/greeting` for one that is not global. */
export type ResourceId = string;

export interface Metadata {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  description?: string;
}

/** One resource naming another, with the place that names it. */
export interface Reference {
  kind: Kind;
  name: string;
  /** The key inside the target, for references into a Secret. */
  key?: string;
  line: number;
  column: number;
}

/** One declared thing, valid by itself; whether its references resolve is the catalog's question. */
export interface Resource<K extends Kind = Kind> {
  id: ResourceId;
  kind: K;
  scope: Scope;
  name: string;
  metadata: Metadata;
  /** With defaults filled in. */
  spec: Specs[K];
  /** Path below the repository's root folder, `/`-separated. */
  file: string;
  /** `sha256:…` over the canonical form of what was written, before defaults. */
  digest: string;
  references: Reference[];
}

/** A resource of any kind, narrowable by `kind`. */
export type AnyResource = { [K in Kind]: Resource<K> }[Kind];

/** One file of a commit after parsing: a resource, or the reasons why there is none, and warnings either way. */
export interface ParsedFile {
  path: string;
  /** Git object id of the blob (or the working tree's, computed the same way). */
  oid: string;
  /** What the path says the file declares, known even when the content is broken. */
  id?: ResourceId;
  resource?: AnyResource;
  problems: Problem[];
}

export function resourceId(kind: Kind, scope: Scope, name: string): ResourceId {
  const local = `${kind.toLowerCase()}/${name}`;
  return scope === 'global' ? local : `${scope}/${local}`;
}
