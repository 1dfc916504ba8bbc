import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { redact } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { LOCK_FILE } from '../package-runner.ts';
import type { LaunchSpec } from '../runtime.ts';
import { dockerProblem, dockerStatus, dockerWords } from './client.ts';
import { type Plan, planContainer } from './container.ts';
import { execIn } from './exec.ts';
import { Found } from './found.ts';
import { findImage } from './image.ts';
import { createDockerInstance, type DockerInstance, type Opened } from './instance.ts';
import type { Networks } from './network.ts';

/** What containers are made with. */
export interface Yard {
  docker: Docker;
  owner: string;
  /** The image that runs packages and commands, by runner. */
  runners: Readonly<Record<'node' | 'python', string>>;
  networks: Networks;
  /** Told of a container before it starts. */
  made(container: string): void;
  /** End a container whose server has ended. */
  putAway(container: string): Promise<void>;
}

const NAME_TRIES = 50;
const NAME_PAUSE_MS = 100;
const INSTALL_MS = 5 * 60_000;
const NOT_EXECUTABLE = /no such file or directory|executable file not found|permission denied|is a directory/i;
const RUNNER_HINT = 'Build the runner images once: see docs/docker.md.';

/** Everything that is decided before anything is made. Throws a ProblemError. */
export async function planOf({ docker, owner, runners, networks }: Yard, spec: LaunchSpec): Promise<Plan> {
  const resource = `server/${spec.server}`;
  const name = spec.image ?? runners[spec.runner ?? 'node'];
  const image = await findImage(docker, name, spec.image === undefined ? RUNNER_HINT : undefined, resource);
  const network = spec.isolation?.network ?? 'full';
  return planContainer(spec, {
    owner,
    name: `mcpctl-${owner.slice(0, 12)}-${spec.id}`,
    image: image.id,
    imageEnv: image.env,
    asRoot: image.asRoot,
    network: network === 'none' ? 'none' : await networks.ensure(network === 'local'),
  });
}

/** Make the container, attach, start it. Nothing is left of one that does not start. Throws a ProblemError. */
export async function startContainer(yard: Yard, spec: LaunchSpec, plan: Plan): Promise<DockerInstance> {
  const resource = `server/${spec.server}`;
  const container = await createContainer(yard.docker, plan).catch((error: unknown) => {
    throw dockerProblem(error, `${spec.id} was not started`, resource);
  });
  yard.made(container.id);
  try {
    await expectLimits(container, plan, spec);
    const attached = plan.mode === 'main' ? await attach(container, plan) : undefined;
    await container.start();
    return await join(yard, spec, plan, container, { adopted: false, ...(attached && { attached }) });
  } catch (error) {
    await container.remove({ force: true, v: true }).catch(() => undefined);
    throw notStarted(error, spec);
  }
}

/** A Docker whose kernel cannot limit something says so in a warning, and goes on without. */
async function expectLimits(container: Docker.Container, { options }: Plan, spec: LaunchSpec): Promise<void> {
  const { HostConfig } = Found.parse(await container.inspect());
  const missing = (['Memory', 'NanoCpus', 'PidsLimit'] as const).find(
    name => options.HostConfig?.[name] !== undefined && HostConfig[name] !== options.HostConfig[name],
  );
  if (missing === undefined) return;
  const words = { Memory: 'memory', NanoCpus: 'processors', PidsLimit: 'processes' }[missing];
  const message = `${spec.id} was not started: this Docker cannot limit its ${words}`;
  throw new ProblemError(problem('RUNTIME_REFUSED', message, { resource: `server/${spec.server}` }));
}

/** Docker gives a name free a moment after it has told of its container's end. */
async function createContainer(docker: Docker, { options }: Plan): Promise<Docker.Container> {
  for (let tries = 0; ; tries++) {
    try {
      return await docker.createContainer(options);
    } catch (error) {
      if (dockerStatus(error) !== 409 || tries >= NAME_TRIES) throw error;
      await sleep(NAME_PAUSE_MS);
    }
  }
}

/** Speak with a container that runs. @param options.attached its streams, when they are open already */
export async function join(
  yard: Yard,
  spec: LaunchSpec,
  plan: Plan,
  container: Docker.Container,
  options: { adopted: boolean; attached?: Opened },
): Promise<DockerInstance> {
  const found = Found.parse(await container.inspect());
  async function open(): Promise<Opened> {
    if (plan.mode === 'main') return attach(container, plan);
    if (plan.install) await install(container, spec, plan.install, plan.env);
    return runInside(container, spec, plan);
  }
  // What an earlier daemon ran in it has lost its streams.
  if (options.adopted && plan.mode === 'idle') await endOthers(container);
  // To install takes its time, in which it has to be possible to end the container.
  const first = options.attached ?? (plan.install ? undefined : await open());
  return createDockerInstance(
    {
      docker: yard.docker,
      id: spec.id,
      specDigest: spec.specDigest,
      container: container.id,
      startedAt: Date.parse(found.State.StartedAt),
      adopted: options.adopted,
      secrets: spec.secrets,
      url: plan.port === undefined ? undefined : urlOf(found, plan.port, spec.path),
      open,
      putAway: () => yard.putAway(container.id),
    },
    first,
  );
}

async function attach(container: Docker.Container, { port }: Plan): Promise<Opened> {
  const stdin = port === undefined;
  const stream = await container.attach({ stream: true, hijack: true, stdin, stdout: true, stderr: true });
  return { stream: stream as Duplex };
}

async function runInside(container: Docker.Container, spec: LaunchSpec, plan: Plan): Promise<Opened> {
  const exec = await container.exec({
    Cmd: [...plan.argv],
    Env: [...plan.env],
    ...(plan.cwd !== undefined && { WorkingDir: plan.cwd }),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({ hijack: true, stdin: true });
  for (;;) {
    const { Running, ExitCode, Pid } = await exec.inspect();
    if (!Running && ExitCode !== null && Pid === 0) throw await refused(stream, spec, plan);
    if (Pid !== 0) break;
    await sleep(5);
  }
  return { stream, ended: async () => endOf(exec) };
}

/** The exit code, which Docker tells a moment after the stream's end. */
async function endOf(exec: Docker.Exec): Promise<number | undefined> {
  for (let tries = 0; tries < 100; tries++) {
    const { Running, ExitCode } = await exec.inspect();
    if (!Running && ExitCode !== null) return ExitCode;
    await sleep(20);
  }
  return undefined;
}

/** Docker writes why it could not run something where the output would be. */
async function refused(stream: Duplex, spec: LaunchSpec, plan: Plan): Promise<ProblemError> {
  let said = '';
  stream.on('data', chunk => {
    said = `${said}${String(chunk)}`.slice(0, 2_000);
  });
  await Promise.race([new Promise(resolve => stream.once('end', resolve)), sleep(1_000)]);
  stream.destroy();
  const words = said.replace(/^[^O]*(?=OCI)/, '').trim();
  const more = { resource: `server/${spec.server}` };
  return new ProblemError(problem('SERVER_BINARY_MISSING', `${spec.id}: ${plan.argv[0]}: ${words}`, more));
}

/** Install its package, unless it is there. Throws a ProblemError with the installer's own words. */
async function install(
  container: Docker.Container,
  spec: LaunchSpec,
  argv: readonly string[],
  env: readonly string[],
): Promise<void> {
  const { id, server, secrets, package: source } = spec;
  if (source?.lock) await putFile(container, LOCK_FILE, source.lock);
  // Nothing of it needs the server's secrets, and the package's scripts shall not have them.
  const open = env.filter(variable => !secrets.some(secret => secret !== '' && variable.includes(secret)));
  const done = await execIn(container, id, argv, INSTALL_MS, open);
  const resource = `server/${server}`;
  if ('problem' in done) throw new ProblemError({ ...done.problem, resource });
  if (done.code === 0) return;
  const lines = done.stderr.split('\n').filter(line => line.trim() !== '' && !/complete log of this run/.test(line));
  const words = redact(lines.slice(-4).join('; ') || `it ended with ${done.code}`, secrets, 600);
  const message = `installing ${source?.identifier}@${source?.version}: ${words}`;
  throw new ProblemError(problem('PACKAGE_INSTALL_FAILED', message, { resource }));
}

async function putFile(container: Docker.Container, path: string, content: Uint8Array): Promise<void> {
  const exec = await container.exec({
    Cmd: ['/bin/sh', '-c', 'cat > "$1"', 'sh', path],
    AttachStdin: true,
    AttachStdout: true,
  });
  const stream = await exec.start({ hijack: true, stdin: true });
  stream.resume();
  const ended = new Promise(resolve => stream.once('end', resolve).once('close', resolve));
  stream.end(content);
  await ended;
}

/** End everything in an idle container but its first process. */
export async function endOthers(container: Docker.Container, signal = 'KILL'): Promise<void> {
  const exec = await container.exec({ Cmd: ['/bin/sh', '-c', `kill -${signal} -1`], AttachStdout: true });
  const stream = await exec.start({ hijack: true });
  stream.resume();
  await new Promise(resolve => stream.once('end', resolve).once('close', resolve));
}

function urlOf(found: Found, port: number, path: string): string | undefined {
  const { Ports, Networks } = found.NetworkSettings;
  const published = Ports?.[`${port}/tcp`]?.[0];
  if (published) return `http://127.0.0.1:${published.HostPort}${path}`;
  const [address] = Object.values(Networks ?? {}).flatMap(({ IPAddress }) => IPAddress || []);
  return address === undefined ? undefined : `http://${address}:${port}${path}`;
}

function notStarted(error: unknown, spec: LaunchSpec): ProblemError {
  if (error instanceof ProblemError) return error;
  const resource = `server/${spec.server}`;
  const words = dockerWords(error);
  if (!NOT_EXECUTABLE.test(words)) return dockerProblem(error, `${spec.id} was not started`, resource);
  return new ProblemError(problem('SERVER_BINARY_MISSING', `${spec.id}: ${words}`, { resource }));
}
