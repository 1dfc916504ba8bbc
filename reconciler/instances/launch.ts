import { type Clock, type Slots, within } from '../../host/index.ts';
import { type Problem, problem } from '../../schema/index.ts';
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

/** What an instance is started from: a process to launch, or the address of an external server. */
export type Launch = { launch: LaunchSpec } | { external: External };

/** An external server; its headers may hold secrets. */
export interface External {
  url: string;
  headers: Readonly<Record<string, string>>;
  sse: boolean;
  /** Values that must never appear in a message. */
  secrets: readonly string[];
}

/** What a launch needs of the world. */
export interface LaunchContext {
  runtime: Runtime;
  clock: Clock;
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
  /** Milliseconds until what it needs must be there, and then until the runtime must have started it: a package or an image may have to be made first. */
  launchTimeoutMs: number;
}

/** Told while a launch is under way. */
export interface LaunchWatch {
  /** By when it will have come as far as it can, or have failed. Milliseconds since the epoch. */
  onDeadline(at: number): void;
  onProcess(running: RunningInstance): void;
  /** What is wrong but ends nothing. */
  onNotice(found: Problem): void;
}

/** An instance that has answered `initialize`. */
export interface Launched {
  upstream: Upstream;
  startMs: number;
  /** Settles with the reason when the instance is lost. */
  lost: Promise<Problem>;
  /** Without the secrets that it was started with. */
  secrets: readonly string[];
}

/** A slow start must not hold up its neighbours: it keeps its slot for at most this long, in milliseconds. */
const SLOT_MS = 2_000;

/** How long a process that closed its output has to exit and tell why, in milliseconds. */
const LAST_WORDS_MS = 1_000;

/** One attempt: from resolved secrets and a free slot to an answered `initialize` and listed tools. */
export async function launchInstance(
  desired: DesiredInstance,
  context: LaunchContext,
  watch: LaunchWatch,
  signal: AbortSignal,
): Promise<Launched | { problem: Problem }> {
  const { clock, launchTimeoutMs } = context;
  watch.onDeadline(clock.now() + launchTimeoutMs);
  const prepared = await inTime(unlessAborted(context.prepare(desired, signal), desired.id, signal), desired, context);
  if ('problem' in prepared) return prepared;
  const slot = isScheduled(prepared, context) ? undefined : await context.slots.take(signal);
  const over = new AbortController();
  void clock.sleep(SLOT_MS, over.signal).then(() => slot?.());
  try {
    if (signal.aborted) return { problem: stopped(desired.id) };
    watch.onDeadline(clock.now() + launchTimeoutMs + context.initializeTimeoutMs);
    const began = context.clock.ticks();
    const connected = await connectTo(prepared, { desired, context, watch, signal });
    return 'problem' in connected ? connected : { ...connected, startMs: Math.round(context.clock.ticks() - began) };
  } finally {
    over.abort();
  }
}

function isScheduled(prepared: Launch, { runtime }: LaunchContext): boolean {
  return 'launch' in prepared && runtime.schedules?.(prepared.launch) === true;
}

/** Nothing was started yet, so that nobody needs to wait for a preparation that does not let go. */
function unlessAborted<T>(work: Promise<T>, id: string, signal: AbortSignal): Promise<T | { problem: Problem }> {
  const aborted = new Promise<{ problem: Problem }>(resolve => {
    const give = () => resolve({ problem: stopped(id) });
    if (signal.aborted) give();
    signal.addEventListener('abort', give, { once: true });
    const letGo = () => signal.removeEventListener('abort', give);
    void work.then(letGo, letGo);
  });
  return Promise.race([work, aborted]);
}

interface Attempt {
  desired: DesiredInstance;
  context: LaunchContext;
  watch: LaunchWatch;
  signal: AbortSignal;
}

type Connected = Omit<Launched, 'startMs'>;

async function connectTo(prepared: Launch, attempt: Attempt): Promise<Connected | { problem: Problem }> {
  if ('launch' in prepared) return startProcess(prepared.launch, attempt);
  const { url, headers, sse, secrets } = prepared.external;
  const upstream = await connect({ kind: 'http', url, headers, sse }, secrets, attempt);
  return 'problem' in upstream ? upstream : { upstream, secrets, lost: upstream.closed };
}

async function startProcess(spec: LaunchSpec, attempt: Attempt): Promise<Connected | { problem: Problem }> {
  const { desired, context, watch, signal } = attempt;
  const running = await inTime(context.runtime.ensure(spec), desired, context);
  if ('problem' in running) return running;
  if (signal.aborted) return { problem: stopped(desired.id) };
  watch.onProcess(running);
  const exited = running.exited.then(exit => exitProblem(desired, exit));
  const upstream = await Promise.race([speakWith(spec, attempt), exited.then(found => ({ problem: found }))]);
  if ('problem' in upstream) return { problem: await explain(upstream.problem, running, exited, context.clock) };
  const closed = upstream.closed.then(found => preferExit(found, exited, context.clock));
  return { upstream, secrets: spec.secrets, lost: Promise.race([closed, exited]) };
}

/** A runtime knows where a server listens, not how it is spoken with. */
function spoken(connection: Connection, { transport }: LaunchSpec): Connection {
  return connection.kind === 'http' ? { ...connection, sse: transport === 'sse' } : connection;
}

async function speakWith(spec: LaunchSpec, attempt: Attempt): Promise<Upstream | { problem: Problem }> {
  const { desired, context } = attempt;
  const connection = await inTime(context.runtime.connect(spec.id), desired, context);
  return 'problem' in connection ? connection : connect(spoken(connection, spec), spec.secrets, attempt);
}

/** What does not answer is a reason to try again, not to wait for ever. */
function inTime<T>(
  work: Promise<T>,
  { id, server }: DesiredInstance,
  { clock, launchTimeoutMs }: LaunchContext,
): Promise<T | { problem: Problem }> {
  return within(clock, launchTimeoutMs, work, () => {
    const message = `${id} was not started within ${launchTimeoutMs} ms`;
    return { problem: problem('SERVER_START_TIMEOUT', message, { resource: `server/${server}` }) };
  });
}

function connect(connection: Connection, secrets: readonly string[], { desired, context, watch, signal }: Attempt) {
  const { initializeTimeoutMs: timeoutMs } = context;
  return context.connect(connection, { name: desired.server, timeoutMs, secrets, signal, onProblem: watch.onNotice });
}

/** The best reason there is: a closed pipe is usually a process about to exit, whose last words say more. */
async function explain(
  found: Problem,
  running: RunningInstance,
  exited: Promise<Problem>,
  clock: Clock,
): Promise<Problem> {
  if (found.code === 'SERVER_EXITED') return preferExit(found, exited, clock);
  const last = running.logs().at(-1);
  return last === undefined ? found : { ...found, message: `${found.message}; its last line: ${last}` };
}

function preferExit(found: Problem, exited: Promise<Problem>, clock: Clock): Promise<Problem> {
  return Promise.race([exited, clock.sleep(LAST_WORDS_MS).then(() => found)]);
}

function exitProblem(desired: DesiredInstance, exit: Exit): Problem {
  return problem('SERVER_EXITED', `${desired.id} ${howItEnded(exit)}`, { resource: `server/${desired.server}` });
}

function stopped(id: string): Problem {
  return problem('SERVER_EXITED', `${id} was stopped`);
}
