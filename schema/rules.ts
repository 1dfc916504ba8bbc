import { fieldName, type Located, problemAt } from './issues.ts';
import { type Problem, problem } from './problem.ts';
import { promptArguments } from './prompt-arguments.ts';
import { quoted } from './quote.ts';

/** A mapping as it was written, not yet known to fit its schema; rules look at it so that all problems come at once. */
type Written = Readonly<Record<string, unknown>>;
type Report = (path: readonly PropertyKey[], message: string, hint: string) => void;
type Rule = (spec: Written, report: Report) => void;

const serverRules: readonly Rule[] = [
  exactlyOneOrigin,
  urlStandsAlone,
  urlWithoutCredentials,
  endpointNeedsHttp,
  fixedPortMeansOneReplica,
  environmentNamesDiffer,
];

/** The rules of a Server that need more than one field; they hold whether or not each field is valid by itself. */
export function checkServer(spec: Written, located: Located): Problem[] {
  const problems: Problem[] = [];
  const report: Report = (path, message, hint) => {
    problems.push(problemAt(located, ['spec', ...path], message, hint));
  };
  for (const rule of serverRules) rule(spec, report);
  return problems;
}

const origins = ['package', 'command', 'url'];

function exactlyOneOrigin(spec: Written, report: Report): void {
  const [first, ...others] = origins.filter(field => Object.hasOwn(spec, field));
  const hint = 'Keep one: an npm `package`, a `command`, or the `url` of an external server.';
  if (first === undefined) report([], '`spec` needs exactly one of `package`, `command` and `url`', hint);
  for (const other of others) report([other], `\`spec.${other}\` cannot stand beside \`spec.${first}\``, hint);
}

function urlStandsAlone(spec: Written, report: Report): void {
  if (!Object.hasOwn(spec, 'url')) return;
  if (spec.transport === 'stdio') {
    report(['transport'], 'an external server (`spec.url`) is not reached over stdio', 'Write `streamable-http`.');
  }
  for (const field of ['port', 'path', 'args', 'env']) {
    if (!Object.hasOwn(spec, field)) continue;
    report([field], `\`spec.${field}\` has no meaning for an external server (\`spec.url\`)`, 'Remove the field.');
  }
}

function urlWithoutCredentials({ url }: Written, report: Report): void {
  if (typeof url !== 'string' || !URL.canParse(url)) return;
  const { username, password } = new URL(url);
  if (username === '' && password === '') return;
  report(
    ['url'],
    '`spec.url` carries a user name or password',
    'Remove it; credentials never stand in the repository.',
  );
}

function endpointNeedsHttp(spec: Written, report: Report): void {
  if (spec.transport !== 'stdio' || Object.hasOwn(spec, 'url')) return;
  for (const field of ['port', 'path']) {
    if (!Object.hasOwn(spec, field)) continue;
    report([field], `\`spec.${field}\` has no meaning for a stdio server`, 'Remove it, or set `streamable-http`.');
  }
}

function fixedPortMeansOneReplica({ port, replicas }: Written, report: Report): void {
  if (port === undefined || typeof replicas !== 'number' || replicas <= 1) return;
  const message = `${replicas} replicas cannot share one fixed \`spec.port\``;
  report(['replicas'], message, 'Remove `port`, so that each replica gets a free one.');
}

function environmentNamesDiffer({ env }: Written, report: Report): void {
  if (!Array.isArray(env)) return;
  const seen = new Set<string>();
  for (const [index, item] of env.entries()) {
    const name: unknown = item?.name;
    if (typeof name !== 'string') continue;
    const path = ['env', index, 'name'];
    if (seen.has(name)) {
      report(path, `${fieldName(['spec', ...path])} sets ${quoted(name)} a second time`, 'Keep one of the two.');
    }
    seen.add(name);
  }
}

/**
 * A prompt's arguments against their use in its body.
 * @param declared the front matter's `arguments`, as written
 * @param body offset of the body in the file
 */
export function checkPromptArguments(declared: unknown, body: number, located: Located): Problem[] {
  const { source } = located;
  const uses = promptArguments(source.text.slice(body));
  const names = new Set<string>();
  const problems: Problem[] = [];
  for (const [index, item] of Array.isArray(declared) ? declared.entries() : []) {
    const name: unknown = item?.name;
    if (typeof name !== 'string') continue;
    const at = source.position(located.document.offset(['arguments', index, 'name']));
    if (names.has(name))
      problems.push(problem('FIELD_INVALID', `the argument ${quoted(name)} is declared twice`, { at }));
    else if (!uses.has(name)) {
      const hint = `Use it as \`{{${quoted(name).slice(1, -1)}}}\`, or remove it.`;
      problems.push(
        problem('PROMPT_ARGUMENT_UNUSED', `the body never uses the argument ${quoted(name)}`, { at, hint }),
      );
    }
    names.add(name);
  }
  for (const [name, offset] of uses) {
    if (names.has(name)) continue;
    const at = source.position(body + offset);
    const message = `the body uses ${quoted(`{{${name}}}`)}, which \`arguments\` does not declare`;
    problems.push(problem('PROMPT_ARGUMENT_UNDECLARED', message, { at }));
  }
  return problems;
}
