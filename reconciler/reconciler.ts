import { type Clock, createSlots, systemClock } from '../host/index.ts';
import type { Mirror, Reader } from '../repo/index.ts';
import { asProblem, type Catalog, link, type ParsedFile, type Problem, type ResourceId } from '../schema/index.ts';
import { type Accepted, accept, type Good } from './accept.ts';
import { type Backoff, createFleet, defaultBackoff, type Fleet, type Prepare } from './instances/index.ts';
import { connectUpstream } from './mcp/index.ts';
import { type DesiredInstance, desiredInstances, type Plan, plan } from './plan.ts';
import { projectChanges, servedProject } from './projects.ts';
import type { Runtime } from './runtimes/index.ts';
import type { StateStore } from './state/index.ts';
import type { Status } from './status.ts';
import { type Facts, summarize } from './summarize.ts';
import type { ReconcilerView } from './view.ts';

export interface ReconcilerOptions {
  repository: Status['repository'];
  mirror: Mirror;
  reader: Reader;
  store: StateStore;
  runtime: Runtime;
  /** Makes a launch out of a desired instance: secrets, package, arguments. */
  prepare: Prepare;
  /** Milliseconds between polls, before ± 10 % jitter. */
  pollMs: number;
  /** How many instances start at the same time. */
  concurrency: number;
  backoff?: Backoff;
  clock?: Clock;
  initializeTimeoutMs?: number;
  /** Told about every transition worth a line. */
  log?(event: ReconcilerEvent): void;
}

export type ReconcilerEvent =
  | { type: 'applied'; commit: string; plan: Plan; stalled: number }
  | { type: 'problem'; problem: Problem }
  | { type: 'instance'; id: string; state: string; problem?: Problem };

export interface Reconciler extends ReconcilerView {
  start(): void;
  /** Called after every change of the status. Returns the way to stop listening. */
  onStatus(listener: (status: Status) => void): () => void;
  /** Stop the loop and end every instance. */
  close(): Promise<void>;
}

/** What one pass of the loop finds out, step by step. */
interface Pass {
  mode: 'poll' | 'poke';
  commit?: string;
  accepted?: Accepted;
}

/** `done` ends the pass; `next` goes on to the next step. */
type StepResult = 'next' | 'done';

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { mirror, reader, store, runtime, pollMs, clock = systemClock } = options;
  const log = options.log ?? (() => {});
  const stopping = new AbortController();
  const statusListeners = new Set<(status: Status) => void>();
  const projectListeners = new Set<(change: { tools: string[]; prompts: string[] }) => void>();

  // The state of the loop; only the steps below change it.
  let good: ReadonlyMap<ResourceId, Good> = store.good();
  let files = new Map<string, ParsedFile>();
  let filesCommit: string | undefined;
  let catalog: Catalog | undefined;
  let stalled: ReadonlyMap<ResourceId, readonly Problem[]> = new Map();
  let problems: readonly Problem[] = [];
  let refused: readonly Problem[] | undefined;
  let sourceProblem: Problem | undefined;
  let fetched: string | undefined;
  let applied: string | undefined;
  let working = false;
  let rebuiltFor: string | undefined;

  let poked = false;
  let wake: () => void = () => {};
  let finished: Promise<void> = Promise.resolve();
  let lastStatus: Status | undefined;
  let summaryDue = false;
  const lastStates = new Map<string, string>();

  const fleet: Fleet = createFleet(
    {
      runtime,
      clock,
      backoff: options.backoff ?? defaultBackoff,
      slots: createSlots(options.concurrency),
      prepare: (desired, signal) =>
        catalog ? options.prepare(desired, catalog, signal) : Promise.reject(new Error('no catalog')),
      connect: connectUpstream,
      initializeTimeoutMs: options.initializeTimeoutMs ?? 30_000,
    },
    serverChanged,
  );

  // ── the steps of a pass, in order ──

  async function fetch(pass: Pass): Promise<StepResult> {
    const result = await mirror.fetch(pass.mode, stopping.signal);
    if ('problem' in result) {
      sourceFailed(result.problem);
      serveLastGood();
      return 'done';
    }
    fetched = result.commit;
    const settled = result.commit === filesCommit;
    if (settled) sourceProblem = undefined;
    pass.commit = result.commit;
    return settled ? 'done' : 'next';
  }

  async function read(pass: Pass): Promise<StepResult> {
    if (pass.commit === undefined) return 'done';
    let delta = await reader.read(pass.commit, filesCommit, stopping.signal);
    if ('problem' in delta && rebuiltFor !== pass.commit) {
      // The mirror's objects may be damaged, which fetching alone does not mend; made anew once for each commit.
      rebuiltFor = pass.commit;
      await mirror.fetch('rebuild', stopping.signal);
      delta = await reader.read(pass.commit, filesCommit, stopping.signal);
    }
    if ('problem' in delta) {
      sourceFailed(delta.problem);
      serveLastGood();
      return 'done';
    }
    if (delta.base === undefined) files = new Map();
    for (const path of delta.removed) files.delete(path);
    for (const file of delta.files) files.set(file.path, file);
    filesCommit = delta.commit;
    sourceProblem = undefined;
    return 'next';
  }

  async function decide(pass: Pass): Promise<StepResult> {
    const commit = pass.commit ?? '';
    const outcome = accept(files.values(), good, commit);
    if ('refused' in outcome) {
      refused = outcome.refused;
      for (const found of outcome.refused) log({ type: 'problem', problem: found });
      serveLastGood();
      return 'done';
    }
    refused = undefined;
    const known = new Set(problems.map(found => JSON.stringify(found)));
    for (const found of outcome.problems) {
      if (!known.has(JSON.stringify(found))) log({ type: 'problem', problem: found });
    }
    pass.accepted = outcome;
    return 'next';
  }

  async function apply(pass: Pass): Promise<StepResult> {
    const { accepted, commit } = pass;
    if (!accepted || commit === undefined) return 'done';
    const before = catalog;
    catalog = accepted.catalog;
    stalled = accepted.stalled;
    problems = accepted.problems;
    const steps = planInstances(catalog);
    // Remembered before it is done: a daemon killed in between does it again on its next start.
    store.accept(commit, good, accepted.good);
    good = accepted.good;
    applied = commit;
    log({ type: 'applied', commit, plan: steps, stalled: stalled.size });
    announce(before, catalog);
    carryOut(steps, catalog);
    return 'next';
  }

  const steps = [fetch, read, decide, apply];

  // ── carrying a plan out ──

  function planInstances(wanted: Catalog): Plan {
    const desired = desiredInstances(wanted).map(({ id, parts }) => ({ id: `instance/${id}`, parts }));
    return plan(desired, fleet.observed());
  }

  /** Set everything in motion. It goes on in the background: the next commit, and a neighbour, need not wait for it. */
  function carryOut({ steps: todo }: Plan, wanted: Catalog): void {
    const desired = new Map<string, DesiredInstance>(desiredInstances(wanted).map(one => [`instance/${one.id}`, one]));
    for (const step of todo) {
      const one = desired.get(step.id);
      if (one) fleet.start(one);
      else fleet.remove(step.id.slice('instance/'.length));
    }
  }

  /** The source is out of reach or unreadable at start: what was in service last goes into service again. */
  function serveLastGood(): void {
    if (catalog || good.size === 0 || stopping.signal.aborted) return;
    const resources = [...good.values()].map(({ resource }) => resource);
    const before = catalog;
    catalog = link(resources).catalog;
    applied = store.applied();
    announce(before, catalog);
    carryOut(planInstances(catalog), catalog);
  }

  function sourceFailed(found: Problem): void {
    if (stopping.signal.aborted) return;
    if (sourceProblem?.message !== found.message) log({ type: 'problem', problem: found });
    sourceProblem = found;
  }

  // ── the loop ──

  async function loop(): Promise<void> {
    let mode: Pass['mode'] = 'poke';
    while (!stopping.signal.aborted) {
      poked = false;
      await runPass({ mode });
      mode = await nextTurn();
    }
  }

  async function runPass(pass: Pass): Promise<void> {
    working = pass.mode === 'poke';
    try {
      for (const step of steps) {
        if (stopping.signal.aborted || (await step(pass)) === 'done') break;
        working = true;
        changed();
      }
    } catch (error) {
      sourceFailed(asProblem(error));
    } finally {
      working = false;
      changed();
    }
  }

  /** Wait for a poke or for the time of the next poll. */
  async function nextTurn(): Promise<Pass['mode']> {
    if (poked || stopping.signal.aborted) return 'poke';
    const waiting = new AbortController();
    const stop = () => waiting.abort();
    wake = stop;
    stopping.signal.addEventListener('abort', stop, { once: true });
    await clock.sleep(pollMs * (0.9 + 0.2 * Math.random()), waiting.signal);
    stopping.signal.removeEventListener('abort', stop);
    return poked ? 'poke' : 'poll';
  }

  // ── telling others ──

  function serverChanged(server: string): void {
    for (const { id, state, problem: why } of fleet.statuses(server)) {
      const line = `${state} ${why?.message ?? ''}`;
      if (lastStates.get(id) === line) continue;
      lastStates.set(id, line);
      log({ type: 'instance', id, state, ...(why && { problem: why }) });
    }
    if (catalog) announce(catalog, catalog, server);
    changed();
  }

  const offered = new Map<string, unknown>();

  function announce(before: Catalog | undefined, after: Catalog, server?: string): void {
    const change = projectChanges(before, after, name => {
      if (server !== undefined && name !== server) return false;
      const surface = fleet.surface(name);
      if (offered.get(name) === surface) return false;
      offered.set(name, surface);
      return true;
    });
    if (change.tools.length + change.prompts.length === 0) return;
    for (const listener of projectListeners) listener(change);
  }

  /** Sum up once per turn of the event loop, however many things changed in it. */
  function changed(): void {
    if (summaryDue) return;
    summaryDue = true;
    setImmediate(() => {
      summaryDue = false;
      const status = sumUp();
      for (const listener of statusListeners) listener(status);
    });
  }

  function sumUp(): Status {
    const facts: Facts = {
      repository: options.repository,
      working,
      fetched,
      applied,
      sourceProblem,
      refused,
      problems,
      catalog,
      good,
      stalled,
      caveats: runtime.caveats,
      instances: server => fleet.statuses(server),
      surface: server => fleet.surface(server),
    };
    lastStatus = summarize(facts, lastStatus, new Date(clock.now()).toISOString());
    return lastStatus;
  }

  return {
    start() {
      finished = loop();
    },
    project: name => (catalog ? servedProject(catalog, name, fleet) : undefined),
    status: sumUp,
    poke() {
      poked = true;
      wake();
    },
    onProjectsChanged(listener) {
      projectListeners.add(listener);
      return () => projectListeners.delete(listener);
    },
    onStatus(listener) {
      statusListeners.add(listener);
      return () => statusListeners.delete(listener);
    },
    async close() {
      stopping.abort();
      wake();
      await finished;
      await fleet.close();
    },
  };
}
