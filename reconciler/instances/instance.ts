import type { Clock, Slots } from '../../host/index.ts';
import { asProblem, type Problem, problem } from '../../schema/index.ts';
import type { Upstream } from '../mcp/index.ts';
import type { DesiredInstance } from '../plan.ts';
import {
  type Connection,
  type Exit,
  howItEnded,
  type LaunchSpec,
  type RunningInstance,
  type Runtime,
} from '../runtimes/index.ts';
import type { InstanceState, InstanceStatus } from '../status.ts';
import { type Backoff, backoffDelay, failuresAfterDeath } from './backoff.ts';
import { createLogbook, type LogPage } from './logbook.ts';

/** What an instance is started from: a process to launch, or the address of an external server. */
export type Launch = { launch: LaunchSpec } | { external: External };

/** An external server; its headers may hold secrets. */
export interface External {
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Values that must never appear in a message. */
  secrets: readonly string[];
}

export interface InstanceContext {
  runtime: Runtime;
  clock: Clock;
  backoff: Backoff;
  /** How many starts run at the same time; a start that takes long gives its slot back early. */
  slots: Slots;
  /** Resolve secrets, install the package. */
  prepare(desired: DesiredInstance, signal: AbortSignal): Promise<Launch | { problem: Problem }>;
  connect(
    connection: Connection,
    options: {
      name: string;
      timeoutMs: number;
      secrets: readonly string[];
      signal: AbortSignal;
      onProblem(found: Problem): void;
    },
  ): Promise<Upstream | { problem: Problem }>;
  /** Milliseconds until `initialize` must have been answered. */
  initializeTimeoutMs: number;
  /** Called after every change of state, and when what the server offers changed. */
  onChange(): void;
}

/** A slow start must not hold up its neighbours: it keeps its slot for at most this long, in milliseconds. */
const SLOT_MS = 2_000;

/** How long a process that closed its output has to exit and tell why, in milliseconds. */
const LAST_WORDS_MS = 1_000;

const MAX_NOTICES = 20;

interface Started {
  upstream: Upstream;
  /** Settles with the reason when the instance is lost. */
  lost: Promise<Problem>;
}

/**
 * One supervised instance of a server: started, watched, restarted with backoff in place until it is stopped.
 * State machine: Pending → Starting → Running → (Error → Starting …) → Stopping.
 */
export class Instance {
  readonly desired: DesiredInstance;
  /** The connection, while it is Running. */
  upstream: Upstream | undefined;
  private readonly context: InstanceContext;
  private readonly stopping = new AbortController();
  private readonly logbook = createLogbook();
  private finished: Promise<void> = Promise.resolve();
  private status: InstanceStatus;

  constructor(desired: DesiredInstance, context: InstanceContext) {
    this.desired = desired;
    this.context = context;
    this.status = { id: desired.id, state: 'Pending', ready: false, since: this.time(), restarts: 0 };
  }

  /** Begin to supervise, once the one that this replaces is gone; called once. */
  begin(predecessor: Promise<void> = Promise.resolve()): void {
    this.finished = predecessor.then(() => this.supervise());
  }

  snapshot(): InstanceStatus {
    return { ...this.status };
  }

  /** What it wrote. @param after the cursor of an earlier page: only what came later */
  logs(after?: string): LogPage {
    return this.logbook.page(after);
  }

  get state(): InstanceState {
    return this.status.state;
  }

  /** End it and everything it started. Resolves when it is gone. */
  async stop(): Promise<void> {
    if (!this.stopping.signal.aborted) {
      this.become('Stopping');
      this.stopping.abort();
    }
    await this.finished;
  }

  private async supervise(): Promise<void> {
    const { clock, backoff } = this.context;
    const { signal } = this.stopping;
    let failures = 0;
    let diedBefore: number | undefined;
    while (!signal.aborted) {
      const started = await this.start().catch(error => ({ problem: asProblem(error) }));
      let why: Problem;
      if ('problem' in started) {
        why = started.problem;
        failures++;
      } else {
        why = await started.lost;
        const died = clock.now();
        failures = failuresAfterDeath(backoff, failures, died, diedBefore);
        diedBefore = died;
        if (!signal.aborted) this.become('Error', { problem: why, restarts: this.status.restarts + 1 });
      }
      await this.release();
      if (signal.aborted || failures === 0) continue;
      const delay = backoffDelay(backoff, failures, Math.random());
      this.become('Error', { problem: why, nextRetryAt: new Date(clock.now() + delay).toISOString() });
      await clock.sleep(delay, signal);
    }
    await this.release();
  }

  /** One attempt: from a free slot to an answered `initialize` and listed tools. */
  private async start(): Promise<Started | { problem: Problem }> {
    const { context, desired } = this;
    const { signal } = this.stopping;
    this.become('Starting');
    const prepared = await context.prepare(desired, signal);
    if ('problem' in prepared) return prepared;
    const slot = await context.slots.take(signal);
    const early = setTimeout(() => slot?.(), SLOT_MS);
    try {
      if (signal.aborted) return { problem: stopped(desired.id) };
      const began = context.clock.now();
      const started =
        'external' in prepared ? await this.connectExternal(prepared.external) : await this.launch(prepared.launch);
      if (!('problem' in started)) this.running(started, context.clock.now() - began);
      return started;
    } finally {
      clearTimeout(early);
      slot?.();
    }
  }

  private async launch(spec: LaunchSpec): Promise<Started | { problem: Problem }> {
    const running = await this.context.runtime.ensure(spec);
    if ('problem' in running) return running;
    if (running.pid !== undefined) this.status.pid = running.pid;
    this.logbook.begin(running);
    for (const caveat of running.caveats) {
      if (caveat.code === 'UNSANDBOXED') this.status.unsandboxed = caveat.message;
      else this.notice(caveat);
    }
    const exited = running.exited.then(exit => exitProblem(this.desired, exit));
    const upstream = await Promise.race([
      this.context.runtime
        .connect(spec.id)
        .then(connection => ('problem' in connection ? connection : this.connect(connection, spec.secrets))),
      exited.then(found => ({ problem: found })),
    ]);
    if ('problem' in upstream) return { problem: await this.explain(upstream.problem, running, exited) };
    return { upstream, lost: this.lost(upstream, exited) };
  }

  private async connectExternal({ url, headers, secrets }: External): Promise<Started | { problem: Problem }> {
    const upstream = await this.connect({ kind: 'http', url, headers }, secrets);
    if ('problem' in upstream) return upstream;
    return { upstream, lost: this.lost(upstream, undefined) };
  }

  private connect(connection: Connection, secrets: readonly string[]): Promise<Upstream | { problem: Problem }> {
    return this.context.connect(connection, {
      name: this.desired.server,
      timeoutMs: this.context.initializeTimeoutMs,
      secrets,
      signal: this.stopping.signal,
      onProblem: found => this.notice(found),
    });
  }

  /** The best reason there is: a closed pipe is usually a process about to exit, whose last words say more. */
  private async explain(found: Problem, running: RunningInstance, exited: Promise<Problem>): Promise<Problem> {
    if (found.code === 'SERVER_EXITED') return this.preferExit(found, exited);
    const last = running.logs().at(-1);
    return last === undefined ? found : { ...found, message: `${found.message}; its last line: ${last}` };
  }

  private preferExit(found: Problem, exited: Promise<Problem>): Promise<Problem> {
    return Promise.race([exited, this.context.clock.sleep(LAST_WORDS_MS).then(() => found)]);
  }

  private async lost(upstream: Upstream, exited: Promise<Problem> | undefined): Promise<Problem> {
    const { signal } = this.stopping;
    const aborted = new Promise<Problem>(resolve => {
      if (signal.aborted) resolve(stopped(this.desired.id));
      signal.addEventListener('abort', () => resolve(stopped(this.desired.id)), { once: true });
    });
    const closed = upstream.closed.then(found => (exited ? this.preferExit(found, exited) : found));
    return Promise.race([aborted, closed, ...(exited ? [exited] : [])]);
  }

  private running(started: Started, startMs: number): void {
    this.upstream = started.upstream;
    started.upstream.onSurfaceChanged(() => this.context.onChange());
    this.become('Running', { startMs });
  }

  /** Close the connection and end the process, whatever is left of either. */
  private async release(): Promise<void> {
    const { upstream } = this;
    this.upstream = undefined;
    delete this.status.pid;
    delete this.status.unsandboxed;
    // Neither may keep the other, or a restart, waiting.
    await Promise.allSettled([upstream?.close(), this.context.runtime.remove(this.desired.id)]);
  }

  private become(state: InstanceState, more: Partial<InstanceStatus> = {}): void {
    const { id, restarts, pid, startMs, notices, unsandboxed } = this.status;
    this.status = {
      id,
      state,
      ready: state === 'Running',
      since: state === this.status.state ? this.status.since : this.time(),
      restarts,
      ...(pid !== undefined && { pid }),
      ...(startMs !== undefined && { startMs }),
      ...(unsandboxed !== undefined && { unsandboxed }),
      ...(notices && state !== 'Starting' && { notices }),
      ...more,
    };
    this.context.onChange();
  }

  /** Remember what is wrong but ends nothing, until the next start. */
  private notice(found: Problem): void {
    const notices = this.status.notices ?? [];
    if (notices.length >= MAX_NOTICES || notices.some(({ message }) => message === found.message)) return;
    this.status.notices = [...notices, found];
    this.context.onChange();
  }

  private time(): string {
    return new Date(this.context.clock.now()).toISOString();
  }
}

function exitProblem(desired: DesiredInstance, exit: Exit): Problem {
  return problem('SERVER_EXITED', `${desired.id} ${howItEnded(exit)}`, { resource: `server/${desired.server}` });
}

function stopped(id: string): Problem {
  return problem('SERVER_EXITED', `${id} was stopped`);
}
