import { seededRandom } from '../seeded-random.ts';
import { firstDeclared, nextDeclared, pick } from './commits.ts';
import { type Declared, variableOf } from './declared.ts';
import { honest, type RuntimeFaults } from './lying-runtime.ts';
import { OWNER, type World } from './world.ts';

/** Something that happens to the world. What exactly, the numbers of its own seed say, so that none depends on another. */
export interface Action {
  at: number;
  what: string;
  seed: number;
}

export interface Scenario {
  first: Declared;
  actions: readonly Action[];
}

/** What an action may do besides changing the world. */
export interface Hands {
  poke(): void;
  /** End the daemon at once, and start it again later. */
  kill(downMs: number): void;
  /** End it as it should be, and start it again. */
  restart(leave: boolean): void;
  call(server: string): void;
  byHand(what: 'retry' | 'restart' | 'suspend' | 'resume', server: string): void;
}

type Apply = (world: World, random: () => number, hands: Hands) => string;

/** For so long, things happen. Milliseconds. */
export const TROUBLE_MS = 480_000;

/** How often each happens, compared with the others. */
const kinds: Record<string, [weight: number, apply: Apply]> = {
  commit: [12, commit],
  revert: [2, revert],
  'force-push': [2, forcePush],
  kill: [3, killDaemon],
  restart: [2, restartDaemon],
  'machine reboots': [1, reboot],
  'instance dies': [6, instanceDies],
  'instance is paused': [2, instancePaused],
  runtime: [8, runtimeFault],
  network: [4, networkFault],
  source: [4, sourceFault],
  secrets: [4, secretFault],
  prepare: [2, prepareFault],
  'clock jumps': [1, clockJumps],
  calls: [6, calls],
  'by hand': [2, byHand],
};

/** All that follows from a seed. */
export function scenarioOf(seed: number): Scenario {
  const random = seededRandom(seed);
  const first = firstDeclared(random);
  const bag = Object.entries(kinds).flatMap(([what, [weight]]) => Array.from({ length: weight }, () => what));
  const count = 6 + Math.floor(random() * 22);
  const actions = Array.from({ length: count }, () => ({
    at: Math.floor(random() * TROUBLE_MS),
    what: pick(random, bag),
    seed: Math.floor(random() * 2 ** 31),
  }));
  return { first, actions: actions.sort((a, b) => a.at - b.at) };
}

/** Let it happen. @returns what happened, in words */
export function applyAction(world: World, { what, seed }: Action, hands: Hands): string {
  return kinds[what]?.[1](world, seededRandom(seed), hands) ?? 'nothing';
}

/** Nothing is wrong any more with what the daemon needs. */
export function endFaults({ faults, env, remote }: World): void {
  Object.assign(faults.runtime, honest);
  Object.assign(faults.source, { git: 'none', reader: 'none' });
  faults.network.partitioned.clear();
  faults.network.slowMs = 0;
  faults.prepare = 'answers';
  for (const commit of remote.commits.values()) {
    for (const server of commit.declared.servers.keys()) env[variableOf(server)] = `secret of ${server}`;
  }
}

function commit({ remote, env }: World, random: () => number, hands: Hands): string {
  const { what, declared } = nextDeclared(random, remote.head.declared);
  const { oid } = remote.push(declared);
  for (const name of declared.servers.keys()) if (random() < 0.9) env[variableOf(name)] ??= `secret of ${name}`;
  if (random() < 0.7) hands.poke();
  return `${what}: ${oid.slice(0, 7)}`;
}

function revert({ remote }: World, random: () => number, hands: Hands): string {
  const old = pick(random, [...remote.commits.values()]);
  const { oid } = remote.push(old.declared);
  hands.poke();
  return `to what ${old.oid.slice(0, 7)} was, ${oid.slice(0, 7)}`;
}

function forcePush({ remote }: World, random: () => number, hands: Hands): string {
  const old = pick(random, [...remote.commits.values()]);
  if (random() < 0.5) remote.reset(old);
  else remote.push(nextDeclared(random, old.declared).declared, old);
  hands.poke();
  return `${remote.head.oid.slice(0, 7)}, not after what was there`;
}

function killDaemon(_world: World, random: () => number, hands: Hands): string {
  const ms = Math.floor(random() * 20_000);
  hands.kill(ms);
  return `the daemon, for ${ms} ms`;
}

function restartDaemon(_world: World, random: () => number, hands: Hands): string {
  const leave = random() < 0.5;
  hands.restart(leave);
  return leave ? 'leaving what runs' : 'ending what runs';
}

function reboot({ machine }: World, _random: () => number, hands: Hands): string {
  hands.kill(5_000);
  for (const unit of machine.units()) if (unit.owner === OWNER) unit.kill();
  return 'with all of ours';
}

function instanceDies({ machine }: World, random: () => number): string {
  const running = machine.units().filter(({ owner, state }) => owner === OWNER && state === 'running');
  if (running.length === 0) return 'none is there';
  const unit = pick(random, running);
  unit.kill();
  return unit.spec.id;
}

function instancePaused({ machine }: World, random: () => number): string {
  const running = machine.units().filter(({ owner, state }) => owner === OWNER && state === 'running');
  if (running.length === 0) return 'none is there';
  const { id } = pick(random, running).spec;
  machine.pause({ id, owner: OWNER }, true);
  return id;
}

function runtimeFault(world: World, random: () => number): string {
  const fault: Partial<RuntimeFaults> = pick<Partial<RuntimeFaults>>(random, [
    { slowMs: Math.floor(random() * 8_000) },
    { away: true },
    { ensure: 'lost' },
    { ensure: 'unanswered' },
    { ensure: 'refuses' },
    { list: 'forgets' },
    { list: 'hangs' },
    { remove: 'hangs' },
    { remove: 'fails' },
    { connect: 'hangs' },
    { exits: 'untold' },
  ]);
  Object.assign(world.faults.runtime, fault);
  return later(world, random, JSON.stringify(fault), () => {
    for (const key of Object.keys(fault))
      Object.assign(world.faults.runtime, { [key]: honest[key as keyof RuntimeFaults] });
  });
}

function networkFault(world: World, random: () => number): string {
  const { network } = world.faults;
  if (random() < 0.3) {
    network.slowMs = Math.floor(random() * 6_000);
    return later(world, random, `${network.slowMs} ms slower`, () => {
      network.slowMs = 0;
    });
  }
  const servers = [...world.remote.head.declared.servers.keys()];
  const one = world.machine.units().find(({ owner }) => owner === OWNER && random() < 0.3)?.spec.id;
  const single = one !== undefined && random() < 0.5 ? [one] : servers.slice(0, 1 + Math.floor(random() * 2));
  const cut = random() < 0.3 ? servers : single;
  for (const server of cut) network.partitioned.add(server);
  return later(world, random, `cut off: ${cut.join(', ')}`, () => {
    for (const server of cut) network.partitioned.delete(server);
  });
}

function sourceFault(world: World, random: () => number): string {
  const { source } = world.faults;
  const which = pick(random, ['git', 'reader'] as const);
  source[which] = pick(random, ['fails', 'hangs'] as const);
  return later(world, random, `${which} ${source[which]}`, () => {
    source[which] = 'none';
  });
}

function secretFault(world: World, random: () => number): string {
  const { env } = world;
  const lost = Object.keys(env).filter(() => random() < 0.5);
  for (const name of lost) random() < 0.5 ? delete env[name] : Object.assign(env, { [name]: '' });
  return later(world, random, `without ${lost.join(', ')}`, () => {
    for (const name of lost) env[name] = `secret of ${name.slice('MCPCTL_SECRET_'.length).toLowerCase()}`;
  });
}

function prepareFault(world: World, random: () => number): string {
  world.faults.prepare = 'hangs';
  return later(world, random, 'never ends', () => {
    world.faults.prepare = 'answers';
  });
}

function clockJumps({ clock }: World, random: () => number): string {
  const ms = Math.floor((random() - 0.5) * 7_200_000);
  clock.jump(ms);
  return `by ${ms} ms`;
}

function calls({ remote, clock }: World, random: () => number, hands: Hands): string {
  const servers = [...remote.head.declared.servers.keys()];
  if (servers.length === 0) return 'none is there';
  const everyMs = Math.floor(random() * 20_000);
  const called = Array.from({ length: 12 }, () => pick(random, servers));
  for (const [index, server] of called.entries()) {
    void clock.sleep(index * everyMs).then(() => {
      for (let turn = 0; turn < 3; turn++) hands.call(server);
    });
  }
  return `every ${everyMs} ms: ${called.join(', ')}`;
}

function byHand({ remote }: World, random: () => number, hands: Hands): string {
  const servers = [...remote.head.declared.servers.keys()];
  if (servers.length === 0) return 'none is there';
  const what = pick(random, ['retry', 'restart', 'suspend', 'resume'] as const);
  const server = pick(random, servers);
  hands.byHand(what, server);
  return `${what} ${server}`;
}

/** A fault lasts a while, and is over when it is. */
function later(world: World, random: () => number, words: string, over: () => void): string {
  const ms = Math.floor(random() ** 2 * TROUBLE_MS);
  void world.clock.sleep(ms).then(() => {
    over();
    world.trace.add(`over: ${words}`);
  });
  return `${words}, for ${ms} ms`;
}
