import type { z } from 'zod';
import { checkValue } from './check-value.ts';
import { contentDigest } from './digest.ts';
import { fieldName, issueProblems, type Located, problemAt } from './issues.ts';
import { API_VERSION } from './kinds/envelope.ts';
import type { Declared } from './layout.ts';
import { isMapping } from './mapping.ts';
import type { Problem } from './problem.ts';
import { quoted } from './quote.ts';
import type { Locate } from './references.ts';
import type { Kind, Metadata, Reference, Resource, Specs } from './resource.ts';

/** What one file gives: a resource, or the errors why there is none; warnings either way. */
export interface Outcome<K extends Kind = Kind> {
  resource?: Resource<K>;
  problems: Problem[];
}

/** How one kind of YAML file is read. */
export interface EnvelopeReader<K extends Kind> {
  schema: z.ZodType<{ metadata: WrittenMetadata; spec: Specs[K] }>;
  /** Rules over more than one field; given what was written under `spec`, valid or not. */
  rules?: (spec: Readonly<Record<string, unknown>>, located: Located) => Problem[];
  references?: (spec: Specs[K], locate: Locate, owner: Declared) => Reference[];
  /** Fields of `spec` that are valid, but that nothing acts on yet. */
  notActedOn?: (spec: Specs[K]) => readonly string[];
}

export interface WrittenMetadata {
  name?: string | undefined;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  description?: string | undefined;
}

/**
 * Check a document in Kubernetes' envelope: its identity against its path, its schema, its kind's rules.
 * @param file the resource's own file; `located` may be another one's, a patch's
 */
export function checkEnvelope<K extends Kind>(
  kind: K,
  reader: EnvelopeReader<K>,
  declared: Declared,
  located: Located,
  file: string,
): Outcome<K> {
  const { schema, rules, references, notActedOn } = reader;
  const raw = located.document.value;
  const problems: Problem[] = [];
  if (isMapping(raw)) {
    problems.push(...checkIdentity(raw, kind, declared.name, located));
    // Another kind's fields would only be noise.
    if (typeof raw.kind === 'string' && raw.kind !== kind) return { problems };
    if (rules && isMapping(raw.spec)) problems.push(...rules(raw.spec, located));
  }
  const parsed = checkValue(schema, raw);
  if (!parsed.success) problems.push(...issueProblems(parsed.error.issues, schema, located));
  if (!parsed.success || problems.some(({ severity }) => severity === 'error')) return { problems };

  const { metadata, spec } = parsed.data;
  const idle = notActedOn?.(spec) ?? [];
  if (idle.length > 0) problems.push(idleFields(idle, located, ['spec']));
  const { scope, name, id } = declared;
  const resource: Resource<K> = {
    id,
    kind,
    scope,
    name,
    metadata: withoutName(metadata),
    spec,
    file,
    digest: contentDigest(raw),
    references: references?.(spec, locator(located, file), declared) ?? [],
  };
  return { resource, problems };
}

/** Where a path of the document stands; with the file, where that is not the resource's own. */
function locator(located: Located, own: string): Locate {
  return path => {
    const { file, line = 1, column = 1 } = located.source.position(located.document.offset(path));
    return { line, column, ...(file !== own && { file }) };
  };
}

function withoutName({ labels, annotations, description }: WrittenMetadata): Metadata {
  return { labels, annotations, ...(description !== undefined && { description }) };
}

/** The file's own word on what it is must be its path's. */
function checkIdentity(raw: Readonly<Record<string, unknown>>, kind: Kind, name: string, located: Located): Problem[] {
  const written: [path: string[], value: unknown, expected: string][] = [
    [['apiVersion'], raw.apiVersion, API_VERSION],
    [['kind'], raw.kind, kind],
    [['metadata', 'name'], isMapping(raw.metadata) ? raw.metadata.name : undefined, name],
  ];
  return written
    .filter(([, value, expected]) => typeof value === 'string' && value !== expected)
    .map(([path, value, expected]) => {
      const field = path.join('.');
      const message = `\`${field}\` is ${quoted(String(value))}, but the path says \`${expected}\``;
      return problemAt(
        located,
        path,
        message,
        `Write \`${field}: ${expected}\`, or move the file.`,
        'IDENTITY_MISMATCH',
      );
    });
}

/** Says of fields, at the first of them, that they change nothing yet. @param below where in the document they stand */
export function idleFields(fields: readonly string[], located: Located, below: readonly string[]): Problem {
  const [first = ''] = fields;
  const names = fields.map(field => fieldName([...below, field])).join(', ');
  const message = `${names} ${fields.length === 1 ? 'is' : 'are'} valid, but not acted on yet`;
  return problemAt(located, [...below, first], message, undefined, 'FIELD_NOT_ACTED_ON');
}
