import { z } from 'zod';
import { fieldName, issueProblems, type Located, problemAt } from './issues.ts';
import { Server, Template } from './kinds/index.ts';
import { isMapping } from './mapping.ts';
import type { Problem } from './problem.ts';
import { quoted } from './quote.ts';
import { checkServer } from './rules.ts';
import { parameterValue, sampleValues } from './template.ts';
import { placeholders, substitute } from './template-text.ts';

type Path = readonly PropertyKey[];

/**
 * The rules of a Template: its parameters make sense, they are those that `server` uses, and what comes out is a Server.
 */
export function checkTemplate(spec: Readonly<Record<string, unknown>>, located: Located): Problem[] {
  const parsed = Template.safeParse(spec);
  if (!parsed.success) return [];
  const template = parsed.data;
  const problems = [...parametersMakeSense(template, located), ...placeholdersAreDeclared(template, located)];
  return problems.some(({ severity }) => severity === 'error')
    ? problems
    : [...problems, ...resultIsServer(template, located)];
}

function parametersMakeSense({ parameters }: Template, located: Located): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const [index, parameter] of parameters.entries()) {
    const { name, type, pattern, values, required, default: otherwise } = parameter;
    const report = (field: string, message: string, hint?: string) => {
      const path = ['spec', 'parameters', index, field];
      problems.push(problemAt(located, path, `${fieldName(path)} ${message}`, hint));
    };
    if (seen.has(name)) report('name', 'is declared twice', 'Keep one of the two.');
    seen.add(name);
    const fault = pattern === undefined ? undefined : type === 'string' ? patternFault(pattern) : 'is for text only';
    if (fault !== undefined) report('pattern', fault);
    if (type === 'enum' && !values?.length) report('values', 'is needed: what may it be?', 'List the values.');
    if (type !== 'enum' && values) report('values', 'is for an `enum` only', 'Remove it, or set `type: enum`.');
    if (required && otherwise !== undefined) report('default', 'is never used', 'Remove it, or `required`.');
    if (otherwise === undefined || fault !== undefined) continue;
    const value = parameterValue(parameter, undefined);
    if (typeof value === 'object' && 'problem' in value) report('default', `is not fit: ${value.problem.message}`);
  }
  return problems;
}

/** Patterns are kept to what takes little time, whatever text they are tried on. */
function patternFault(pattern: string): string | undefined {
  try {
    new RegExp(pattern, 'u');
  } catch {
    return 'is not a regular expression';
  }
  const plain = pattern.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'x');
  if (/\)[*+?{]/.test(plain)) return 'repeats a group, which may take for ever';
  if (/\(\?[^:]|\\[1-9k]/.test(pattern)) return 'looks around or back, which may take for ever';
  const choices = plain.replaceAll('(?', '(');
  if ((choices.match(/[*+{]/g) ?? []).length > 3) return 'repeats more than three parts, which may take for ever';
  return (choices.match(/[*+{?|]/g) ?? []).length > 8 ? 'leaves open too much, which may take for ever' : undefined;
}

function placeholdersAreDeclared({ parameters, server }: Template, located: Located): Problem[] {
  const declared = new Set(parameters.map(({ name }) => name));
  const used = new Set<string>();
  const problems: Problem[] = [];
  for (const { path, text } of texts(server, ['spec', 'server'])) {
    for (const name of placeholders(text)) {
      used.add(name);
      if (declared.has(name)) continue;
      const message = `${fieldName(path)} uses ${quoted(`\${${name}}`)}, which \`parameters\` does not declare`;
      problems.push(problemAt(located, path, message, undefined, 'TEMPLATE_PARAMETER_UNDECLARED'));
    }
  }
  for (const [index, { name }] of parameters.entries()) {
    if (used.has(name)) continue;
    const path = ['spec', 'parameters', index, 'name'];
    problems.push(
      problemAt(located, path, `nothing uses the parameter ${quoted(name)}`, undefined, 'TEMPLATE_PARAMETER_UNUSED'),
    );
  }
  return problems;
}

function* texts(value: unknown, path: Path): Generator<{ path: Path; text: string }> {
  if (typeof value === 'string') yield { path, text: value };
  else if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* texts(item, [...path, index]);
  else if (isMapping(value)) for (const [key, member] of Object.entries(value)) yield* texts(member, [...path, key]);
}

const Result = z.object({ spec: z.object({ server: Server }) });

/** Try it with the defaults, and something fit where there is none. */
function resultIsServer(template: Template, located: Located): Problem[] {
  const server = substitute(template.server, sampleValues(template));
  const parsed = Result.safeParse({ spec: { server } });
  const undecided = new Set(
    template.parameters
      .filter(({ type, default: otherwise }) => type === 'string' && otherwise === undefined)
      .map(p => p.name),
  );
  // Whether text that is not known yet will fit is found out when it is.
  const issues = (parsed.success ? [] : parsed.error.issues).filter(({ path }) => {
    const [, , ...below] = path;
    const written = below.reduce<unknown>(
      (at, step) => (at === undefined ? at : Reflect.get(Object(at), step)),
      template.server,
    );
    return typeof written !== 'string' || !placeholders(written).some(name => undecided.has(name));
  });
  const moved: Located = {
    ...located,
    document: {
      value: { spec: { server } },
      offset: (path, part) =>
        located.document.offset(path[1] === 'server' ? path : ['spec', 'server', ...path.slice(1)], part),
    },
  };
  const found = [...issueProblems(issues, Result, moved), ...checkServer({ ...Object(server) }, moved)];
  return undecided.size > 0 ? found.filter(({ code }) => code !== 'IMAGE_NOT_PINNED') : found;
}
