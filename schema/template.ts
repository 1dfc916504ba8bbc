import { closest } from './closest.ts';
import { issueProblems } from './issues.ts';
import { API_VERSION, envelope } from './kinds/envelope.ts';
import { type Parameter, Server, type Template } from './kinds/index.ts';
import { plainLocated } from './plain-located.ts';
import { type Problem, problem, sortProblems } from './problem.ts';
import { quoted } from './quote.ts';
import type { Resource } from './resource.ts';
import { checkServer } from './rules.ts';
import { ABSENT, type ParameterValue, substitute } from './template-text.ts';

/** What is given for a parameter; text is understood as its type says, a secret's as `NAME/KEY`. */
export type GivenValue = string | number | boolean | { name: string; key: string };

/** A Server as a document: what stands in its file. */
export interface ServerDocument {
  apiVersion: typeof API_VERSION;
  kind: 'Server';
  metadata: {
    name: string;
    labels?: Record<string, string>;
    annotations: Record<string, string>;
    description?: string;
  };
  spec: Record<string, unknown>;
}

/** Annotations by which a server names the template it was copied from, and that template's version. */
const TEMPLATE_ANNOTATION = 'mcpctl.dev/template';
const TEMPLATE_VERSION_ANNOTATION = 'mcpctl.dev/template-version';

/** Longest text that a pattern is tried on. */
const MAX_PATTERNED = 256;

/**
 * Make a Server out of a template: a copy, in which parameters are replaced by what is given, or by their defaults.
 * Pure. The copy names its origin in its annotations and depends on it no further.
 * @returns the document, or everything that is wrong with what was given (`TEMPLATE_VALUE_INVALID`) and with the result
 */
export function instantiate(
  template: Pick<Resource<'Template'>, 'name' | 'file' | 'metadata' | 'spec'>,
  name: string,
  given: Readonly<Record<string, GivenValue>>,
): { document: ServerDocument } | { problems: Problem[] } {
  const { parameters, server, version } = template.spec;
  const problems = unknownNames(parameters, given);
  const values = new Map<string, ParameterValue>();
  for (const parameter of parameters) {
    const value = parameterValue(parameter, Object.hasOwn(given, parameter.name) ? given[parameter.name] : undefined);
    if (typeof value === 'object' && 'problem' in value) problems.push(value.problem);
    else values.set(parameter.name, value);
  }
  if (problems.length > 0) return { problems: sortProblems(problems) };

  const { labels, description } = template.metadata;
  const document: ServerDocument = {
    apiVersion: API_VERSION,
    kind: 'Server',
    metadata: {
      name,
      ...(Object.keys(labels).length > 0 && { labels }),
      annotations: {
        [TEMPLATE_ANNOTATION]: template.name,
        ...(version !== undefined && { [TEMPLATE_VERSION_ANNOTATION]: version }),
      },
      ...(description !== undefined && { description }),
    },
    spec: { ...Object(substitute(server, values)) },
  };
  const wrong = serverProblems(document, template.file);
  return wrong.length > 0 ? { problems: wrong } : { document };
}

const ServerEnvelope = envelope(Server);

function serverProblems(document: ServerDocument, file: string): Problem[] {
  const located = plainLocated(document, file);
  const parsed = ServerEnvelope.safeParse(document);
  const issues = parsed.success ? [] : issueProblems(parsed.error.issues, ServerEnvelope, located);
  const found = [...issues, ...checkServer(document.spec, located)];
  return sortProblems(found.filter(({ severity }) => severity === 'error'));
}

function unknownNames(parameters: readonly Parameter[], given: Readonly<Record<string, GivenValue>>): Problem[] {
  const names = parameters.map(({ name }) => name);
  return Object.keys(given)
    .filter(name => !names.includes(name))
    .map(name => {
      const meant = closest(name, names);
      const list = names.length > 0 ? `Its parameters: ${names.join(', ')}.` : 'It has no parameters.';
      return wrong(`there is no parameter ${quoted(name)}`, meant === undefined ? list : `Did you mean \`${meant}\`?`);
    });
}

/** What a parameter comes to; `ABSENT` for an optional one of which nothing is said. */
export function parameterValue(
  parameter: Parameter,
  given: GivenValue | undefined,
): ParameterValue | { problem: Problem } {
  const { name, required, default: otherwise } = parameter;
  const value = given ?? otherwise;
  if (value !== undefined) return typed(parameter, value);
  return required ? { problem: wrong(`the parameter \`${name}\` needs a value`) } : ABSENT;
}

function typed(parameter: Parameter, value: GivenValue): ParameterValue | { problem: Problem } {
  const { name, type, pattern, values = [] } = parameter;
  const no = (what: string) => ({ problem: wrong(`the parameter \`${name}\` ${what}`) });
  if (type === 'secret') {
    const ref = typeof value === 'string' ? secretRef(value) : value;
    return typeof ref === 'object' ? { name: ref.name, key: ref.key } : no('is one key of a Secret, `NAME/KEY`');
  }
  if (typeof value === 'object') return no(`is ${type === 'integer' ? 'a whole number' : 'plain text'}`);
  const text = String(value);
  switch (type) {
    case 'integer':
      return /^-?[0-9]{1,15}$/.test(text) ? Number(text) : no('must be a whole number');
    case 'boolean':
      return text === 'true' || text === 'false' ? text === 'true' : no('must be `true` or `false`');
    case 'enum':
      return values.includes(text) ? text : no(`must be one of ${values.map(one => quoted(one)).join(', ')}`);
    default:
      return pattern === undefined || matches(text, pattern) ? text : no(`must match ${quoted(pattern, 256)}`);
  }
}

function matches(text: string, pattern: string): boolean {
  return text.length <= MAX_PATTERNED && new RegExp(`^(?:${pattern})$`, 'u').test(text);
}

function secretRef(text: string): { name: string; key: string } | undefined {
  const [, name, key] = /^([a-z0-9-]{1,63})\/(.{1,253})$/.exec(text) ?? [];
  return name === undefined || key === undefined ? undefined : { name, key };
}

function wrong(message: string, hint?: string): Problem {
  return problem('TEMPLATE_VALUE_INVALID', message, hint === undefined ? {} : { hint });
}

/** The values that a template is tried with: defaults, and something fit where there is none. */
export function sampleValues({ parameters }: Template): Map<string, ParameterValue> {
  return new Map(
    parameters.map(parameter => {
      const { name, type, default: otherwise, values = [] } = parameter;
      // Fit as a name, as a version, as an argument.
      const samples = { string: '1.0.0', integer: 1, boolean: true, enum: values[0] ?? '', secret: sampleSecret };
      const value = otherwise === undefined ? samples[type] : parameterValue(parameter, undefined);
      return [name, typeof value === 'object' && 'problem' in value ? samples[type] : value];
    }),
  );
}

const sampleSecret = { name: 'sample', key: 'sample' };
