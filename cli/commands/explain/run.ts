import {
  closest,
  documentSchema,
  type Kind,
  type KindRow,
  kindTable,
  ProblemError,
  problem,
} from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { kindNamed } from '../../kinds.ts';
import { paint } from '../../style.ts';
import { table } from '../../table.ts';
import { type Explained, type Field, findField, rootOf } from './field.ts';

export interface ExplainOptions extends CliContext {
  /** `server`, `server.spec.env`, `server.env.valueFrom`; left out: every kind. */
  path?: string;
  output: 'text' | 'json';
}

const WIDTH = 100;

/**
 * Tell what a kind or a field is for, as the schemas have it. JSON: the field with its `fields`; without a path, the
 * kinds.
 * @throws ProblemError USAGE for a kind or field that does not exist
 */
export async function runExplain(options: ExplainOptions): Promise<ExitCode> {
  const { io, path, output } = options;
  if (path === undefined) {
    io.stdout(output === 'json' ? json(kindTable.map(aboutKind)) : kindList());
    return ExitCodes.ok;
  }
  const [kind = '', ...parts] = path.split('.');
  const row = kindNamed(kind);
  // What makes a kind that kind is its spec.
  const found = explain(row, parts.length === 0 ? ['spec'] : parts);
  io.stdout(output === 'json' ? json({ ...aboutKind(row), ...found }) : text(options, row, found, parts.length === 0));
  return ExitCodes.ok;
}

const envelopeFields = new Set(['apiVersion', 'kind', 'metadata', 'spec']);

function explain(row: KindRow, parts: readonly string[]): Explained {
  // Most of what one asks about is below `spec`, which may be left out.
  const [first] = parts;
  const full = first === undefined || envelopeFields.has(first) ? parts : ['spec', ...parts];
  const found = findField(rootOf(documentSchema(row.kind as Exclude<Kind, 'Lock'>)), full);
  if (!('missing' in found)) return found;
  const { missing, below, known } = found;
  const owner = [row.singular, ...(below === '' ? [] : [below])].join('.');
  const candidates = below === 'spec' && first !== 'spec' ? [...known, ...envelopeFields] : known;
  const meant = closest(missing, candidates);
  const list = known.length === 0 ? `\`${owner}\` has no fields.` : `Its fields: ${known.join(', ')}.`;
  throw new ProblemError(
    problem('USAGE', `\`${owner}\` has no field \`${missing}\``, {
      hint: meant === undefined ? list : `Did you mean \`${meant}\`?`,
    }),
  );
}

function aboutKind({ kind, singular, plural, short, scopes, folder, form, summary, actedOn }: KindRow) {
  return { kind, names: [singular, plural, ...short], scopes, summary, file: fileOf(singular, folder, form), actedOn };
}

function fileOf(singular: string, folder: string, form: KindRow['form']): string {
  switch (form) {
    case 'yaml':
      return `${folder}/<name>.yaml`;
    case 'markdown':
      return `${folder}/<name>.md`;
    case 'folder':
      return `${folder}/<name>/${singular}.yaml`;
    case 'bundle':
      return `${folder}/<name>/SKILL.md`;
    case 'file':
      return 'mcpctl.yaml';
  }
}

function kindList(): string {
  const rows = kindTable.map(({ kind, plural, short, summary }) => [kind, [plural, ...short].join(', '), summary]);
  return table([['KIND', 'NAMES', 'WHAT IT IS'], ...rows]);
}

function text({ io }: ExplainOptions, row: KindRow, found: Explained, whole: boolean): string {
  const about = aboutKind(row);
  const head = [
    ['KIND:', `${row.kind} (${about.names.join(', ')})`],
    ...(whole ? [['FILE:', about.file]] : [['FIELD:', `${found.path}  ${typeText(found)}`]]),
  ];
  const description = whole ? `${row.summary}.` : `${found.description ?? '(no description)'}`;
  const lines = [table(head), `${wrap(description, '  ')}\n`];
  if (whole && !row.actedOn) lines.push('  Declared and checked; this version does not act on it yet.\n');
  const details = detailsOf(found);
  if (!whole && details !== '') lines.push(`${wrap(details, '  ')}\n`);
  if (found.fields.length > 0) {
    const fields = found.fields.map(field => {
      const name = field.path.slice(field.path.lastIndexOf('.') + 1);
      const more = [field.description ?? '', detailsOf(field)].filter(part => part !== '').join('. ');
      return `  ${paint(io, 'bold', name)}  ${typeText(field)}\n${more === '' ? '' : `${wrap(more, '      ')}\n`}`;
    });
    lines.push(`${whole ? 'FIELDS of spec, beside apiVersion, kind and metadata' : 'FIELDS'}:\n${fields.join('')}`);
  }
  return lines.join('\n');
}

function typeText({ type, required }: Field): string {
  return `<${type}>${required ? ' required' : ''}`;
}

function detailsOf({ default: standard, values, rules }: Field): string {
  return [
    ...(values ? [`One of: ${values.map(value => String(value)).join(', ')}`] : []),
    ...(standard === undefined ? [] : [`Default: ${JSON.stringify(standard)}`]),
    ...rules.map(rule => `${rule.charAt(0).toUpperCase()}${rule.slice(1)}`),
  ].join('. ');
}

function wrap(text: string, indent: string): string {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map(line => `${indent}${line}`).join('\n');
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
