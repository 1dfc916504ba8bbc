import { bundleLimits } from './bundle.ts';
import { type DocumentSchema, documentSchemas, type JsonSchema, pathOf } from './json-schema.ts';
import { type KindRow, kindTable } from './kind-table.ts';
import { maxBytes } from './layout.ts';
import { referenceExamples } from './reference-examples.ts';

/** The pages of `docs/reference/`, by file name: one for each kind, and a list of them. */
export function referencePages(): Map<string, string> {
  const schemas = documentSchemas();
  const pages = new Map([['README.md', overview()]]);
  for (const row of kindTable) {
    const own = schemas.filter(one => one.row === row);
    pages.set(`${row.singular}.md`, kindPage(row, own));
  }
  return pages;
}

const generated = 'Generated from the schemas in `schema/kinds/` by `npm run generate`.';

function overview(): string {
  const rows = kindTable.map(row => {
    const link = `[${row.kind}](${row.singular}.md)`;
    const words = [row.plural, ...row.short].join(', ');
    return `| ${link} | ${words} | \`${pathOf(row)}\` | ${row.summary}${row.actedOn ? '' : ' *(not acted on yet)*'} |`;
  });
  return `# Kinds

What a repository may declare. ${generated}

| kind | also | written in | what it is |
| --- | --- | --- | --- |
${rows.join('\n')}

Folders may be nested for order (\`servers/data/<name>.yaml\`); the name is the last part and unique in its scope. What
belongs to a project or an agent stands below its folder: \`projects/<name>/prompts/\`, \`agents/<name>/personalities/\`.

\`environments/<env>/\` and the path of any of these files is a merge patch (RFC 7386) over it: what it names replaces,
\`null\` removes, and in a Markdown file the text, if there is one, replaces the text. \`--env <env>\` chooses.
`;
}

function kindPage(row: KindRow, schemas: readonly DocumentSchema[]): string {
  const { kind, summary, actedOn, singular, scopes } = row;
  const state = actedOn ? '' : '\nIt is checked, but nothing acts on it yet; `mcpctl status` says so.\n';
  const example = referenceExamples[kind];
  const parts = schemas.map(({ file, name, schema }) => {
    const title = schemas.length > 1 ? `## Fields of ${file}` : '## Fields';
    return `${title}\n\n${fieldTable(schema)}\nJSON Schema: [\`${name}.schema.json\`](../../schema/generated/${name}.schema.json)\n`;
  });
  const belongs = scopes
    .filter(scope => scope !== 'global')
    .map(scope => `a ${scope}`)
    .join(' or ')
    .replace('a agent', 'an agent');
  const where = scopes.includes('global')
    ? `\`${pathOf(row)}\`${belongs === '' ? '' : `, or below ${belongs}`}`
    : `\`${pathOf(row)}\``;
  const names = [singular, row.plural, ...row.short].map(word => `\`${word}\``).join(', ');
  return `# ${kind}

${summary}. Written in ${where}; on the command line ${names}. A name has at most ${row.maxName} characters, ${limits(row)}.
${state}
\`\`\`${example.path.endsWith('.md') ? 'markdown' : 'yaml'}
${example.text.trimEnd()}
\`\`\`

${parts.join('\n')}
${generated}
`;
}

function limits({ kind, form }: KindRow): string {
  const bytes = `${maxBytes(kind) / 1024} KiB`;
  if (form !== 'bundle') return `a file at most ${bytes}`;
  return `a file at most ${bytes}, a skill at most ${bundleLimits.files} files and ${bundleLimits.bytes / 1024 / 1024} MiB`;
}

function fieldTable(schema: JsonSchema): string {
  const rows = fields(schema, '').map(({ path, type, required, description }) => {
    return `| \`${path}\` | ${type} | ${required} | ${description.replaceAll('|', '\\|')} |`;
  });
  return `| field | type | default | |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

interface Field {
  path: string;
  type: string;
  required: string;
  description: string;
}

/** Every field below a schema, in its order, each with what it holds itself below it. */
function fields({ properties = {}, required = [] }: JsonSchema, before: string): Field[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = before === '' ? name : `${before}.${name}`;
    const preset = field.default === undefined ? '' : `\`${JSON.stringify(field.default)}\``;
    const own: Field = {
      path,
      type: typeOf(field),
      required: required.includes(name) ? '*required*' : shortDefault(preset),
      description: field.description ?? '',
    };
    return [own, ...below(field, path)];
  });
}

/** The defaults of a mapping's members stand with them. */
function shortDefault(text: string): string {
  return text.startsWith('`{') ? '' : text;
}

function below(field: JsonSchema, path: string): Field[] {
  if (field.properties) return fields(field, path);
  if (field.items?.properties) return fields(field.items, `${path}[]`);
  const values = field.additionalProperties;
  return typeof values === 'object' && values.type === 'array' && values.items?.properties
    ? fields(values.items, `${path}.<key>[]`)
    : typeof values === 'object' && values.properties
      ? fields(values, `${path}.<key>`)
      : [];
}

function typeOf(field: JsonSchema): string {
  if (field.const !== undefined) return `\`${String(field.const)}\``;
  if (field.enum) return field.enum.map(value => `\`${String(value)}\``).join(' or ');
  if (field.anyOf) return [...new Set(field.anyOf.map(typeOf))].join(' or ');
  if (field.type === 'array') return `list of ${field.items ? plural(typeOf(field.items)) : 'anything'}`;
  if (field.type === 'object') return 'mapping';
  return (
    { string: 'text', integer: 'whole number', number: 'number', boolean: '`true` or `false`' }[field.type ?? ''] ??
    'anything'
  );
}

function plural(type: string): string {
  return type === 'mapping' ? 'mappings' : type;
}
