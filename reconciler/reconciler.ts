import { type Clock, createMetrics, createSlots, systemClock, within } from '../host/index.ts';
import type { Mirror, Reader } from '../repo/index.ts';
import type { ReleaseSource } from '../repo/trust/index.ts';
import { asProblem, type Catalog, type Problem, problem, type Repository, resourceId } from '../schema/index.ts';
import { createBoard } from './board.ts';
import { type DriftPolicy, watchDrift } from './drift.ts';
import type { ReconcilerEvent } from './events.ts';
import { createFollower } from './follow.ts';
import { type Backoff, backoffOf, createFleet, defaultBackoff, type Fleet, type Prepare } from './instances/index.ts';
import { createInventory, type Inventory } from './inventory.ts';
import { createJournal } from './journal.ts';
import { connectUpstream } from './mcp/index.ts';
import { type NotificationOptions, openNotifications } from './notifications/index.ts';
import { servedProject } from './projects.ts';
import { createRejections } from './rejections.ts';
import { LIST_MS, type Observed, type Runtime, type RuntimeName } from './runtimes/index.ts';
import { createService } from './service.ts';
import { createSources, type Sources } from './sources.ts';
import type { StateStore } from './state/index.ts';
import type { Status } from './status.ts';
import { finish, type Pass, type State, type StepContext, steps } from './steps/index.ts';
import { type Facts, summarize } from './summarize.ts';
import { createSuspensions } from './suspensions.ts';
import { createLoopObserver, statusFamilies, type Telemetry } from './telemetry/index.ts';
import { createTurns } from './turns.ts';
import type { ReconcilerView } from './view.ts';

export interface ReconcilerOptions {
  repository: Status['repository'];
  mirror: Mirror;
  reader: Reader;
  /** Follow only signed releases. */
  releases?: ReleaseSource;
  /** Why a commit of the branch must not be followed, as far as it says so of itself. */
  mustNotFollow?(repository: Repository): Promise<Problem | undefined>;
  store: StateStore;
  runtime: Runtime;
  /** Where servers run that name no runtime; as processes unless given. */
  standardRuntime?: RuntimeName;
  /** What is done about instances that somebody changed, unless their Server says; `correct` unless given. */
  drift?: DriftPolicy;
  /** Makes a launch out of a desired instance: secrets, package, arguments. */
  prepare: Prepare;
  /** The environment whose patches take effect; none unless given. */
  environment?: string;
  /** Milliseconds between polls, before ± 10 % jitter. */
  pollMs: number;
  /** How many instances start at the same time. */
  concurrency: number;
  /** How failing starts are waited for, whatever the repository says. */
  backoff?: Backoff;
  clock?: Clock;
  /** From 0 to 1; for what is spread so that many do not act in step. */
  random?(): number;
  /** Connects to an instance; the real one unless given. */
  connect?: typeof connectUpstream;
  /** Milliseconds until a server must have answered `initialize`; 30 000 unless given. */
  initializeTimeoutMs?: number;
  /** Milliseconds that calls under way have to end before their instance does; 10 000 unless given. */
  drainMs?: number;
  /** Who is told by webhook; nobody unless given. */
  notifications?: NotificationOptions;
  /** Where measurements go; nowhere unless given. */
  telemetry?: Telemetry;
  /** Told about every transition worth a line. */
  log?(event: ReconcilerEvent): void;
}

export interface Reconciler extends ReconcilerView {
  start(): void;
  /** Called after every change of the status. Returns the way to stop listening. */
  onStatus(listener: (status: Status) => void): () => void;
  /** Stop the loop and end every instance. */
  close(options?: { leave?: boolean }): Promise<void>;
}

/**
 * The loop: each pass follows the repository, decides what goes into service, plans, and sets it in motion. What is in
 * service is only ever replaced as a whole; a step that fails leaves it as it was.
 */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { store, clock = systemClock } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const { random = Math.random } = options;
  const turns = createTurns(clock, options.pollMs, random);
  const { telemetry = { metrics: createMetrics() } } = options;
  const observer = createLoopObserver(telemetry, options.repository.ref);
  const journal = createJournal(clock, options.log);
  const state = freshState(store);
  const sources = createSources();
  const inventory = createInventory(options.runtime, store.inventory, clock, (server, failed) => {
    if (failed) journal.log({ type: 'problem', problem: failed });
    else fleet.madeRoom(server);
    board.statusChanged();
  });
  const fleet = openFleet(
    { ...options, runtime: inventory.runtime, mayRun: inventory.mayRun },
    clock,
    sources,
    () => options.backoff ?? declaredBackoff(state.catalog) ?? defaultBackoff,
    server => {
      for (const { id, state: now, problem } of board.serverChanged(server, state.catalog)) {
        journal.log({ type: 'instance', id, state: now, ...(problem && { problem }) });
        observer.instance(id, now, problem);
      }
      for (const { id, health } of board.healthChanged(server)) {
        const { state: now = '', message } = health ?? {};
        journal.log({ type: 'health', id, state: now, ...(message !== undefined && { message }) });
      }
      board.statusChanged();
    },
  );
  const board = createBoard(fleet, previous => summarize(facts(), previous, new Date(clock.now()).toISOString()));
  const suspensions = createSuspensions(store.suspensions, clock);
  const service = createService({ fleet, board, sources, suspensions, state, appliedBefore: store.applied(), signal });
  const drift = watchDrift({
    runtime: options.runtime,
    clock,
    fleet,
    report: found => journal.log({ type: 'problem', problem: found }),
    catalog: () => state.catalog,
    standard: options.drift ?? 'correct',
    onChange: board.statusChanged,
  });
  const context: Omit<StepContext, 'pass'> = {
    state,
    signal,
    follower: createFollower(options.mirror, options.reader),
    releases: options.releases,
    mustNotFollow: options.mustNotFollow?.bind(options),
    store,
    service,
    journal,
    inventory,
    drift,
    suspensions,
    standardRuntime: options.standardRuntime ?? 'process',
    environment: options.environment,
    statusChanged: board.statusChanged,
  };
  let finished: Promise<void> = Promise.resolve();
  const notifications =
    options.notifications &&
    openNotifications(options.notifications, store.applied(), found =>
      journal.log({ type: 'problem', problem: found }),
    );
  board.onStatus(status => {
    observer.status(status);
    notifications?.status(status, state.catalog);
  });
  telemetry.metrics.collect(() => statusFamilies(board.status()));

  function facts(): Facts {
    return {
      ...state,
      repository: options.repository,
      instances: server => fleet.statuses(server),
      surface: server => fleet.surface(server),
      rollout: server => fleet.rollout(server),
      suspended: suspensions,
      pruneFailed: inventory.failed,
      givenBackoff: options.backoff,
      drift: drift.reported,
    };
  }

  async function loop(): Promise<void> {
    let mode: Pass['mode'] = 'poke';
    fleet.found(await leftBehind(inventory.runtime, clock));
    while (!signal.aborted) {
      if (suspensions.repository() === undefined) await runPass({ ...context, pass: { mode } });
      else service.serveLastGood();
      mode = await turns.next(signal);
    }
  }

  async function runPass(pass: StepContext): Promise<void> {
    const observed = observer.pass(pass.pass);
    try {
      for (const step of steps) {
        if (signal.aborted) break;
        const result = await observed.step(step.name, () => step(pass));
        if (typeof result === 'object') sourceFailed(result.problem);
        if (result !== 'next') break;
      }
    } catch (error) {
      sourceFailed(asProblem(error));
    } finally {
      if (!signal.aborted) finish(pass);
      state.working = false;
      observed.end();
      board.statusChanged();
    }
  }

  function suspend(server: string | undefined, suspended: boolean): boolean {
    const id = server === undefined ? undefined : resourceId('Server', 'global', server);
    if (id !== undefined && !state.catalog?.get(id) && suspensions.server(server ?? '') === undefined) return false;
    if (suspensions.set(server, suspended)) {
      journal.log({ type: suspended ? 'suspended' : 'resumed', ...(server !== undefined && { server }) });
      // What was held back meanwhile is decided upon again.
      state.decided = undefined;
      turns.poke();
      board.statusChanged();
    }
    return true;
  }

  function sourceFailed(found: Problem): void {
    if (signal.aborted) return;
    journal.report([found], state.sourceProblem && [state.sourceProblem]);
    state.sourceProblem = found;
    service.serveLastGood();
  }

  return {
    start() {
      finished = loop();
    },
    project: name => (state.catalog ? servedProject(state.catalog, name, fleet) : undefined),
    status: board.status,
    inService: () => ({
      commit: state.applied ?? null,
      held: Object.fromEntries([...state.stalled.keys()].map(id => [id, state.good.get(id)?.commit ?? null])),
    }),
    logs: fleet.logs,
    events: journal.since,
    onEvent: journal.onEvent,
    poke(parent) {
      observer.poked(parent);
      turns.poke();
    },
    retryNow: fleet.retryNow,
    instance: fleet.detail,
    restart: fleet.restart,
    suspend,
    allowPrune(commit) {
      const held = state.removals?.held;
      if (held?.commit !== commit) return notHeld(commit, held?.commit);
      store.allowPrune(commit);
      // Decided upon again, with the same files.
      state.decided = undefined;
      turns.poke();
      return undefined;
    },
    onProjectsChanged: board.onProjects,
    onStatus: board.onStatus,
    async close(options) {
      stopping.abort();
      drift.stop();
      await finished;
      await fleet.close(options);
      observer.close();
      await notifications?.close();
    },
  };
}

function notHeld(commit: string, held: string | undefined): Problem {
  const waits = held === undefined ? 'no removal waits' : `the commit whose removals wait is ${held}`;
  return problem('PRUNE_NOT_HELD', `nothing is allowed for ${commit}: ${waits}`);
}

/** What an earlier daemon left running for this one; a runtime that does not answer is not waited for long. */
async function leftBehind(runtime: Runtime, clock: Clock): Promise<Observed[]> {
  const listed = await within(clock, LIST_MS, runtime.list(), () => []).catch(() => []);
  // Whether a field that differs is ignored is not known before the catalog is: `ensure` decides.
  return listed.filter(one => one.state === 'running' && one.owned && (one.adoptable || one.differs !== undefined));
}

/** What is known before the first pass. */
function freshState(store: StateStore): State {
  return {
    working: false,
    fetched: undefined,
    applied: undefined,
    decided: undefined,
    sourceProblem: undefined,
    refused: undefined,
    problems: [],
    catalog: undefined,
    good: store.good(),
    stalled: new Map(),
    removals: undefined,
    trust: undefined,
  };
}

function declaredBackoff(catalog: Catalog | undefined): Backoff | undefined {
  const seconds = catalog?.repository?.spec.backoffSeconds;
  return seconds && backoffOf(seconds);
}

function openFleet(
  options: ReconcilerOptions & Pick<Inventory, 'mayRun'>,
  clock: Clock,
  sources: Sources,
  backoff: () => Backoff,
  onChange: (server: string) => void,
): Fleet {
  return createFleet(
    {
      runtime: options.runtime,
      clock,
      // As the commit in service has it: a change of it counts from the next wait on.
      get backoff() {
        return backoff();
      },
      slots: createSlots(options.concurrency),
      random: options.random ?? Math.random,
      attempts: options.store.attempts,
      rejections: createRejections(options.store.rejections, sources),
      mayRun: options.mayRun,
      drainMs: options.drainMs ?? 10_000,
      prepare: async (desired, stopped) => options.prepare(desired, sources.of(desired), stopped),
      connect: options.connect ?? connectUpstream,
      initializeTimeoutMs: options.initializeTimeoutMs ?? 30_000,
      launchTimeoutMs: 600_000,
    },
    onChange,
  );
}
