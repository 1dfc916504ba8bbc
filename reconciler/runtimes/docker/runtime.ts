import { stripVTControlCharacters } from 'node:util';
import type Docker from 'dockerode';
import { type Clock, redact, systemClock } from '../../../host/index.ts';
import { asProblem, type Problem, ProblemError, problem } from '../../../schema/index.ts';
import { createEventBus } from '../event-bus.ts';
import { howItEnded } from '../exit-words.ts';
import { noSuchInstance } from '../no-such-instance.ts';
import { createQueues } from '../queues.ts';
import type { EnsureResult, LaunchSpec, Observed, Runtime } from '../runtime.ts';
import { connectDocker, dockerProblem, dockerStatus } from './client.ts';
import { type DockerEvent, type EventWatch, watchEvents } from './events.ts';
import { execIn } from './exec.ts';
import { observedOf, whyNotAdoptable } from './fitness.ts';
import { Found, labelOf } from './found.ts';
import type { DockerInstance } from './instance.ts';
import { endOthers, join, planOf, startContainer, type Yard } from './launch.ts';
import { createNetworks } from './network.ts';
import { hasOwner, labels, ownerOf } from './owner.ts';

export interface DockerRuntimeOptions {
  /** Whose containers are ours is written there. */
  stateDir: string;
  /** DOCKER_HOST is read of it, and MCPCTL_RUNNER_NODE and MCPCTL_RUNNER_PYTHON: other images for the runners. */
  env: NodeJS.ProcessEnv;
  clock?: Clock;
  /** Between SIGTERM and SIGKILL; 5000 unless given. */
  graceMs?: number;
}

const INSTANCE_ID = /^[a-z0-9][a-z0-9-]{0,100}$/;
const MAX_LOG_LINES = 200;

/**
 * Instances as containers: without privileges, with a root that cannot be written, on a network of our own. They go on
 * without the daemon, and the next one adopts them. Nothing is asked of Docker before the first instance.
 */
export function openDockerRuntime(options: DockerRuntimeOptions): Runtime {
  const { stateDir, env, clock = systemClock, graceMs = 5_000 } = options;
  const { inTurn, busy } = createQueues();
  const bus = createEventBus();
  const known = new Map<string, DockerInstance>();
  /** Containers that we started. */
  const made = new Set<string>();
  /** Containers that we end: what happens to them is no news. */
  const ending = new Set<string>();
  /** Those of them whose end was asked for. */
  const asked = new Set<string>();
  let yard: Promise<Yard & { events: EventWatch }> | undefined;
  let closed = false;

  function openYard(): Promise<Yard & { events: EventWatch }> {
    yard ??= open().catch(error => {
      yard = undefined;
      throw error;
    });
    return yard;
  }

  async function open(): Promise<Yard & { events: EventWatch }> {
    const docker = await connectDocker(env);
    const owner = await ownerOf(stateDir);
    const events = watchEvents(docker, owner, clock, {
      event: event => void heard(event).catch(() => undefined),
      returned: () => void lookAround().catch(() => undefined),
    });
    await events.ready;
    const runners = {
      node: env.MCPCTL_RUNNER_NODE ?? 'mcpctl/runner-node',
      python: env.MCPCTL_RUNNER_PYTHON ?? 'mcpctl/runner-python',
    };
    return {
      docker,
      owner,
      runners,
      events,
      networks: createNetworks(docker, owner),
      made: container => void made.add(container),
      async putAway(container) {
        ending.add(container);
        await docker
          .getContainer(container)
          .kill()
          .catch(() => undefined);
      },
    };
  }

  /** Every container with our kind of labels; `id`: only those of one instance, and only ours. */
  async function find({ docker, owner }: Yard, id?: string): Promise<Found[]> {
    const label = id === undefined ? [labels.owner] : [`${labels.owner}=${owner}`, `${labels.instance}=${id}`];
    try {
      const all = await docker.listContainers({ all: true, filters: { label } });
      const found = await Promise.all(all.map(({ Id }) => inspect(docker, Id)));
      return found.flatMap(one => one ?? []);
    } catch (error) {
      throw dockerProblem(error, 'the containers');
    }
  }

  // ── what happens behind our back ──

  async function heard({ Action, Actor }: DockerEvent): Promise<void> {
    if (ending.has(Actor.ID) || (Action === 'start' && made.has(Actor.ID))) return;
    const id = Actor.Attributes[labels.instance] ?? '';
    const instance = known.get(id)?.container === Actor.ID ? known.get(id) : undefined;
    const { docker } = await openYard();
    const found = Action === 'destroy' ? undefined : await inspect(docker, Actor.ID);
    switch (Action) {
      case 'die':
        return ended(instance, found);
      case 'destroy':
        instance?.settle(undefined, 'somebody removed its container');
        return bus.tell({ type: 'removed', id, reason: 'somebody removed its container' });
      default:
        if (ending.has(Actor.ID)) return;
        bus.tell({ type: 'changed', id, reason: changeOf(Action, found) });
    }
  }

  function ended(instance: DockerInstance | undefined, found: Found | undefined): void {
    if (!instance) return;
    if (found) instance.settle(found);
    else instance.settle(undefined, 'somebody removed its container');
  }

  /** The daemon was away: what became of the instances that we know? */
  async function lookAround(): Promise<void> {
    for (const instance of [...known.values()]) await lookAt(instance);
    bus.tell({ type: 'returned', id: '', reason: 'Docker answers again' });
  }

  // ── what we do ──

  function keep(instance: DockerInstance): DockerInstance {
    const { id, container } = instance;
    known.set(id, instance);
    void instance.exited.then(exit => {
      if (known.get(id) === instance) known.delete(id);
      if (!asked.has(container)) bus.tell({ type: 'exited', id, reason: howItEnded(exit) });
    });
    // What ends at once may have ended before it was known here, and Docker tells it once.
    void lookAt(instance).catch(() => undefined);
    return instance;
  }

  async function lookAt(instance: DockerInstance): Promise<void> {
    const { docker } = await openYard();
    const found = await inspect(docker, instance.container);
    if (!found?.State.Running) ended(instance, found);
  }

  async function ensure(spec: LaunchSpec): Promise<EnsureResult> {
    if (closed) return refusal(spec, 'mcpctl is stopping');
    if (!INSTANCE_ID.test(spec.id)) return refusal(spec, 'its id is not a plain name');
    const forbidden = whyForbidden(spec);
    if (forbidden) return { problem: forbidden };
    const place = await openYard();
    const found = await find(place, spec.id);
    const [only] = found;
    const adoptable =
      found.length === 1 &&
      only &&
      labelOf(only, 'spec') === spec.specDigest &&
      !whyNotAdoptable(only, spec.ignoreFields);
    if (adoptable) {
      const present = known.get(spec.id);
      if (present?.container === only.Id) return present;
    }
    const plan = await planOf(place, spec);
    if (adoptable && labelOf(only, 'image') === plan.options.Image) {
      return keep(await join(place, spec, plan, place.docker.getContainer(only.Id), { adopted: true }));
    }
    await stop(spec.id);
    if (closed) return refusal(spec, 'mcpctl is stopping');
    return keep(await startContainer(place, spec, plan));
  }

  async function stop(id: string): Promise<void> {
    if (!yard && !hasOwner(stateDir)) return;
    const place = await openYard();
    for (const found of await find(place, id)) await end(place.docker, found);
  }

  /** Ask, wait, remove: the container, and the volumes that have no name. */
  async function end(docker: Docker, found: Found): Promise<void> {
    const container = docker.getContainer(found.Id);
    const instance = known.get(labelOf(found, 'instance'));
    ending.add(found.Id);
    asked.add(found.Id);
    // No signal reaches what is paused, not even the last one.
    if (found.State.Paused) await container.unpause().catch(() => undefined);
    if (found.State.Running && !found.State.Paused) {
      instance?.hangUp();
      const polite = instance ? instance.exited : Promise.resolve();
      await askToEnd(container);
      const patience = new AbortController();
      const died = container.wait().catch(() => undefined);
      await Promise.race([polite, died, clock.sleep(graceMs, patience.signal)]);
      patience.abort();
    }
    await container.remove({ force: true, v: true }).catch((error: unknown) => {
      if (dockerStatus(error) !== 404 && dockerStatus(error) !== 409)
        throw dockerProblem(error, `removing ${found.Id}`);
    });
    if (instance?.container === found.Id) {
      instance.settle(undefined);
      await instance.exited;
    }
  }

  function guard<T>(work: () => Promise<T>): Promise<T | { problem: Problem }> {
    return work().catch((error: unknown) => {
      return { problem: error instanceof ProblemError ? error.problem : asProblem(dockerProblem(error, 'Docker')) };
    });
  }

  async function observed(): Promise<Observed[]> {
    if (!yard && !hasOwner(stateDir)) return [];
    const place = await openYard();
    return (await find(place)).map(found => observedOf(found, place.owner));
  }

  return {
    name: 'docker',
    list: observed,
    ensure: spec => inTurn(spec.id, () => guard(() => ensure(spec))),
    async connect(id) {
      const instance = known.get(id);
      return instance ? guard(() => instance.connect()) : { problem: noSuchInstance(id) };
    },
    async logs(id) {
      const instance = known.get(id);
      if (instance) return instance.logs();
      if (!yard && !hasOwner(stateDir)) return [];
      const place = await openYard();
      const [found] = await find(place, id);
      return found ? keptLines(place.docker.getContainer(found.Id)) : [];
    },
    async exec(id, argv, { timeoutMs }) {
      const instance = known.get(id);
      if (!instance) return { problem: noSuchInstance(id) };
      return guard(async () => execIn((await openYard()).docker.getContainer(instance.container), id, argv, timeoutMs));
    },
    watch: bus.listen,
    remove: id => inTurn(id, () => stop(id)),
    reap: async () => [],
    async close({ leave = false } = {}) {
      closed = true;
      const place = await yard?.catch(() => undefined);
      const ids = new Set([...known.keys(), ...busy()]);
      if (!leave && (place || hasOwner(stateDir))) {
        for (const { id, owned } of await observed().catch(() => [])) if (owned) ids.add(id);
      }
      await Promise.all([...ids].map(id => inTurn(id, async () => leave || stop(id).catch(() => undefined))));
      for (const instance of known.values()) instance.release();
      place?.events.stop();
    },
  };
}

async function inspect(docker: Docker, container: string): Promise<Found | undefined> {
  try {
    return Found.parse(await docker.getContainer(container).inspect());
  } catch (error) {
    if (dockerStatus(error) === 404) return undefined;
    throw error;
  }
}

/** SIGTERM to the server: the first process, or what runs beside a sleeping one. */
async function askToEnd(container: Docker.Container): Promise<void> {
  const { Config } = await container.inspect();
  const idle = Config.OpenStdin === false && Config.Entrypoint?.[0] === '/bin/sh';
  await (idle ? endOthers(container, 'TERM') : container.kill({ signal: 'SIGTERM' })).catch(() => undefined);
}

/** What Docker kept of a container's output, where it keeps any. */
async function keptLines(container: Docker.Container): Promise<string[]> {
  const text = await container.logs({ stdout: true, stderr: true, tail: MAX_LOG_LINES }).catch(() => '');
  const lines = stripVTControlCharacters(text.toString()).split('\n');
  return lines.filter(line => line !== '').map(line => redact(line, [], 2_048));
}

function changeOf(action: string, found: Found | undefined): string {
  if (action === 'pause') return 'somebody paused it';
  if (action === 'update') return 'somebody changed its limits';
  return (found && whyNotAdoptable(found)) ?? 'somebody started it';
}

/** What a container is never given, whatever is declared. */
function whyForbidden(spec: LaunchSpec): Problem | undefined {
  const resource = `server/${spec.server}`;
  const [path] = spec.isolation?.paths ?? [];
  if (path)
    return problem('ISOLATION_IMPOSSIBLE', `${spec.id} wants ${path.path} of the host, which no container is given`, {
      resource,
    });
  if (spec.isolation?.network === 'none' && spec.transport !== 'stdio') {
    return problem('ISOLATION_IMPOSSIBLE', `${spec.id} has no network, and could not be reached`, { resource });
  }
  return undefined;
}

function refusal(spec: LaunchSpec, reason: string): { problem: Problem } {
  const resource = `server/${spec.server}`;
  return { problem: problem('SERVER_EXITED', `${spec.id} was not started: ${reason}`, { resource }) };
}
