import valid from 'semver/functions/valid.js';
import { fieldName, type Located, problemAt } from './issues.ts';
import type { Problem, ProblemCode } from './problem.ts';
import { quoted } from './quote.ts';

/** A mapping as it was written, not yet known to fit its schema; rules look at it so that all problems come at once. */
type Written = Readonly<Record<string, unknown>>;
type Report = (path: readonly PropertyKey[], message: string, hint?: string, code?: ProblemCode) => void;
type Rule = (spec: Written, report: Report) => void;

const serverRules: readonly Rule[] = [
  exactlyOneOrigin,
  packageFitsItsRegistry,
  runnerFitsThePackage,
  cwdNeedsCommand,
  imageIsPinned,
  urlStandsAlone,
  urlWithoutCredentials,
  headersNeedUrl,
  endpointNeedsHttp,
  fixedPortMeansOneReplica,
  fixedPortIsNotRolling,
  namesDiffer,
  dependsOnOthers,
];

/** The rules of a Server that need more than one field; they hold whether or not each field is valid by itself. */
export function checkServer(spec: Written, located: Located): Problem[] {
  const problems: Problem[] = [];
  const report: Report = (path, message, hint, code) => {
    problems.push(problemAt(located, ['spec', ...path], message, hint, code));
  };
  for (const rule of serverRules) rule(spec, report);
  return problems;
}

const origins = ['package', 'command', 'image', 'url'];

function exactlyOneOrigin(spec: Written, report: Report): void {
  const [first, ...others] = origins.filter(field => Object.hasOwn(spec, field));
  const hint = 'Keep one: a `package`, a `command`, an `image`, or the `url` of an external server.';
  if (first === undefined) report([], '`spec` needs exactly one of `package`, `command`, `image` and `url`', hint);
  for (const other of others) report([other], `\`spec.${other}\` cannot stand beside \`spec.${first}\``, hint);
}

/** Each registry has its own names, and its own way to write one exact version (semver; PEP 508 and PEP 440). */
const registries = {
  npm: {
    name: /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/,
    exact: (version: string) => valid(version) === version,
  },
  pypi: {
    name: /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/,
    exact: (version: string) =>
      /^(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?$/.test(version),
  },
};

function packageFitsItsRegistry({ package: written }: Written, report: Report): void {
  if (typeof written !== 'object' || written === null) return;
  const { registry, identifier, version }: Written = { ...written };
  if (registry !== 'npm' && registry !== 'pypi') return;
  const { name, exact } = registries[registry];
  if (typeof identifier === 'string' && identifier !== '' && !name.test(identifier)) {
    report(['package', 'identifier'], `\`spec.package.identifier\` is not the name of a package on ${registry}`);
  }
  if (typeof version !== 'string' || exact(version)) return;
  const message = '`spec.package.version` is not an exact version such as 1.2.3; ranges and tags are not allowed';
  report(['package', 'version'], message);
}

const runners = { npm: 'node', pypi: 'python' };

function runnerFitsThePackage({ runner, package: written }: Written, report: Report): void {
  if (runner === undefined) return;
  if (typeof written !== 'object' || written === null) {
    report(['runner'], '`spec.runner` has no meaning without `spec.package`', 'Remove the field.');
    return;
  }
  const { registry }: Written = { ...written };
  if ((registry !== 'npm' && registry !== 'pypi') || runners[registry] === runner) return;
  report(['runner'], `a package of ${registry} is run by ${runners[registry]}`, 'Remove the field.');
}

function cwdNeedsCommand(spec: Written, report: Report): void {
  if (!Object.hasOwn(spec, 'cwd') || Object.hasOwn(spec, 'command')) return;
  report(['cwd'], '`spec.cwd` has no meaning without `spec.command`', 'Remove the field.');
}

function imageIsPinned({ image }: Written, report: Report): void {
  if (typeof image !== 'string' || image.includes('sha256:')) return;
  const message = '`spec.image` is a tag, behind which another image may stand tomorrow';
  report(['image'], message, 'Write `name@sha256:…`, or an image id `sha256:…`.', 'IMAGE_NOT_PINNED');
}

function urlStandsAlone(spec: Written, report: Report): void {
  if (!Object.hasOwn(spec, 'url')) return;
  if (spec.transport === 'stdio') {
    report(['transport'], 'an external server (`spec.url`) is not reached over stdio', 'Write `streamable-http`.');
  }
  for (const field of ['port', 'path', 'args', 'env', 'cwd', 'resources', 'isolation', 'runtime']) {
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

function headersNeedUrl(spec: Written, report: Report): void {
  if (!Object.hasOwn(spec, 'headers') || Object.hasOwn(spec, 'url')) return;
  report(['headers'], '`spec.headers` has no meaning without `spec.url`', 'Remove the field.');
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

/** Two instances cannot listen on one port, so that the old one has to go first. */
function fixedPortIsNotRolling({ port, strategy, url }: Written, report: Report): void {
  if (port === undefined || strategy !== 'rolling' || url !== undefined) return;
  const message = '`spec.strategy: rolling` means `recreate` here: two instances cannot share one fixed `spec.port`';
  report(
    ['strategy'],
    message,
    'Remove `port`, so that each instance gets a free one, or say `recreate`.',
    'STRATEGY_IGNORED',
  );
}

/** Variables and headers, each once; the case of a header's name means nothing. */
function namesDiffer(spec: Written, report: Report): void {
  for (const field of ['env', 'headers']) {
    const list = spec[field];
    if (!Array.isArray(list)) continue;
    const seen = new Set<string>();
    for (const [index, item] of list.entries()) {
      const written: unknown = item?.name;
      if (typeof written !== 'string') continue;
      const name = field === 'headers' ? written.toLowerCase() : written;
      const path = [field, index, 'name'];
      if (seen.has(name)) {
        report(path, `${fieldName(['spec', ...path])} sets ${quoted(written)} a second time`, 'Keep one of the two.');
      }
      seen.add(name);
    }
  }
}

function dependsOnOthers({ dependsOn }: Written, report: Report): void {
  if (!Array.isArray(dependsOn)) return;
  for (const [index, name] of dependsOn.entries()) {
    if (dependsOn.indexOf(name) < index) report(['dependsOn', index], `${quoted(String(name))} stands here twice`);
  }
}
