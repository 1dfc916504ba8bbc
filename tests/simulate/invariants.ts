import type { InstanceStatus, ReconcilerEvent, Status } from '../../reconciler/index.ts';
import { holds } from '../../reconciler/index.ts';
import type { Daemon, DaemonWatch } from './daemon.ts';
import { argsOf, budgetOf, type DeclaredServer, WITH_SECRET } from './declared.ts';
import { foreignRuns, OWNER, type World } from './world.ts';

/** Looks at the world after every event, and tells it what must not be. */
export interface Invariants extends DaemonWatch {
  check(daemon: Daemon | undefined): void;
  /** A person has allowed what this commit removes. */
  allowed(commit: string): void;
  /** A call was given to an instance. */
  called(daemon: Daemon, server: string, instance: string): void;
}

/** How long an instance may be in one state, other than Running, before it counts as stuck. Milliseconds. */
const LONGEST: Record<Exclude<InstanceStatus['state'], 'Running' | 'Pending'>, number> = {
  Error: 180_000,
  Starting: 1_300_000,
  Stopping: 130_000,
};
/** The loop asks for the newest commit at least so often, whatever hangs. */
const LONGEST_PASS_MS = 240_000;
/** What a commit may remove without being asked for; the repository is small. */
const PRUNE_BUDGET = 3;

export function createInvariants(world: World, foreign: readonly string[]): Invariants {
  const ceilings = new Map<string, number>();
  const allowed = new Set<string>();
  const since = new Map<string, { key: string; at: number }>();

  function declaredAs(status: Status, server: string): DeclaredServer | undefined {
    const revision = status.servers.find(({ name }) => name === server)?.revision;
    return world.remote.commits.get(revision ?? '')?.declared.servers.get(server);
  }

  /** Never more instances than wanted, and one while it is replaced in turn; what is being ended has its place. */
  function surge(daemon: Daemon, status: Status): void {
    const occupied = Map.groupBy(occupiedIds(world, daemon), id => id.slice(0, id.lastIndexOf('-')));
    for (const server of new Set([...occupied.keys(), ...ceilings.keys(), ...status.servers.map(({ name }) => name)])) {
      const count = occupied.get(server)?.length ?? 0;
      const budget = budgetOf(declaredAs(status, server));
      // An instance between two tries keeps its place, also beside one that cannot be ended.
      const supervised = status.servers.find(({ name }) => name === server)?.instances.map(({ id }) => id) ?? [];
      const held = new Set([...(occupied.get(server) ?? []), ...supervised]).size;
      const ceiling = held <= budget ? budget : Math.max(ceilings.get(server) ?? count, budget);
      if (count > ceiling) {
        world.violated(
          'surge',
          `${server} has ${count} instances (${occupied.get(server)}), and ${ceiling} are allowed`,
        );
      }
      ceilings.set(server, ceiling);
    }
  }

  /** What does not run says why, and by when that will have changed. */
  function stuck(daemon: Daemon, status: Status): void {
    const now = world.clock.ticks();
    if (now - daemon.lastFetch > LONGEST_PASS_MS) world.violated('stuck', 'the loop does not turn any more');
    const seen = new Set<string>();
    for (const server of status.servers) {
      const ready = server.conditions.find(({ type }) => type === 'Ready');
      if (ready?.status !== 'True' && !ready?.message) world.violated('stuck', `${server.name} does not say why`);
      for (const instance of server.instances) {
        seen.add(instance.id);
        const why = stuckBecause(instance, now);
        if (why !== undefined) world.violated('stuck', `${instance.id} is ${instance.state} ${why}`);
      }
    }
    for (const id of since.keys()) if (!seen.has(id)) since.delete(id);
  }

  function stuckBecause(instance: InstanceStatus, now: number): string | undefined {
    const { id, state, attempt, reason, nextRetryAt, deadline, message, problem } = instance;
    const key = `${state} ${instance.since} ${attempt}`;
    const last = since.get(id);
    const at = last?.key === key ? last.at : now;
    since.set(id, { key, at });
    if (state === 'Running') return undefined;
    if (state === 'Pending') {
      return message === undefined && now - at > 1_000 ? 'without saying what it waits for' : undefined;
    }
    if (now - at > LONGEST[state]) return `for ${(now - at) / 1000} s`;
    if (state === 'Error') {
      if (!problem) return 'without a reason';
      return nextRetryAt === undefined && reason !== 'Restarting' ? 'without a time of its next try' : undefined;
    }
    return deadline === undefined ? 'without a deadline' : undefined;
  }

  return {
    allowed: commit => void allowed.add(commit),
    check(daemon) {
      for (const id of foreign) {
        if (!foreignRuns(world, id)) world.violated('unowned', `${id} of somebody else was ended`);
      }
      if (!daemon?.alive) return;
      const { status } = daemon;
      surge(daemon, status);
      stuck(daemon, status);
    },
    onStart({ server, argv, env }) {
      if (argv.includes(WITH_SECRET) && env.TOKEN !== `secret of ${server}`) {
        world.violated('secrets', `${server} was started with ${JSON.stringify(env.TOKEN)} for its secret`);
      }
    },
    onRemove(id, startedByUs) {
      if (!startedByUs) world.violated('unowned', `${id} is to be ended, and none of ours has started it`);
    },
    onEvent(event: ReconcilerEvent) {
      if (event.type !== 'removed') return;
      const declared = world.remote.commits.get(event.commit)?.declared;
      for (const id of event.resources) {
        if (declared?.refused || declared?.servers.has(id.replace('server/', ''))) {
          world.violated('accident', `${id} was removed, and ${event.commit} does not say so`);
        }
      }
      if (event.resources.length > PRUNE_BUDGET && !allowed.has(event.commit)) {
        world.violated(
          'accident',
          `${event.commit} removed ${event.resources.length} resources without being allowed to`,
        );
      }
    },
    called(daemon, server, instance) {
      const all = daemon.reconciler.status().servers.find(({ name }) => name === server)?.instances ?? [];
      const given = all.find(({ id }) => id === instance);
      if (given?.ready === false && all.some(({ ready }) => ready)) {
        world.violated('rotation', `a call was given to ${instance}, which is not ready, while another one is`);
      }
    },
  };
}

/** What is missing until all is as the newest commit says; undefined when nothing is. */
export function notYet(world: World, daemon: Daemon | undefined): string | undefined {
  if (!daemon?.alive) return 'there is no daemon';
  const { status } = daemon;
  const { oid, declared } = world.remote.head;
  if (status.revision.applied !== oid) return `${oid.slice(0, 7)} is not applied: ${sayReady(status)}`;
  if (!holds(status.conditions, 'Ready')) return `not Ready: ${sayReady(status)}`;
  const wanted = [...declared.servers].flatMap(([name, server]) =>
    server.external ? [] : Array.from({ length: server.replicas }, () => [name, ...argsOf(server)].join(' ')),
  );
  const there = world.machine
    .units()
    .filter(({ owner, state }) => owner === OWNER && state !== 'ended')
    .map(({ spec, state }) => `${state === 'running' ? '' : 'paused '}${spec.argv.join(' ')}`);
  const [expected, found] = [wanted.sort().join(', '), there.sort().join(', ')];
  return expected === found ? undefined : `there is ${found}; wanted is ${expected}`;
}

function sayReady({ conditions, servers }: Status): string {
  const own = conditions.find(({ type }) => type === 'Ready');
  const others = servers.flatMap(({ name, instances }) => instances.map(({ id, state }) => `${name}: ${id} ${state}`));
  return `${own?.reason}: ${own?.message} (${others.join(', ')})`;
}

/** Instances that are there, or may be any moment. */
function occupiedIds({ machine }: World, daemon: Daemon): string[] {
  const units = machine.units().filter(({ owner, state }) => owner === OWNER && state !== 'ended');
  return [...new Set([...units.map(({ spec }) => spec.id), ...daemon.starting])];
}
