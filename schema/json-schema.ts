import { z } from 'zod';
import { envelopeReaders } from './envelope-readers.ts';
import { type KindRow, kindTable } from './kind-table.ts';
import { API_VERSION, envelope } from './kinds/envelope.ts';
import { ClaudeCodeFrontMatter, Personality, PortableFrontMatter, Prompt, SkillFile } from './kinds/index.ts';
import type { Kind } from './resource.ts';

/** JSON Schema (2020-12), as far as it is read here. */
export interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  description?: string;
  [more: string]: unknown;
}

/** One file that people write, with its schema: a kind's own, or `SKILL.md` beside `skill.yaml`. */
export interface DocumentSchema {
  row: KindRow;
  /** Name of the schema's file, without extension. */
  name: string;
  /** What is written: the file's name or form. */
  file: string;
  schema: JsonSchema;
}

/** The schema of every file that people write, in the order of the kind table. */
export function documentSchemas(): DocumentSchema[] {
  return kindTable.flatMap(row => {
    const { singular, kind } = row;
    if (kind === 'Prompt') return [front(row, singular, Prompt.omit({ content: true }))];
    if (kind === 'Personality') return [front(row, singular, Personality.omit({ content: true }))];
    if (kind !== 'Skill') return [inEnvelope(row, pathOf(row), envelopeSchema(kind))];
    return [
      inEnvelope(row, 'skill.yaml', envelope(SkillFile)),
      front(row, 'skill-portable', PortableFrontMatter, '`SKILL.md`, profile `portable`'),
      front(row, 'skill-claude-code', ClaudeCodeFrontMatter, '`SKILL.md`, profile `claude-code`'),
    ];
  });
}

/** Where a kind's file is. */
export function pathOf({ form, folder, singular, scopes }: KindRow): string {
  const owner = scopes.includes('global') ? '' : 'agents/<name>/';
  switch (form) {
    case 'file':
      return 'mcpctl.yaml';
    case 'yaml':
      return `${owner}${folder}/<name>.yaml`;
    case 'markdown':
      return `${owner}${folder}/<name>.md`;
    case 'folder':
      return `${owner}${folder}/<name>/${singular}.yaml`;
    default:
      return `${owner}${folder}/<name>/SKILL.md`;
  }
}

function envelopeSchema(kind: Exclude<Kind, 'Prompt' | 'Personality' | 'Skill' | 'Lock'>): z.ZodType {
  return envelopeReaders[kind].schema;
}

function inEnvelope(row: KindRow, file: string, schema: z.ZodType): DocumentSchema {
  const json = toJson(schema);
  const { apiVersion, kind } = json.properties ?? {};
  if (apiVersion) Object.assign(apiVersion, { const: API_VERSION });
  if (kind) Object.assign(kind, { const: row.kind });
  return { row, name: row.singular, file, schema: { ...json, title: row.kind, description: row.summary } };
}

function front(row: KindRow, name: string, schema: z.ZodType, file = 'the front matter'): DocumentSchema {
  return { row, name, file, schema: { ...toJson(schema), title: row.kind, description: row.summary } };
}

function toJson(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
}
