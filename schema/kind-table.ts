import { MAX_LABEL, MAX_SHORT_NAME } from './kinds/name-lengths.ts';
import type { Kind } from './resource.ts';

/** Which scopes a kind's names may be in. */
export type ScopeType = 'global' | 'project' | 'agent';

/** What people write; a lock is generated. */
export type WrittenKind = Exclude<Kind, 'Lock'>;

/** One row: everything about a kind that is not its schema. The command line, the layout and the reference use it. */
export interface KindRow {
  kind: WrittenKind;
  /** As people type it, besides the kind itself in any case: `prompt`, `prompts`, `prop`. */
  singular: string;
  plural: string;
  short: readonly string[];
  scopes: readonly ScopeType[];
  /** The folder it lives in, below the root or below its project's or agent's folder; empty for `mcpctl.yaml`. */
  folder: string;
  /**
   * How it is written: `yaml` is `<folder>/<name>.yaml`; `markdown` is `<folder>/<name>.md`; `folder` is
   * `<folder>/<name>/<singular>.yaml`; `bundle` is `SKILL.md` and every other file below `<folder>/<name>/`; `file` is
   * one fixed file.
   */
  form: 'yaml' | 'markdown' | 'folder' | 'bundle' | 'file';
  /** The longest name. */
  maxName: number;
  /** One line for help and reference. */
  summary: string;
  /** What is declared but not yet acted on is reported as such by `status`. */
  actedOn: boolean;
}

const LABEL = MAX_LABEL;
const SHORT = MAX_SHORT_NAME;

/** Every kind that people write, in the order in which lists show them. */
export const kindTable: readonly KindRow[] = [
  {
    kind: 'Repository',
    singular: 'repository',
    plural: 'repositories',
    short: ['repo'],
    scopes: ['global'],
    folder: '',
    form: 'file',
    maxName: LABEL,
    summary: 'What holds for the repository as a whole',
    actedOn: true,
  },
  {
    kind: 'Server',
    singular: 'server',
    plural: 'servers',
    short: ['srv'],
    scopes: ['global'],
    folder: 'servers',
    form: 'yaml',
    maxName: SHORT,
    summary: 'An MCP server and how it is run',
    actedOn: true,
  },
  {
    kind: 'Template',
    singular: 'template',
    plural: 'templates',
    short: ['tpl', 'tmpl'],
    scopes: ['global'],
    folder: 'templates',
    form: 'yaml',
    maxName: LABEL,
    summary: 'A Server with parameters, to make servers from',
    actedOn: true,
  },
  {
    kind: 'Prompt',
    singular: 'prompt',
    plural: 'prompts',
    short: ['prop'],
    scopes: ['global', 'project', 'agent'],
    folder: 'prompts',
    form: 'markdown',
    maxName: LABEL,
    summary: 'A text that clients offer by name, with arguments',
    actedOn: true,
  },
  {
    kind: 'Skill',
    singular: 'skill',
    plural: 'skills',
    short: ['sk'],
    scopes: ['global', 'project'],
    folder: 'skills',
    form: 'bundle',
    maxName: LABEL,
    summary: 'A folder of instructions and files, in the Agent Skills format',
    actedOn: true,
  },
  {
    kind: 'Project',
    singular: 'project',
    plural: 'projects',
    short: ['proj'],
    scopes: ['global'],
    folder: 'projects',
    form: 'folder',
    maxName: SHORT,
    summary: 'What one endpoint of the gateway serves',
    actedOn: true,
  },
  {
    kind: 'Agent',
    singular: 'agent',
    plural: 'agents',
    short: ['ag'],
    scopes: ['global'],
    folder: 'agents',
    form: 'folder',
    maxName: LABEL,
    summary: 'A model with a task and tools',
    actedOn: false,
  },
  {
    kind: 'Personality',
    singular: 'personality',
    plural: 'personalities',
    short: ['pers'],
    scopes: ['agent'],
    folder: 'personalities',
    form: 'markdown',
    maxName: LABEL,
    summary: 'How an agent behaves',
    actedOn: false,
  },
  {
    kind: 'Llm',
    singular: 'llm',
    plural: 'llms',
    short: ['model'],
    scopes: ['global'],
    folder: 'llms',
    form: 'yaml',
    maxName: LABEL,
    summary: 'A model that agents use',
    actedOn: false,
  },
  {
    kind: 'Secret',
    singular: 'secret',
    plural: 'secrets',
    short: ['sec'],
    scopes: ['global'],
    folder: 'secrets',
    form: 'yaml',
    maxName: LABEL,
    summary: 'Where secret values come from; never the values',
    actedOn: true,
  },
  {
    kind: 'SecretBackend',
    singular: 'secretbackend',
    plural: 'secretbackends',
    short: ['sb'],
    scopes: ['global'],
    folder: 'secretbackends',
    form: 'yaml',
    maxName: LABEL,
    summary: 'Where secret values are kept outside of the machine',
    actedOn: false,
  },
  {
    kind: 'User',
    singular: 'user',
    plural: 'users',
    short: [],
    scopes: ['global'],
    folder: 'access/users',
    form: 'yaml',
    maxName: LABEL,
    summary: 'A person',
    actedOn: false,
  },
  {
    kind: 'Group',
    singular: 'group',
    plural: 'groups',
    short: ['grp'],
    scopes: ['global'],
    folder: 'access/groups',
    form: 'yaml',
    maxName: LABEL,
    summary: 'Users, service accounts and groups, together',
    actedOn: false,
  },
  {
    kind: 'ServiceAccount',
    singular: 'serviceaccount',
    plural: 'serviceaccounts',
    short: ['sa'],
    scopes: ['global'],
    folder: 'access/serviceaccounts',
    form: 'yaml',
    maxName: LABEL,
    summary: 'A program that acts for nobody in particular',
    actedOn: false,
  },
  {
    kind: 'RoleBinding',
    singular: 'rolebinding',
    plural: 'rolebindings',
    short: ['rb'],
    scopes: ['global'],
    folder: 'access/bindings',
    form: 'yaml',
    maxName: LABEL,
    summary: 'What somebody may do, and to what',
    actedOn: false,
  },
  {
    kind: 'McpToken',
    singular: 'mcptoken',
    plural: 'mcptokens',
    short: ['token', 'tokens'],
    scopes: ['global'],
    folder: 'access/tokens',
    form: 'yaml',
    maxName: LABEL,
    summary: 'What a client proves itself with, as a hash',
    actedOn: false,
  },
];

/** The row of what somebody typed: kind, singular, plural or short name, in any case. */
export function findKind(text: string): KindRow | undefined {
  const word = text.toLowerCase();
  return kindTable.find(
    row => row.kind.toLowerCase() === word || row.plural === word || row.singular === word || row.short.includes(word),
  );
}
