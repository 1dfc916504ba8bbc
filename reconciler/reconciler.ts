import { type Clock, createSlots, systemClock } from '../host/index.ts';
import type { Mirror, Reader } from '../repo/index.ts';
import { asProblem, type Catalog, limitProblems, link, type ParsedFile, type Problem } from '../schema/index.ts';
import { type Accepted, accept } from './accept.ts';
import { createBoard } from './board.ts';
import { createEventRing, type ReconcilerEvent } from './events.ts';
import { createFollower } from './follow.ts';
import { type Backoff, createFleet, defaultBackoff, type Prepare } from './instances/index.ts';
import { connectUpstream } from './mcp/index.ts';
import { type DesiredInstance, desiredInstances, type Plan, plan } from './plan.ts';
import { servedProject } from './projects.ts';
import type { Runtime } from './runtimes/index.ts';
import type { StateStore } from './state/index.ts';
import type { Status } from './status.ts';
import { type Facts, summarize } from './summarize.ts';
import { createTurns } from './turns.ts';
import type { ReconcilerView } from './view.ts';

export interface ReconcilerOptions {
  repository: Status['repository'];
  mirror: Mirror;
  reader: Reader;
  store: StateStore;
  runtime: Runtime;
  /** Makes a launch out of a desired instance: secrets, package, arguments. */
  prepare: Prepare;
  /** The environment whose patches take effect; none unless given. */
  environment?: string;
  /** Milliseconds between polls, before ± 10 % jitter. */
  pollMs: number;
  /** How many instances start at the same time. */
  concurrency: number;
  backoff?: Backoff;
  clock?: Clock;
  /** Milliseconds until a server must have answered `initialize`; 30 000 unless given. */
  initializeTimeoutMs?: number;
  /** Told about every transition worth a line. */
  log?(event: ReconcilerEvent): void;
}

export interface Reconciler extends ReconcilerView {
  start(): void;
  /** Called after every change of the status. Returns the way to stop listening. */
  onStatus(listener: (status: Status) => void): () => void;
  /** Stop the loop and end every instance. */
  close(): Promise<void>;
}

/** How many problems of one commit are kept, logged and shown: nobody reads more, and each is handled at every turn. */
const MAX_PROBLEMS = 1_000;

/** What the steps of a pass change; with what is seen of the instances it makes up the status. */
type State = Omit<Facts, 'repository' | 'caveats' | 'instances' | 'surface'>;

/** What one pass of the loop has found out so far. */
interface Pass {
  mode: 'poll' | 'poke';
  commit?: string;
  files?: Iterable<ParsedFile>;
  accepted?: Accepted;
}

/** `done` ends the pass; `next` goes on to the next step. */
type StepResult = 'next' | 'done';

/**
 * The loop: follow the repository, decide what goes into service, plan, and set it in motion. What is in service is
 * only ever replaced as a whole; a step that fails leaves it as it was.
 */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { store, clock = systemClock } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const follower = createFollower(options.mirror, options.reader);
  const turns = createTurns(clock, options.pollMs);
  const events = createEventRing();
  const appliedBefore = store.applied();
  const state: State = {
    working: false,
    fetched: undefined,
    applied: undefined,
    sourceProblem: undefined,
    refused: undefined,
    problems: [],
    catalog: undefined,
    good: store.good(),
    stalled: new Map(),
  };
  const fleet = createFleet(
    {
      runtime: options.runtime,
      clock,
      backoff: options.backoff ?? defaultBackoff,
      slots: createSlots(options.concurrency),
      prepare(desired, stopped) {
        if (!state.catalog) throw new Error('an instance without a catalog');
        return options.prepare(desired, state.catalog, stopped);
      },
      connect: connectUpstream,
      initializeTimeoutMs: options.initializeTimeoutMs ?? 30_000,
    },
    server => {
      for (const { id, state: now, problem } of board.serverChanged(server, state.catalog)) {
        log({ type: 'instance', id, state: now, ...(problem && { problem }) });
      }
      board.statusChanged();
    },
  );
  const board = createBoard(fleet, previous => summarize(facts(), previous, new Date(clock.now()).toISOString()));
  /** The newest commit that was applied, or refused, to the end. */
  let decided: string | undefined;
  let finished: Promise<void> = Promise.resolve();

  // ── the steps of a pass, in order ──

  async function follow(pass: Pass): Promise<StepResult> {
    const seen = await follower.look(pass.mode, signal, commit => {
      state.working = state.fetched !== commit;
      state.fetched = commit;
      board.statusChanged();
    });
    if ('problem' in seen) {
      sourceFailed(seen.problem);
      return 'done';
    }
    if (seen.commit === decided) {
      state.sourceProblem = undefined;
      return 'done';
    }
    pass.commit = seen.commit;
    pass.files = seen.files;
    return 'next';
  }

  function decide(pass: Pass): StepResult {
    const outcome = accept(pass.files ?? [], state.good, pass.commit ?? '', options.environment);
    if ('refused' in outcome) {
      const refused = limitProblems(outcome.refused, MAX_PROBLEMS);
      report(refused, state.refused);
      state.refused = refused;
      serveLastGood();
      settle(pass.commit);
      return 'done';
    }
    const problems = limitProblems(outcome.problems, MAX_PROBLEMS);
    report(problems, state.problems);
    pass.accepted = { ...outcome, problems };
    return 'next';
  }

  function apply({ accepted, commit }: Pass): StepResult {
    if (!accepted || commit === undefined) return 'done';
    // Remembered before it is done: a daemon killed in between does it again at its next start.
    store.accept(commit, state.good, accepted.good);
    const { catalog, good, stalled, problems } = accepted;
    const before = state.catalog;
    Object.assign(state, { refused: undefined, applied: commit, catalog, good, stalled, problems });
    const steps = putIntoService(before, catalog);
    settle(commit);
    log({ type: 'applied', commit, plan: steps, stalled: stalled.size });
    return 'next';
  }

  const steps = [follow, decide, apply];

  /** Only now the commit is done with: a pass that broke off (a full disk) is tried again by the next one. */
  function settle(commit: string | undefined): void {
    decided = commit;
    state.sourceProblem = undefined;
  }

  // ── what the steps share ──

  /** Set everything in motion. It goes on in the background: neither a neighbour nor the next commit waits for it. */
  function putIntoService(before: Catalog | undefined, after: Catalog): Plan {
    const wanted = new Map<string, DesiredInstance>(desiredInstances(after).map(one => [`instance/${one.id}`, one]));
    const todo = plan(
      [...wanted].map(([id, { parts }]) => ({ id, parts })),
      fleet.observed(),
    );
    for (const step of todo.steps) {
      const one = wanted.get(step.id);
      if (one) fleet.start(one);
      else fleet.remove(step.id.slice('instance/'.length));
    }
    board.catalogChanged(before, after);
    return todo;
  }

  /** The newest commit is out of reach or refused at start: what was in service last goes into service again. */
  function serveLastGood(): void {
    if (state.catalog || state.good.size === 0 || signal.aborted) return;
    state.catalog = link([...state.good.values()].map(({ resource }) => resource)).catalog;
    state.applied = appliedBefore;
    putIntoService(undefined, state.catalog);
  }

  function sourceFailed(found: Problem): void {
    if (signal.aborted) return;
    report([found], state.sourceProblem && [state.sourceProblem]);
    state.sourceProblem = found;
    serveLastGood();
  }

  function log(event: ReconcilerEvent): void {
    events.add(event, new Date(clock.now()).toISOString());
    options.log?.(event);
  }

  /** Log the problems that are new. */
  function report(now: readonly Problem[], before: readonly Problem[] = []): void {
    const known = new Set(before.map(found => JSON.stringify(found)));
    for (const found of now) if (!known.has(JSON.stringify(found))) log({ type: 'problem', problem: found });
  }

  function facts(): Facts {
    return {
      ...state,
      repository: options.repository,
      caveats: options.runtime.caveats,
      instances: server => fleet.statuses(server),
      surface: server => fleet.surface(server),
    };
  }

  async function loop(): Promise<void> {
    let mode: Pass['mode'] = 'poke';
    while (!signal.aborted) {
      await runPass({ mode });
      mode = await turns.next(signal);
    }
  }

  async function runPass(pass: Pass): Promise<void> {
    try {
      for (const step of steps) if (signal.aborted || (await step(pass)) === 'done') break;
    } catch (error) {
      sourceFailed(asProblem(error));
    } finally {
      state.working = false;
      board.statusChanged();
    }
  }

  return {
    start() {
      finished = loop();
    },
    project: name => (state.catalog ? servedProject(state.catalog, name, fleet) : undefined),
    status: board.status,
    logs: fleet.logs,
    events: events.since,
    onEvent: events.onEvent,
    poke: turns.poke,
    onProjectsChanged: board.onProjects,
    onStatus: board.onStatus,
    async close() {
      stopping.abort();
      await finished;
      await fleet.close();
    },
  };
}
