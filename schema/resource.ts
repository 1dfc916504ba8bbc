import type {
  Agent,
  BundleFile,
  Group,
  Llm,
  Lock,
  McpToken,
  Personality,
  Project,
  Prompt,
  Repository,
  RoleBinding,
  Secret,
  SecretBackend,
  Server,
  ServiceAccount,
  Skill,
  SkillFile,
  Template,
  User,
} from './kinds/index.ts';
import type { Problem } from './problem.ts';

/** Kind → the type of its `spec`. `Lock` is a generated file's kind, not one a person writes. */
export interface Specs {
  Repository: Repository;
  Server: Server;
  Template: Template;
  Prompt: Prompt;
  Skill: Skill;
  Project: Project;
  Agent: Agent;
  Personality: Personality;
  Llm: Llm;
  Secret: Secret;
  SecretBackend: SecretBackend;
  User: User;
  Group: Group;
  ServiceAccount: ServiceAccount;
  RoleBinding: RoleBinding;
  McpToken: McpToken;
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
  /** Left out: global. */
  scope?: Scope;
  name: string;
  /** The key inside the target, for references into a Secret. */
  key?: string;
  /** The file that says so, where it is not the resource's own: `skill.yaml`, a patch. */
  file?: string;
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
  /** What was written, before defaults, without a Markdown file's text: what a patch is merged into. */
  written?: unknown;
  /** A file of a skill's folder; `assemble` makes one resource of all of them. */
  part?: BundlePart;
  /** A file below `environments/`. */
  patch?: Patch;
  problems: Problem[];
}

/** One file of a bundle, as it counts: its content is not kept. */
export interface BundlePart {
  scope: Scope;
  /** `path` is the file's whole path. */
  file: Omit<BundleFile, 'mode'> & { mode: string };
  /** For `SKILL.md`: what the profile `portable` finds wrong with it. */
  portable?: Problem[];
  /** For `skill.yaml`: what it declares, where it is valid, and where its fields stand. */
  extras?: SkillExtras;
  /** What a patch made of it, for the digest. */
  patched?: unknown;
}

/** `skill.yaml`, read. Whether it is a bundle's, or just a file of that name within one, is known later. */
export interface SkillExtras {
  declared?: { metadata: Metadata; spec: SkillFile; references: Reference[] };
  /** Place of each field of `spec`, and of each entry of its lists: `mcpServers.0` → line and column. */
  places: Record<string, Place>;
  problems: Problem[];
}

export type Place = readonly [line: number, column: number];

/** A merge patch (RFC 7386) over one file, for one environment. */
export interface Patch {
  environment: string;
  /** The resource whose file is patched. */
  target: ResourceId;
  /** Whether it is over `skill.yaml` rather than the resource's main file. */
  extras: boolean;
  /** What is merged: into the document, or into a Markdown file's front matter. Undefined when it is not valid. */
  value?: unknown;
  /** A Markdown file's new text, where the patch has one. */
  content?: string;
  /** Place of each value of the patch, and of its keys, by JSON pointer. */
  places: Record<string, { value: Place; key: Place }>;
  /** What is wrong with its result, once it was tried, over which content of which file. */
  outcome?: { over: string; problems: Problem[] };
  /** Whether `assemble` has seen to it. */
  tried?: true;
}

export function resourceId(kind: Kind, scope: Scope, name: string): ResourceId {
  const local = `${kind.toLowerCase()}/${name}`;
  return scope === 'global' ? local : `${scope}/${local}`;
}

/** The id of what a reference names. */
export function targetOf({ kind, scope = 'global', name }: Pick<Reference, 'kind' | 'scope' | 'name'>): ResourceId {
  return resourceId(kind, scope, name);
}
