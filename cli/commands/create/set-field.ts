import {
  closest,
  decodeSource,
  documentSchema,
  type Kind,
  ProblemError,
  parseYaml,
  problem,
} from '../../../schema/index.ts';
import { findField, rootOf } from '../explain/field.ts';

type Fields = Record<string, unknown>;

/**
 * Set one field of a spec from text: as its type in the schema says, so that `1.0` stays text where text belongs. A
 * list of text is given with commas, anything larger as YAML: `{ a: 1 }`, `[x, y]`.
 * @param assignment `field=value`; the field is a path below `spec`, with dots
 * @throws ProblemError USAGE when there is no such field, or the value is not of its type
 */
export function setField(kind: Kind, spec: Fields, assignment: string): void {
  const [, path = '', text = ''] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
  if (path === '') throw usage(`\`--set ${assignment}\` is not \`field=value\``, 'Write for example `--set a.b=c`.');
  const steps = path.replace(/^spec\./, '').split('.');
  const value = typedValue(path, text, typeOf(kind, steps));
  let holder = spec;
  for (const step of steps.slice(0, -1)) {
    const inner = holder[step];
    const next: Fields = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? (inner as Fields) : {};
    holder[step] = next;
    holder = next;
  }
  const last = steps.at(-1) ?? '';
  if (steps.some(step => step === '' || step === '__proto__'))
    throw usage(`\`${path}\` is not a field`, 'Name it with dots: `a.b`.');
  const before = holder[last];
  holder[last] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
}

function typeOf(kind: Kind, steps: readonly string[]): string {
  // A skill's fields are those of its front matter, which has profiles of its own.
  if (kind === 'Skill' || kind === 'Lock') return 'any';
  const found = findField(rootOf(documentSchema(kind)), ['spec', ...steps]);
  if (!('missing' in found)) return found.type;
  const meant = closest(found.missing, found.known);
  const hint = meant === undefined ? `Fields there: ${found.known.join(', ')}.` : `Did you mean \`${meant}\`?`;
  throw usage(
    `\`${[found.below, found.missing].filter(part => part !== '').join('.')}\` is not a field of a ${kind}`,
    hint,
  );
}

function typedValue(path: string, text: string, type: string): unknown {
  if (type === 'string') return text;
  if (type === 'list of strings' && !text.startsWith('[')) return text.split(',').map(item => item.trim());
  const value = readYaml(path, text);
  const fits =
    type === 'boolean'
      ? typeof value === 'boolean'
      : type === 'integer'
        ? Number.isInteger(value)
        : type !== 'number' || typeof value === 'number';
  if (!fits)
    throw usage(
      `\`${path}\` is ${type === 'boolean' ? '`true` or `false`' : `a ${type === 'integer' ? 'whole ' : ''}number`}`,
      'Correct the value.',
    );
  return value;
}

function readYaml(path: string, text: string): unknown {
  const source = decodeSource('--set', Buffer.from(text));
  const yaml = 'code' in source ? { problems: [source] } : parseYaml(source);
  if ('document' in yaml) return yaml.document.value;
  throw usage(
    `the value of \`${path}\` is not YAML: ${yaml.problems[0]?.message}`,
    'Quote it, or write it as YAML: `{ a: 1 }`, `[x, y]`.',
  );
}

function usage(message: string, hint: string): ProblemError {
  return new ProblemError(problem('USAGE', message, { hint }));
}
