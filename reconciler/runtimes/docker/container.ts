import type { ContainerCreateOptions } from 'dockerode';
import { expand, expandEnvironment } from '../expand.ts';
import { packageArguments } from '../package-runner.ts';
import type { LaunchSpec } from '../runtime.ts';
import type { Limits } from './found.ts';
import { labels } from './owner.ts';

/** Where an instance's own files are, in a container of a runner image. */
const HOME = '/home/server';
/** What a network server listens on inside its container, when it declares no port. */
const INNER_PORT = 8080;
const TMPFS = 'rw,nosuid,nodev,size=67108864,mode=1777';
const MEBIBYTE = 1024 * 1024;
/** Keeps a container alive for what is run in it, and takes in what that leaves behind. */
const IDLE = ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 2147483647 & wait $!; done'];

/**
 * What is a container's first process: `main` the server itself, which is attached to; `idle` a sleeper, in which the
 * server is run by exec, so that its environment is in nobody's container description.
 */
export type Mode = 'main' | 'idle';

export interface Plan {
  mode: Mode;
  options: ContainerCreateOptions;
  /** What exec runs, when idle. */
  argv: readonly string[];
  /** What exec runs before, to its end. */
  install: readonly string[] | undefined;
  env: readonly string[];
  cwd: string | undefined;
  /** What it listens on inside; undefined for stdio. */
  port: number | undefined;
}

export interface Place {
  owner: string;
  name: string;
  /** Docker's id of the image. */
  image: string;
  /** The image's own environment: `NAME=value`. */
  imageEnv: readonly string[];
  /** The image's programs run as root: only they could write to a volume that the image knows nothing of. */
  asRoot: boolean;
  network: string;
}

/** How an instance becomes a container. Pure. */
export function planContainer(spec: LaunchSpec, place: Place): Plan {
  const mode: Mode = spec.image === undefined && (spec.package || spec.transport === 'stdio') ? 'idle' : 'main';
  const port = spec.transport === 'stdio' ? undefined : spec.port || INNER_PORT;
  const { argv, env } = variablesOf(spec, place, port);
  const cwd = spec.cwd ?? (spec.image === undefined ? HOME : undefined);
  return {
    mode,
    argv,
    install: installerOf(spec),
    env,
    cwd,
    port,
    options: {
      name: place.name,
      Image: place.image,
      ...programOf(spec, mode, argv),
      Env: mode === 'main' ? env : [],
      ...(cwd !== undefined && { WorkingDir: cwd }),
      OpenStdin: spec.transport === 'stdio' && mode === 'main',
      StdinOnce: false,
      Tty: false,
      Labels: {
        [labels.owner]: place.owner,
        [labels.instance]: spec.id,
        [labels.server]: spec.server,
        [labels.spec]: spec.specDigest,
        [labels.image]: place.image,
        ...(port !== undefined && { [labels.port]: String(port) }),
        [labels.network]: networkOf(spec, place),
        [labels.limits]: JSON.stringify(limitsOf(spec)),
      },
      Healthcheck: { Test: ['NONE'] },
      ...(port !== undefined && { ExposedPorts: { [`${port}/tcp`]: {} } }),
      HostConfig: hostConfig(spec, mode, place, port),
    },
  };
}

function programOf(
  spec: LaunchSpec,
  mode: Mode,
  argv: readonly string[],
): Pick<ContainerCreateOptions, 'Entrypoint' | 'Cmd'> {
  if (mode === 'idle') return { Entrypoint: IDLE, Cmd: [] };
  if (spec.image === undefined) return { Entrypoint: [argv[0] ?? ''], Cmd: argv.slice(1) };
  return argv.length > 0 ? { Cmd: [...argv] } : {};
}

function hostConfig(
  spec: LaunchSpec,
  mode: Mode,
  place: Place,
  port: number | undefined,
): ContainerCreateOptions['HostConfig'] {
  const network = spec.isolation?.network ?? 'full';
  const files = spec.limits?.files;
  // The runner images have a home that their user owns.
  const kept = spec.image === undefined || place.asRoot;
  return {
    Privileged: false,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    ReadonlyRootfs: true,
    Tmpfs: { '/tmp': TMPFS, ...(spec.image !== undefined && { '/run': TMPFS }), ...(!kept && { [HOME]: TMPFS }) },
    IpcMode: 'private',
    NetworkMode: networkOf(spec, place),
    RestartPolicy: { Name: 'no' },
    Init: mode === 'main',
    // What a stdio server says is between it and its clients, and would fill the disk.
    LogConfig:
      port === undefined
        ? { Type: 'none', Config: {} }
        : { Type: 'local', Config: { 'max-size': '1m', 'max-file': '2' } },
    ...(kept && {
      Mounts: [{ Type: 'volume', Source: place.name, Target: HOME, VolumeOptions: volumeOptions(spec, place) }],
    }),
    ...(port !== undefined &&
      network === 'full' && {
        PortBindings: { [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: '' }] },
      }),
    ...limitsOf(spec),
    ...(spec.limits?.memory !== undefined && { MemorySwap: limitsOf(spec).Memory }),
    ...(files !== undefined && { Ulimits: [{ Name: 'nofile', Soft: files, Hard: files }] }),
  };
}

function networkOf({ isolation }: LaunchSpec, { network }: Place): string {
  return isolation?.network === 'none' ? 'none' : network;
}

/** In Docker's words; what is not declared is not limited. */
function limitsOf({ limits: { cpu, memory, pids } = {} }: LaunchSpec): Limits {
  return {
    ...(memory !== undefined && { Memory: Math.max(memory, 6 * MEBIBYTE) }),
    ...(cpu !== undefined && { NanoCpus: Math.round(cpu * 1e9) }),
    ...(pids !== undefined && { PidsLimit: pids }),
  };
}

function volumeOptions(spec: LaunchSpec, { owner }: Place) {
  const Labels = { [labels.owner]: owner, [labels.instance]: spec.id, [labels.server]: spec.server };
  return { NoCopy: false, Labels, DriverConfig: { Name: 'local', Options: {} } };
}

function variablesOf(spec: LaunchSpec, place: Place, port: number | undefined): { argv: string[]; env: string[] } {
  const given = port === undefined ? {} : { PORT: String(port) };
  const own = { HOME, TMPDIR: '/tmp', LANG: 'C.UTF-8' };
  const base = { ...Object.fromEntries(place.imageEnv.map(named)), ...own, ...given };
  const declared = { ...expandEnvironment(spec.env, { base, literal: spec.secrets }), ...given };
  const added = { ...own, ...declared };
  return {
    argv: [...runnerOf(spec), ...spec.argv.map(text => expand(text, { ...base, ...declared }))],
    env: Object.entries(added).map(([name, value]) => `${name}=${value}`),
  };
}

/** The program of the runner images that becomes a package's server. */
function runnerOf({ package: source }: LaunchSpec): string[] {
  return source ? ['mcpctl-package', 'run', source.identifier] : [];
}

/** What installs a package before, when it is not there. */
function installerOf({ package: source }: LaunchSpec): string[] | undefined {
  return source && ['mcpctl-package', 'install', ...packageArguments(source)];
}

function named(variable: string): [string, string] {
  const at = variable.indexOf('=');
  return at === -1 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)];
}
