import type { Reader } from '../../repo/index.ts';
import { type Catalog, type Problem, problem, type Resource, resourceId, type Server } from '../../schema/index.ts';
import type { PackageStore } from '../packages/index.ts';
import type { DesiredInstance } from '../plan.ts';
import type { LaunchSpec, RuntimeName } from '../runtimes/index.ts';
import { resolveSecret, type SecretSources } from '../secrets/index.ts';
import type { Launch } from './launch.ts';
import { quantity } from './quantity.ts';

/** Makes a launch out of a desired instance of a catalog, or says why it cannot. */
export type Prepare = (
  desired: DesiredInstance,
  catalog: Catalog,
  signal: AbortSignal,
) => Promise<Launch | { problem: Problem }>;

const MAX_LOCK_BYTES = 8 * 1024 * 1024;

/** Resolve the environment first (nothing is installed or started without its secrets), then install the package. */
export function createPrepare(sources: {
  packages: PackageStore;
  reader: Reader;
  secrets: SecretSources;
  /** Where servers run that name no runtime. */
  runtime: RuntimeName;
  /** Nothing is started here: no value of an environment has to be known. */
  readOnly?: boolean;
}): Prepare {
  return async (desired, catalog, signal) => {
    const server = catalog.get(resourceId('Server', 'global', desired.server));
    if (server?.kind !== 'Server') {
      return { problem: problem('REFERENCE_UNRESOLVED', `server ${desired.server} is not in the catalog`) };
    }
    const runtime = server.spec.runtime ?? sources.runtime;
    const beyond = unsupported(server, runtime);
    if (beyond) return { problem: beyond };
    const { url, transport } = server.spec;
    if (url !== undefined) {
      const headers = await resolveValues(server, 'headers', catalog, sources.secrets);
      if ('problem' in headers) return headers;
      return { external: { url, headers: headers.values, sse: transport === 'sse', secrets: headers.secrets } };
    }
    const environment =
      sources.readOnly === true
        ? { values: {}, secrets: [] }
        : await resolveValues(server, 'env', catalog, sources.secrets);
    if ('problem' in environment) return environment;
    const program = await programFor(runtime, server, catalog, sources, signal);
    if ('problem' in program) return program;
    const { spec } = server;
    return {
      launch: {
        id: desired.id,
        server: desired.server,
        ordinal: desired.ordinal,
        runtime,
        ...(runtime === 'kubernetes' && desired.project !== undefined && { project: desired.project }),
        specDigest: desired.specDigest,
        ...program,
        argv: [...program.argv, ...spec.args],
        ...limitsOf(spec),
        ...isolationOf(server, catalog, runtime),
        ...(spec.ignoreFields.length > 0 && { ignoreFields: spec.ignoreFields }),
        env: environment.values,
        ...(spec.cwd !== undefined && { cwd: spec.cwd }),
        // What only pretends needs no port.
        transport: runtime === 'memory' ? 'stdio' : transport,
        port: spec.port ?? 0,
        path: spec.path,
        secrets: environment.secrets,
      },
    };
  };
}

/** What keeps a server from being run here at all. */
function unsupported(server: Resource<'Server'>, runtime: string): Problem | undefined {
  const { image, package: source } = server.spec;
  if (runtime === 'memory') return undefined;
  if (runtime === 'docker' || runtime === 'kubernetes') return undefined;
  if (runtime !== 'process') return unable(server, `the runtime \`${runtime}\``);
  if (image !== undefined) return unable(server, 'a container image');
  return source?.registry === 'pypi' ? unable(server, 'a package of pypi') : undefined;
}

function unable(server: Resource<'Server'>, what: string): Problem {
  const more = { resource: server.id, at: { file: server.file } };
  return problem('RUNTIME_UNSUPPORTED', `${server.name} needs ${what}, which this version cannot run`, more);
}

/** The environment or the headers, with the values of their secrets. */
async function resolveValues(
  server: Resource<'Server'>,
  field: 'env' | 'headers',
  catalog: Catalog,
  sources: SecretSources,
): Promise<{ values: Record<string, string>; secrets: string[] } | { problem: Problem }> {
  const values: Record<string, string> = {};
  const secrets: string[] = [];
  for (const variable of server.spec[field]) {
    if ('value' in variable) {
      values[variable.name] = variable.value;
      continue;
    }
    const { name, key } = variable.valueFrom.secretRef;
    const secret = catalog.get(resourceId('Secret', 'global', name));
    const found =
      secret?.kind === 'Secret'
        ? await resolveSecret(secret.spec, key, { ...sources, scopeId: secret.id })
        : { problem: problem('SECRET_UNRESOLVED', `there is no Secret ${name}`) };
    if ('problem' in found) {
      const message = `secret resolution failed: ${variable.name}: ${found.problem.message}`;
      return { problem: { ...found.problem, message, resource: server.id, at: { file: server.file } } };
    }
    values[variable.name] = found.value;
    secrets.push(found.value);
  }
  return { values, secrets };
}

async function programFor(
  runtime: string,
  server: Resource<'Server'>,
  catalog: Catalog,
  sources: { packages: PackageStore; reader: Reader },
  signal: AbortSignal,
): Promise<Pick<LaunchSpec, 'argv' | 'image' | 'package' | 'runner' | 'reads'> | { problem: Problem }> {
  if (runtime === 'memory') return { argv: [server.name] };
  if (runtime === 'docker' || runtime === 'kubernetes') return containerProgram(server, catalog, sources);
  return resolveProgram(server, catalog, sources, signal);
}

/** What runs in a container: the image installs and finds the program, not this machine. */
async function containerProgram(
  { name, spec }: Resource<'Server'>,
  catalog: Catalog,
  { reader }: { reader: Reader },
): Promise<Pick<LaunchSpec, 'argv' | 'image' | 'package' | 'runner'>> {
  const { image, command, package: source } = spec;
  if (image !== undefined) return { argv: [], image };
  const runner = spec.runner ?? (source?.registry === 'pypi' ? 'python' : 'node');
  if (!source) return { argv: command ?? [], runner };
  const lock = catalog.get(resourceId('Lock', 'global', name));
  const content = lock?.kind === 'Lock' ? await reader.blob(lock.spec.oid, MAX_LOCK_BYTES) : undefined;
  return { argv: [], runner, package: { ...source, ...(content && { lock: content }) } };
}

/** As declared, or nothing but its own folder where the repository requires isolation. Containers are isolated anyway. */
function isolationOf({ spec }: Resource<'Server'>, catalog: Catalog, runtime: string): Pick<LaunchSpec, 'isolation'> {
  if (spec.isolation) return { isolation: spec.isolation };
  const required = catalog.repository?.spec.requireIsolation === true && runtime === 'process';
  return required ? { isolation: { paths: [], network: 'full' } } : {};
}

function limitsOf({ resources }: Server): Pick<LaunchSpec, 'limits' | 'requests'> {
  const { limits, requests } = resources ?? {};
  return { ...(limits && { limits: amountsOf(limits) }), ...(requests && { requests: amountsOf(requests) }) };
}

type Amounts = NonNullable<NonNullable<Server['resources']>['limits']>;

function amountsOf({ cpu, memory, pids, files }: Amounts): NonNullable<LaunchSpec['limits']> {
  return {
    ...(cpu !== undefined && { cpu: quantity(cpu) }),
    ...(memory !== undefined && { memory: Math.ceil(quantity(memory)) }),
    ...(pids !== undefined && { pids }),
    ...(files !== undefined && { files }),
  };
}

async function resolveProgram(
  server: Resource<'Server'>,
  catalog: Catalog,
  { packages, reader }: { packages: PackageStore; reader: Reader },
  signal: AbortSignal,
): Promise<Pick<LaunchSpec, 'argv' | 'reads'> | { problem: Problem }> {
  const { command, package: npm } = server.spec;
  if (command) return { argv: command };
  if (!npm) return { problem: problem('FIELD_MISSING', `${server.id} has neither package nor command`) };
  const lock = catalog.get(resourceId('Lock', 'global', server.name));
  const installed = await packages.install({
    identifier: npm.identifier,
    version: npm.version,
    installScripts: npm.installScripts,
    ...(lock?.kind === 'Lock' && { lock: await reader.blob(lock.spec.oid, MAX_LOCK_BYTES) }),
    signal,
  });
  if ('problem' in installed) return { problem: { ...installed.problem, resource: server.id } };
  return { argv: [process.execPath, installed.entry], reads: [installed.folder] };
}
