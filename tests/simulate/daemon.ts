import {
  createPrepare,
  createReconciler,
  openStateStore,
  type Reconciler,
  type ReconcilerEvent,
  type Status,
} from '../../reconciler/index.ts';
import type { Prepare } from '../../reconciler/instances/index.ts';
import { type Connection, openMemoryRuntime } from '../../reconciler/runtimes/index.ts';
import { seededRandom } from '../seeded-random.ts';
import type { Behaviour } from './declared.ts';
import { lyingRuntime } from './lying-runtime.ts';
import { type Peer, simulatedConnect } from './network.ts';
import { type Started, simulatedPrograms } from './programs.ts';
import { simulatedMirror, simulatedReader } from './remote.ts';
import type { VirtualClock } from './virtual-clock.ts';
import { eventLine, OWNER, type World } from './world.ts';

/** One life of the daemon: the real reconciler, on a world that is not. */
export interface Daemon {
  readonly reconciler: Reconciler;
  /** As it was told last. */
  readonly status: Status;
  /** Ids of what is being started, or may be without anybody being told. */
  readonly starting: ReadonlySet<string>;
  /** When the loop last asked for the newest commit. Ticks. */
  readonly lastFetch: number;
  readonly alive: boolean;
  /** `kill -9`: from now on it does nothing, and nothing reaches it. */
  kill(): void;
  /** End it as it should be ended. */
  close(leave: boolean): Promise<void>;
}

/** What a daemon of the world does is watched by those who know what it must not do. */
export interface DaemonWatch {
  onEvent(event: ReconcilerEvent): void;
  onStart(started: Started): void;
  /** What is ended must have been started by one of ours. */
  onRemove(id: string, startedByUs: boolean): void;
}

const POLL_MS = 30_000;
/** Shorter than by default, so that a run does not consist of waiting. */
const BACKOFF = { windowMs: 60_000, delaysMs: [10_000, 10_000, 10_000, 60_000], jitter: 0.1 };

/** Started by any daemon of a world. */
const everStarted = new WeakMap<World, Set<string>>();

export function startDaemon(world: World, seed: number, watch: DaemonWatch): Daemon {
  const { machine, faults, remote, env, trace } = world;
  let alive = true;
  let lastFetch = world.clock.ticks();
  const starting = new Set<string>();
  const started = everStarted.get(world) ?? new Set<string>();
  everStarted.set(world, started);
  const clock = mortal(world.clock, () => alive);
  const store = openStateStore(world.stateFile);
  const peers = new WeakMap<object, Peer>();

  const runtime = openMemoryRuntime({
    // What a killed daemon was about to start is not started.
    machine: { ...machine, start: options => (alive ? machine.start(options) : dead()) },
    owner: OWNER,
    programs: simulatedPrograms(world.clock, watch.onStart),
  });
  const lying = lyingRuntime(runtime, faults.runtime, clock, {
    onEnsure(spec) {
      trace.add(`runtime: ensure ${spec.id} ${spec.argv.slice(1).join(' ')}`);
      starting.add(spec.id);
      started.add(spec.id);
    },
    onEnsured: ({ id }) => void starting.delete(id),
    onRemove(id) {
      trace.add(`runtime: remove ${id}`);
      watch.onRemove(id, started.has(id));
    },
    onConnection(connection, id) {
      const unit = machine.find({ id, owner: OWNER });
      if (!unit) return;
      const gone = unit.exited.then(() =>
        alive && faults.runtime.exits === 'told' ? undefined : new Promise(() => {}),
      );
      const behaviour = unit.spec.argv[1] as Behaviour;
      peers.set(connection, { id, behaviour, alive: () => unit.state === 'running', gone });
    },
  });
  const mirror = simulatedMirror(remote, faults.source, clock, () => {
    lastFetch = world.clock.ticks();
  });
  const reader = simulatedReader(remote, faults.source, clock);
  const sources = { env, home: '/nowhere', stateDir: '/nowhere' };
  const packages = { install: async () => dead() };
  const prepare = createPrepare({ packages, reader, secrets: sources, runtime: 'memory' });
  const hanging: Prepare = async (...what) => {
    if (faults.prepare === 'hangs') return new Promise(() => {});
    await clock.sleep(5);
    return prepare(...what);
  };
  const reconciler = createReconciler({
    repository: { display: 'simulated', ref: 'refs/heads/main', path: '', mode: 'open' },
    mirror,
    reader,
    store,
    runtime: lying,
    prepare: hanging,
    pollMs: POLL_MS,
    backoff: BACKOFF,
    concurrency: 2,
    clock,
    random: seededRandom(seed),
    connect: simulatedConnect(
      (connection, server) => peers.get(connection) ?? elsewhere(connection, server),
      faults.network,
      clock,
    ),
    log(event) {
      if (!alive) return;
      trace.add(eventLine(event));
      watch.onEvent(event);
    },
  });
  let status = reconciler.status();
  reconciler.onStatus(now => {
    status = now;
  });
  reconciler.start();

  return {
    reconciler,
    get status() {
      return status;
    },
    starting,
    get lastFetch() {
      return lastFetch;
    },
    get alive() {
      return alive;
    },
    kill() {
      alive = false;
      store.close();
    },
    async close(leave) {
      await reconciler.close({ leave });
      alive = false;
      store.close();
    },
  };
}

/** A server that runs elsewhere, and for ever. */
function elsewhere(connection: Connection, server: string): Peer | undefined {
  if (connection.kind !== 'http') return undefined;
  const behaviour = new URL(connection.url).searchParams.get('how') as Behaviour;
  return { id: server, behaviour, alive: () => behaviour !== 'crash', gone: new Promise(() => {}) };
}

/** A clock that wakes nobody any more who has died meanwhile. */
function mortal(clock: VirtualClock, alive: () => boolean): VirtualClock {
  return {
    ...clock,
    sleep: async (ms, signal) => {
      await clock.sleep(ms, signal);
      return alive() ? undefined : new Promise<never>(() => {});
    },
  };
}

function dead(): never {
  throw new Error('the daemon is dead');
}
