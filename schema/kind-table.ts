import type { Kind } from './resource.ts';

/** Which scopes a kind's names may be in. */
export type ScopeType = 'global' | 'project' | 'agent';

/** One row: everything about a kind that is not its schema. The command line, the layout and the reference use it. */
export interface KindRow {
  kind: Kind;
  /** As people type it, besides the kind itself in any case: `prompt`, `prompts`, `prop`. */
  singular: string;
  plural: string;
  short: readonly string[];
  scopes: readonly ScopeType[];
  /** The folder it lives in, below the root or below its project's or agent's folder; empty for `mcpctl.yaml`. */
  folder: string;
  /**
   * How it is written: `yaml` is `<folder>/<name>.yaml`; `markdown` is `<folder>/<name>.md`; `folder` is
   * `<folder>/<name>/<singular>.yaml`; `bundle` is every file below `<folder>/<name>/`; `file` is one fixed file.
   */
  form: 'yaml' | 'markdown' | 'folder' | 'bundle' | 'file';
  /** The longest name. */
  maxName: number;
  /** One line for help and reference. */
  summary: string;
  /** What is declared but not yet acted on is reported as such by `status`. */
  actedOn: boolean;
}

const LABEL = 63;
const SHORT = 24;

/** Every kind, in the order in which lists show them. */
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
];

/** The row of what somebody typed: kind, singular, plural or short name, in any case. */
export function findKind(text: string): KindRow | undefined {
  const word = text.toLowerCase();
  return kindTable.find(
    row => row.kind.toLowerCase() === word || row.plural === word || row.singular === word || row.short.includes(word),
  );
}
