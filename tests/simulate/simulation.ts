import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../seeded-random.ts';
import { applyAction, endFaults, type Hands, scenarioOf, TROUBLE_MS } from './actions.ts';
import { mended } from './commits.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { type Declared, variableOf } from './declared.ts';
import { createInvariants, type Invariants, notYet } from './invariants.ts';
import { settled } from './virtual-clock.ts';
import { addForeign, createWorld, type Violation, type World } from './world.ts';

export interface Outcome {
  seed: number;
  /** How many actions there were. */
  actions: number;
  violation: Violation | undefined;
  trace: readonly string[];
  digest: string;
  events: number;
  /** From the end of the last fault until all was as declared. Virtual milliseconds. */
  convergedMs: number;
}

/** After the last fault, all is as declared within this time. Virtual milliseconds. */
const CONVERGES_MS = 1_200_000;
/** And stays so. */
const STAYS_MS = 70_000;
/** More events than this are no run but a loop. */
const MAX_EVENTS = 60_000;
/** A daemon that is told to end ends within this time. */
const CLOSES_MS = 120_000;

/**
 * One run: everything that follows from a seed. No time passes but the clock's own, so that the same seed gives the same
 * trace.
 * @param options.actions only so many of its actions, to find out which one matters
 */
export async function simulate(seed: number, options: { actions?: number } = {}): Promise<Outcome> {
  const folder = mkdtempSync(join(inMemory(), 'mcpctl-simulated-'));
  const { first, actions: all } = scenarioOf(seed);
  const actions = all.slice(0, options.actions);
  const world = createWorld(first, folder);
  const crashed = (error: unknown) => world.violated('crash', `${error instanceof Error ? error.stack : error}`);
  process.on('unhandledRejection', crashed).on('uncaughtException', crashed);
  const operator = createOperator(world, seed, await addForeign(world, [...first.servers.keys()].slice(0, 2)));
  try {
    for (const name of first.servers.keys()) world.env[variableOf(name)] = `secret of ${name}`;
    for (const action of actions) {
      void world.clock.sleep(action.at).then(() => {
        world.trace.add(`► ${action.what}: ${applyAction(world, action, operator.hands)}`);
      });
    }
    operator.start();
    const { events, convergedMs } = await run(world, operator);
    const { lines: trace, digest } = world.trace;
    return {
      seed,
      actions: actions.length,
      violation: world.violations[0],
      trace,
      digest: digest(),
      events,
      convergedMs,
    };
  } finally {
    process.off('unhandledRejection', crashed).off('uncaughtException', crashed);
    operator.daemon?.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(world: World, operator: Operator): Promise<{ events: number; convergedMs: number }> {
  const { clock } = world;
  let converged: number | undefined;
  void clock.sleep(TROUBLE_MS).then(() => operator.mend());
  for (let events = 0; events < MAX_EVENTS; events++) {
    await settled();
    operator.check();
    const over = clock.ticks() - TROUBLE_MS;
    const missing = operator.mended ? notYet(world, operator.daemon) : 'it is not over';
    if (missing !== undefined) {
      converged = undefined;
      if (over > CONVERGES_MS) world.violated('converges', `after ${over / 1000} s ${missing}`);
    } else {
      converged ??= over;
      if (over - converged > STAYS_MS) return { events, convergedMs: converged };
    }
    if (world.violations.length > 0) return { events, convergedMs: -1 };
    if (!clock.advance()) world.violated('stuck', 'nobody waits for anything any more');
  }
  world.violated('stuck', `there were ${MAX_EVENTS} events and no end`);
  return { events: MAX_EVENTS, convergedMs: -1 };
}

/** The one who has the daemon in hand. */
interface Operator {
  readonly daemon: Daemon | undefined;
  readonly mended: boolean;
  readonly hands: Hands;
  start(): void;
  check(): void;
  /** End all faults, push a commit in which nothing is wrong, and allow what it removes. */
  mend(): void;
}

function createOperator(world: World, seed: number, foreign: readonly string[]): Operator {
  const random = seededRandom(seed ^ 0x5eed);
  const invariants = createInvariants(world, foreign);
  let daemon: Daemon | undefined;
  let lives = 0;
  let closing: { since: number } | undefined;
  let isMended = false;

  function start(): void {
    closing = undefined;
    lives += 1;
    world.trace.add(`the daemon starts, life ${lives}`);
    daemon = startDaemon(world, seed * 1_000 + lives, invariants);
  }

  function kill(downMs: number): void {
    if (!daemon?.alive) return;
    daemon.kill();
    daemon = undefined;
    closing = undefined;
    void world.clock.sleep(downMs).then(start);
  }

  async function restart(leave: boolean): Promise<void> {
    const ending = daemon;
    if (!ending?.alive || closing) return;
    closing = { since: world.clock.ticks() };
    await ending.close(leave);
    // It may have been killed meanwhile.
    if (daemon === ending) start();
  }

  return {
    get daemon() {
      return daemon;
    },
    get mended() {
      return isMended && !closing;
    },
    start,
    check() {
      invariants.check(closing ? undefined : daemon);
      if (closing && world.clock.ticks() - closing.since > CLOSES_MS)
        world.violated('stuck', 'the daemon does not end');
      if (isMended && !closing && daemon?.alive) letGo(world, daemon, invariants);
    },
    mend() {
      endFaults(world);
      isMended = true;
      const { oid } = world.remote.push(mended(lastGood(world), random() < 0.5));
      world.trace.add(`► all is mended: ${oid.slice(0, 7)}`);
    },
    hands: {
      poke: () => daemon?.reconciler.poke(),
      kill,
      restart: leave => void restart(leave),
      call: server => void call(world, daemon, server, invariants),
      byHand(what, server) {
        if (!daemon?.alive || closing) return;
        const { reconciler } = daemon;
        if (what === 'retry') reconciler.retryNow();
        else if (what === 'restart') reconciler.restart(server);
        else reconciler.suspend(server, what === 'suspend');
      },
    },
  };
}

/** Allow what waits for a person. */
function letGo({ remote }: World, { reconciler, status }: Daemon, invariants: Invariants): void {
  const { servers, prune } = status;
  for (const { name, suspendedSince } of servers) if (suspendedSince !== undefined) reconciler.suspend(name, false);
  // A spec that was given up because of a fault is only tried again when somebody asks for it.
  for (const { name, rollout } of servers) if (rollout?.state === 'RolledBack') reconciler.restart(name);
  if (prune?.held?.commit !== remote.head.oid) return;
  invariants.allowed(prune.held.commit);
  reconciler.allowPrune(prune.held.commit);
}

/** What may be wanted in the end: the newest commit that declares something. */
function lastGood({ remote }: World): Declared {
  const good = [...remote.commits.values()].filter(({ declared }) => !declared.refused && declared.servers.size > 0);
  return good.at(-1)?.declared ?? remote.head.declared;
}

async function call(world: World, daemon: Daemon | undefined, server: string, invariants: Invariants): Promise<void> {
  const served = daemon?.reconciler.project('all')?.servers.find(({ name }) => name === server);
  if (!daemon || !served) return;
  const upstream = await served.upstream(3_000).catch((error: Error) => error);
  if (!daemon.alive) return;
  if (upstream instanceof Error) {
    world.trace.add(`call of ${server}: ${upstream.message}`);
    return;
  }
  const instance = upstream.serverInfo?.name ?? '';
  invariants.called(daemon, server, instance);
  const result = await upstream.request('tools/call', { name: 'works' }, { timeoutMs: 4_000 }).catch(() => 'lost');
  world.trace.add(`call of ${server} to ${instance}: ${result === 'lost' ? 'lost' : 'answered'}`);
}

/** Nothing of a run is worth a disk's time. */
function inMemory(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}
