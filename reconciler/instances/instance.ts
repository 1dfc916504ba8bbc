import { within } from '../../host/index.ts';
import { asProblem, type Problem } from '../../schema/index.ts';
import type { DesiredInstance } from '../plan.ts';
import { REMOVE_MS, type RunningInstance } from '../runtimes/index.ts';
import type { InstanceState, InstanceStatus } from '../status.ts';
import type { AttemptRecords } from './attempts.ts';
import type { Backoff } from './backoff.ts';
import { checkInstance } from './check.ts';
import { type HealthPolicy, takesCalls } from './health.ts';
import { type CountedUpstream, countCalls } from './in-flight.ts';
import { describeInstance, type InstanceDetail } from './instance-status.ts';
import { type LaunchContext, type Launched, launchInstance } from './launch.ts';
import { createLogbook, type LogPage } from './logbook.ts';
import { type Attempts, type InstanceEffect, type InstanceEvent, type Machine, newMachine, step } from './machine.ts';

export interface InstanceContext extends LaunchContext {
  backoff: Backoff;
  /** From 0 to 1. */
  random(): number;
  /** How it is watched; may change while it runs. */
  health(): HealthPolicy;
  attempts: AttemptRecords;
  /** Milliseconds that calls under way have to end before the instance does. */
  drainMs: number;
  /** What it waits for before it starts; undefined when there is nothing to wait for. */
  blockedBy(): string | undefined;
  /** Called after every change of what can be seen of it, and when what it offers changed. */
  onChange(): void;
}

/** How often it is looked whether the place has restarted what it restarts by itself. */
const lookingBackoff: Backoff = { windowMs: 60_000, delaysMs: [1_000, 2_000, 5_000], jitter: 0.1 };
const MAX_NOTICES = 20;
/** A call may have been given this instance just before it was to be given none. */
const LAST_CALLS_MS = 20;

/** What was being started is known after this time, or is ended without having been known. Milliseconds. */
const UNKNOWN_MS = 30_000;
/** Ending it takes no longer than this; what cannot be ended by then is left to the inventory. Milliseconds. */
const END_MS = UNKNOWN_MS + REMOVE_MS;

/** One run: a start and all that came of it. */
interface Run {
  over: AbortController;
  /** Settles when the attempt to start is through, whatever came of it. */
  launched: Promise<unknown>;
  upstream?: CountedUpstream;
  /** By when the start has come as far as it can. Milliseconds since the epoch. */
  deadline?: number;
  pid?: number;
  unsandboxed?: string;
  secrets: readonly string[];
  notices: Problem[];
}

/**
 * One instance of a server: carries out what its state machine says, and tells it what happens. All decisions are made in
 * `step`.
 */
export class Instance {
  readonly desired: DesiredInstance;
  /** What runs goes on without this daemon. */
  private leaving = false;
  /** It shall be replaced though its spec is still wanted. */
  stale = false;
  private readonly context: InstanceContext;
  private readonly logbook = createLogbook();
  private readonly ended = Promise.withResolvers<void>();
  private machine: Machine;
  private run: Run | undefined;
  private waiting = new AbortController();
  /** Of what is remembered, nothing is written any more. */
  private forgotten = false;

  constructor(desired: DesiredInstance, context: InstanceContext) {
    this.desired = desired;
    this.context = context;
    const before = context.attempts.get(desired.id, desired.specDigest);
    this.machine = newMachine({ health: context.health(), now: context.clock.now() }, before);
  }

  get state(): InstanceState {
    return this.machine.state;
  }

  get failures(): number {
    return this.machine.failures;
  }

  /** What it waits for before it starts. */
  get blocked(): string | undefined {
    return this.machine.state === 'Pending' ? this.context.blockedBy() : undefined;
  }

  /** The connection for calls, while it is Running. */
  get upstream(): CountedUpstream | undefined {
    return this.machine.state === 'Running' ? this.run?.upstream : undefined;
  }

  /** It is given calls. */
  get ready(): boolean {
    return this.machine.state === 'Running' && takesCalls(this.machine.health);
  }

  /** It runs, and its checks fail. */
  get unhealthy(): boolean {
    return this.machine.state === 'Running' && this.machine.health.state === 'unhealthy';
  }

  /** It waits for its next try, or for nothing any more: no call is worth holding back for it. */
  get waits(): boolean {
    return this.machine.state === 'Error' && !this.machine.due;
  }

  /** Start it, as soon as there is no reason against it. */
  begin(): void {
    this.send({ type: 'begin' });
  }

  /** It has turned out to be gone. */
  lost(problem: Problem): void {
    this.send({ type: 'lost', problem });
  }

  /** Do not wait for the next try. */
  retry(): void {
    this.send({ type: 'retry' });
  }

  /** End it for good: what is remembered of its attempts is forgotten. Resolves when nothing is left of it. */
  remove(): Promise<void> {
    this.forgotten = true;
    this.context.attempts.delete(this.desired.id);
    this.send({ type: 'stop', drain: true });
    return this.ended.promise;
  }

  /** End it because the daemon ends. Resolves when nothing is left of it. */
  close({ leave = false } = {}): Promise<void> {
    this.leaving = leave;
    this.send({ type: 'stop', drain: false });
    return this.ended.promise;
  }

  snapshot(): InstanceStatus {
    return this.describe().status;
  }

  describe(): InstanceDetail {
    const { run, blocked } = this;
    return describeInstance(this.desired, this.machine, {
      ...(blocked !== undefined && { blocked }),
      ...this.deadline(),
      ...(run?.pid !== undefined && { pid: run.pid }),
      ...(run?.unsandboxed !== undefined && { unsandboxed: run.unsandboxed }),
      notices: run?.notices ?? [],
      inFlight: run?.upstream?.inFlight ?? 0,
    });
  }

  /** What it wrote. @param after the cursor of an earlier page: only what came later */
  logs(after?: string): LogPage {
    return this.logbook.page(after);
  }

  /** What has ended is restarted where it runs, at that place's pace. */
  private get restartsItself(): boolean {
    return this.context.runtime.restarts?.(this.desired.id) ?? false;
  }

  /** By when its state will be another one. */
  private deadline(): { deadline?: number } {
    const { run, machine, context } = this;
    if (machine.state === 'Starting' && run?.deadline !== undefined) return { deadline: run.deadline };
    if (machine.state !== 'Stopping') return {};
    return { deadline: machine.since + LAST_CALLS_MS + context.drainMs + END_MS };
  }

  private send(event: InstanceEvent): void {
    const { context, machine: before } = this;
    const { machine, effects } = step(before, event, {
      backoff: this.restartsItself ? lookingBackoff : context.backoff,
      health: context.health(),
      now: context.clock.now(),
      random: context.random(),
    });
    this.machine = machine;
    if (machine.state === 'Stopping') this.waiting.abort();
    for (const effect of effects) this.carryOut(effect);
    if (machine.gone && !before.gone) this.ended.resolve();
    if (isSeenToDiffer(before, machine)) context.onChange();
  }

  private carryOut(effect: InstanceEffect): void {
    switch (effect.type) {
      case 'start':
        this.start();
        break;
      case 'watch':
        void this.watch(effect.now);
        break;
      case 'release':
        void this.release();
        break;
      case 'drain':
        void this.drain();
        break;
      case 'wait':
        void this.wait(effect.ms);
        break;
      case 'save':
        if (!this.forgotten) this.context.attempts.put(this.desired.id, this.desired.specDigest, kept(this.machine));
    }
  }

  private start(): void {
    this.waiting.abort();
    const run: Run = { over: new AbortController(), launched: Promise.resolve(), secrets: [], notices: [] };
    this.run = run;
    run.launched = this.launch(run).then(launched => {
      if (run !== this.run || run.over.signal.aborted) {
        if ('upstream' in launched) void launched.upstream.close().catch(() => undefined);
      } else if ('problem' in launched) this.send({ type: 'failed', problem: launched.problem });
      else this.running(run, launched);
    });
  }

  private launch(run: Run): Promise<Launched | { problem: Problem }> {
    const watch = {
      onDeadline: (at: number) => {
        run.deadline = at;
      },
      onProcess: (running: RunningInstance) => {
        if (running.pid !== undefined) run.pid = running.pid;
        for (const caveat of running.caveats) {
          if (caveat.code === 'UNSANDBOXED') run.unsandboxed = caveat.message;
          else this.notice(run, caveat);
        }
        this.logbook.begin(running);
      },
      onNotice: (found: Problem) => this.notice(run, found),
    };
    return launchInstance(this.desired, this.context, watch, run.over.signal).catch(error => ({
      problem: asProblem(error),
    }));
  }

  private running(run: Run, { upstream, lost, startMs, secrets }: Launched): void {
    const counted = countCalls(upstream);
    run.upstream = counted;
    run.secrets = secrets;
    counted.onSurfaceChanged(() => this.context.onChange());
    void lost.then(problem => {
      if (run === this.run) this.send({ type: 'lost', problem });
    });
    this.send({ type: 'ready', startMs });
  }

  /** Check its health for as long as the run lasts. */
  private async watch(now: boolean): Promise<void> {
    const { run, context } = this;
    if (!run?.upstream) return;
    const { signal } = run.over;
    let pause = now ? 0 : this.interval();
    for (;;) {
      await context.clock.sleep(pause, signal);
      if (signal.aborted || this.machine.state !== 'Running') return;
      const { id } = this.desired;
      const { result, problem } = await checkInstance(id, run.upstream, context.health(), run.secrets, signal);
      if (signal.aborted) return;
      this.send({ type: 'checked', result, problem });
      pause = this.interval();
    }
  }

  /** Spread, so that many instances are not asked in step. */
  private interval(): number {
    return Math.round(this.context.health().intervalMs * (0.9 + 0.2 * this.context.random()));
  }

  private async wait(ms: number): Promise<void> {
    this.waiting = new AbortController();
    const { signal } = this.waiting;
    await this.context.clock.sleep(ms, signal);
    if (!signal.aborted) this.send({ type: 'retry' });
  }

  private async drain(): Promise<void> {
    const { run, context } = this;
    const over = new AbortController();
    await context.clock.sleep(LAST_CALLS_MS, run?.over.signal);
    await Promise.race([run?.upstream?.idle(), context.clock.sleep(context.drainMs, over.signal)]);
    over.abort();
    this.send({ type: 'drained' });
  }

  /** Close the connection and end the process, whatever is left of either. */
  private async release(): Promise<void> {
    const { run } = this;
    this.waiting.abort();
    run?.over.abort();
    // Where the place restarts it, it stays between two tries.
    const stays = this.leaving || (this.restartsItself && this.machine.state !== 'Stopping');
    const remove = () => (stays ? undefined : this.context.runtime.remove(this.desired.id).catch(() => undefined));
    // A start may wait there for as long as the place has no room, and ends when it is told.
    if (this.restartsItself && !run?.upstream) await remove();
    if (run) {
      // Whatever was being started has to be known before it can be ended.
      const { upstream } = run;
      const known = Promise.allSettled([upstream?.close(), run.launched]);
      await within(this.context.clock, UNKNOWN_MS, known, () => undefined);
      delete run.upstream;
      delete run.pid;
      delete run.unsandboxed;
    }
    // Also without a run of its own: an earlier daemon may have left one of this name.
    await remove();
    this.send({ type: 'released' });
  }

  /** Remember what is wrong but ends nothing, until the next start. */
  private notice(run: Run, found: Problem): void {
    if (run.notices.length >= MAX_NOTICES || run.notices.some(({ message }) => message === found.message)) return;
    run.notices.push(found);
    this.context.onChange();
  }
}

function isSeenToDiffer(before: Machine, after: Machine): boolean {
  if (before === after) return false;
  const seen = ({ state, error, nextRetryAt, gone, due, health }: Machine) =>
    JSON.stringify([state, error?.message, nextRetryAt, gone, due, health.state, health.failures]);
  return seen(before) !== seen(after);
}

function kept({ attempt, failures, lastAttemptAt, nextRetryAt, diedAt, restarts, error }: Machine): Attempts {
  return {
    attempt,
    failures,
    restarts,
    ...(lastAttemptAt !== undefined && { lastAttemptAt }),
    ...(nextRetryAt !== undefined && { nextRetryAt }),
    ...(diedAt !== undefined && { diedAt }),
    ...(error && { error }),
  };
}
