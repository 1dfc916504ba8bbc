import type { z } from 'zod';
import { contentDigest } from './digest.ts';
import { issueProblems, type Located, problemAt } from './issues.ts';
import { API_VERSION } from './kinds/envelope.ts';
import type { Declared } from './layout.ts';
import type { Problem } from './problem.ts';
import { quoted } from './quote.ts';
import type { Locate } from './references.ts';
import type { Kind, Metadata, Reference, Resource, Specs } from './resource.ts';
import type { Source } from './source.ts';
import { parseYaml } from './yaml.ts';

/** What one file gives: a resource, or the errors why there is none; warnings either way. */
export interface Outcome<K extends Kind> {
  resource?: Resource<K>;
  problems: Problem[];
}

/** How one kind of YAML file is read. */
export interface EnvelopeReader<K extends Kind> {
  kind: K;
  schema: z.ZodType<{ metadata: WrittenMetadata; spec: Specs[K] }>;
  /** Rules over more than one field; given what was written under `spec`, valid or not. */
  rules?: (spec: Readonly<Record<string, unknown>>, located: Located) => Problem[];
  references?: (spec: Specs[K], locate: Locate) => Reference[];
}

interface WrittenMetadata {
  name?: string | undefined;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  description?: string | undefined;
}

/** Read a YAML file in Kubernetes' envelope: its identity against its path, its schema, its kind's rules. */
export function readEnvelope<K extends Kind>(
  reader: EnvelopeReader<K>,
  declared: Declared,
  source: Source,
): Outcome<K> {
  const yaml = parseYaml(source);
  if ('problems' in yaml) return yaml;
  const { kind, schema, rules, references } = reader;
  const located: Located = { source, document: yaml.document };
  const raw = yaml.document.value;
  const problems: Problem[] = [];
  if (isMapping(raw)) {
    problems.push(...checkIdentity(raw, kind, declared.name, located));
    // Another kind's fields would only be noise.
    if (typeof raw.kind === 'string' && raw.kind !== kind) return { problems };
    if (rules && isMapping(raw.spec)) problems.push(...rules(raw.spec, located));
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) problems.push(...issueProblems(parsed.error.issues, schema, located));
  if (!parsed.success || problems.some(({ severity }) => severity === 'error')) return { problems };

  const { metadata, spec } = parsed.data;
  const locate: Locate = path => {
    const { line, column } = source.position(yaml.document.offset(path));
    return { line, column };
  };
  const { scope, name, id } = declared;
  const resource: Resource<K> = {
    id,
    kind,
    scope,
    name,
    metadata: withoutName(metadata),
    spec,
    file: source.file,
    digest: contentDigest(raw),
    references: references?.(spec, locate) ?? [],
  };
  return { resource, problems };
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

function withoutName({ labels, annotations, description }: WrittenMetadata): Metadata {
  return { labels, annotations, ...(description !== undefined && { description }) };
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
