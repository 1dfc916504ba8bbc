import { z } from 'zod';
import { closest } from './closest.ts';
import { type Problem, type ProblemCode, problem } from './problem.ts';
import { printable, quoted } from './quote.ts';
import type { Source } from './source.ts';
import type { YamlDocument } from './yaml.ts';

/** A file's data with all that is needed to say where in the file something is wrong with it. */
export interface Located {
  source: Pick<Source, 'file' | 'position'>;
  document: YamlDocument;
}

type Path = readonly PropertyKey[];

/**
 * Say what zod found wrong with a document, each issue as a problem at the value or key it is about. Values are not
 * quoted in messages (they may be secrets), except where only a few words are allowed.
 * @param schema what the document was checked with; its field names make the hints
 */
export function issueProblems(issues: readonly z.core.$ZodIssue[], schema: z.ZodType, located: Located): Problem[] {
  return issues.slice(0, 100).flatMap(issue => issueProblem(issue, schema, located));
}

/** A problem about the value (or the key) at a path of the document. */
export function problemAt(
  located: Located,
  path: Path,
  text: string,
  hint?: string,
  code: ProblemCode = 'FIELD_INVALID',
): Problem {
  const part = code === 'FIELD_UNKNOWN' || code === 'FIELD_NOT_ACTED_ON' ? 'key' : 'value';
  const at = located.source.position(located.document.offset(path, part));
  return problem(code, text, { at, ...(hint !== undefined && { hint }) });
}

/** A path as people write it: `spec.env[0].value`, in backticks. */
export function fieldName(path: Path): string {
  if (path.length === 0) return 'the document';
  const text = path.reduce<string>((before, step) => {
    if (typeof step === 'number') return `${before}[${step}]`;
    return before === '' ? String(step) : `${before}.${String(step)}`;
  }, '');
  return quoted(text, 120);
}

function issueProblem(issue: z.core.$ZodIssue, schema: z.ZodType, located: Located): Problem | Problem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(schema, path);
    return issue.keys.slice(0, 100).map(key => unknownField(located, [...path, key], key, known));
  }
  if (issue.code === 'invalid_key') {
    const reason = issue.issues[0]?.message ?? 'not a key that is allowed here';
    const at = located.source.position(located.document.offset(path, 'key'));
    return problem('FIELD_INVALID', `${fieldName(path)}: the key is ${reason}`, { at });
  }
  const value = valueAt(located.document.value, path);
  if (value === null && path.length === 0) {
    return problemAt(located, path, 'the document is empty', 'Write what the file’s path says it declares.');
  }
  if (value === undefined && path.length > 0) {
    const words = issue.code === 'invalid_value' ? `Add it: ${oneOf(issue.values)}.` : undefined;
    return problemAt(located, path, `${fieldName(path)} is missing`, words, 'FIELD_MISSING');
  }
  return problemAt(located, path, `${fieldName(path)} ${complaint(issue, value)}`, cure(issue, path, value, schema));
}

function unknownField(located: Located, path: Path, key: string, known: readonly string[]): Problem {
  const meant = closest(key, known);
  const list = known.length > 0 ? `Fields here: ${known.join(', ')}.` : undefined;
  const hint = meant === undefined ? list : `Did you mean \`${meant}\`?`;
  return problemAt(located, path, `${fieldName(path)} is not a field`, hint, 'FIELD_UNKNOWN');
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** What is wrong, to follow the field's name. */
function complaint(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${typeNames[issue.expected] ?? issue.expected}, not ${typeOf(value)}`;
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}`;
    case 'too_big':
      return tooBig(issue);
    case 'too_small':
      return tooSmall(issue);
    case 'invalid_union':
      return 'has none of the forms that are allowed here';
    case 'invalid_format':
      if (issue.format === 'url') return 'must be an http:// or https:// URL';
      return sentence(issue.message);
    default:
      return sentence(issue.message);
  }
}

/** Our schemas' own messages begin with `not a …`, `must …` or `needs …`. */
function sentence(message: string): string {
  return message.startsWith('not ') ? `is ${message}` : printable(message);
}

function tooBig(issue: z.core.$ZodIssueTooBig): string {
  if (issue.origin === 'string') return `is longer than ${issue.maximum} characters`;
  return issue.origin === 'array' ? `has more than ${issue.maximum} entries` : `must be at most ${issue.maximum}`;
}

function tooSmall(issue: z.core.$ZodIssueTooSmall): string {
  if (issue.origin === 'string')
    return issue.minimum === 1 ? 'is empty' : `is shorter than ${issue.minimum} characters`;
  return issue.origin === 'array' ? `needs at least ${issue.minimum} entries` : `must be at least ${issue.minimum}`;
}

/** The next edit, where more can be said than the code's own cure. */
function cure(issue: z.core.$ZodIssue, path: Path, value: unknown, schema: z.ZodType): string | undefined {
  if (issue.code === 'invalid_value') return `Write ${oneOf(issue.values)}.`;
  if (issue.code !== 'invalid_type' && issue.code !== 'too_big' && issue.code !== 'too_small') return undefined;
  if (value === null) return 'Give it a value, or remove the field.';
  const quotable = typeof value === 'number' || typeof value === 'boolean';
  if (issue.code !== 'invalid_type' || issue.expected !== 'string' || !quotable) {
    return wanted(schemaAt(schema, path), path.at(-1));
  }
  const key = path.at(-1);
  const example = typeof key === 'string' ? `: \`${printable(key)}: "…"\`` : '';
  return `Quote the value, so that it is text${example}.`;
}

/** What a schema takes, as the edit to make. @param key the field's name; a position in a list has none */
function wanted(schema: z.core.$ZodType | undefined, key: PropertyKey | undefined): string | undefined {
  const name = typeof key === 'string' ? `${printable(key)}: ` : '';
  if (schema instanceof z.ZodBoolean) return 'Write `true` or `false`.';
  if (schema instanceof z.ZodArray) return `Write a list: \`${name}[first, second]\`.`;
  if (!(schema instanceof z.ZodNumber)) return undefined;
  const { minValue: min, maxValue: max } = schema;
  const bounded = min !== null && max !== null && min > Number.MIN_SAFE_INTEGER && max < Number.MAX_SAFE_INTEGER;
  return bounded ? `Write a whole number from ${min} to ${max}.` : 'Write a number.';
}

function oneOf(values: readonly unknown[]): string {
  const words = values.map(value => `\`${String(value)}\``);
  const last = words.pop() ?? '';
  return words.length === 0 ? last : `${words.join(', ')} or ${last}`;
}

function typeOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return typeNames[typeof value] ?? typeof value;
}

/** The value at a path; undefined where the path leads nowhere. */
function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

/** The names of the fields that a schema has at a path. */
function fieldsAt(schema: z.core.$ZodType, path: Path): string[] {
  const at = schemaAt(schema, path);
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** The schema of what stands at a path; undefined where it has nothing. */
function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | undefined {
  let at = unwrapped(schema);
  for (const step of path) {
    const next = memberOf(at, step);
    if (!next) return undefined;
    at = unwrapped(next);
  }
  return at;
}

function memberOf(schema: z.core.$ZodType, step: PropertyKey): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[String(step)];
  if (schema instanceof z.ZodArray) return schema.element;
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return unwrapped(schema.unwrap());
  return schema instanceof z.ZodPipe ? unwrapped(schema.in) : schema;
}
