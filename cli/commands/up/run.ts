import {
  type DriftPolicy,
  holds,
  type ReconcilerEvent,
  type RuntimeName,
  type Status,
} from '../../../reconciler/index.ts';
import { asProblem, type Problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { statusTree } from '../../status-tree.ts';
import { done, paint, shortCommit, showProblem, step } from '../../style.ts';
import { type Running, startDaemon } from './daemon.ts';
import type { Role } from './roles.ts';

export interface UpOptions extends CliContext {
  repository: string;
  ref: string;
  path: string;
  environment?: string;
  stateDir?: string;
  port: number;
  /** Where servers run that name no runtime. */
  runtime: RuntimeName;
  /** What is done about instances that somebody changed. */
  drift: DriftPolicy;
  roles: Role[];
  /** The gateway's address. */
  listen: string;
  /** Names by which clients reach the gateway. */
  hostName?: string[];
  /** Seconds. */
  poll: number;
  /** Fingerprints of the ssh host's keys. */
  hostKey?: string[];
  /** Addresses that are told what happens. */
  notify?: string[];
  /** Seconds to wait after each failing start, whatever the repository says. */
  backoff?: number[];
  /** Seconds that calls under way have to end before their server does. */
  drain: number;
  /** Once, a release below the one accepted last. */
  allowRollback?: boolean;
  once?: boolean;
  /** Seconds; only with `once`. */
  timeout: number;
  output: 'table' | 'json';
}

/** Start everything, tell what happens, and stop everything when told to (or, with `once`, when all is Ready). */
export async function runUp(options: UpOptions): Promise<ExitCode> {
  const { io, signal } = options;
  const running = await startDaemon(options, event => tell(options, event)).catch((error: unknown) => {
    io.stderr(showProblem(io, asProblem(error)));
    return undefined;
  });
  if (!running) return ExitCodes.failed;
  try {
    welcome(options, running);
    return options.once === true ? await once(options, running) : await follow(options, running);
  } finally {
    if (signal.aborted) step(io, 'stopping every server');
    await running.close();
  }
}

function welcome({ io, ref }: UpOptions, running: Running): void {
  step(io, `gateway on ${running.url}, state in ${running.stateDir}`);
  if (running.workingTree) step(io, `following what is committed on ${ref}; uncommitted changes do not count`);
  if (running.newDeployKey !== undefined) {
    const line = paint(io, 'bold', running.newDeployKey);
    io.stderr(`add this as a read-only deploy key of the repository; it is shown once:\n${line}\n`);
  }
  if (running.newToken !== undefined) {
    io.stderr(`${paint(io, 'bold', 'access token (shown once):')} ${running.newToken}\n`);
  }
  if (running.mode === 'release') step(io, 'following signed releases only: a root is pinned for this repository');
  else
    io.stderr(
      `${paint(io, 'yellow', '!')} trust mode open: whoever can push to the repository decides what runs here\n`,
    );
}

/** Serve until told to stop; the first complete status is printed. */
async function follow(options: UpOptions, running: Running): Promise<ExitCode> {
  await ready(options, running, options.signal);
  if (!options.signal.aborted) {
    print(options, running, running.reconciler.status());
    await aborted(options.signal);
  }
  return ExitCodes.ok;
}

async function once(options: UpOptions, running: Running): Promise<ExitCode> {
  const enough = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeout * 1000)]);
  const isReady = await ready(options, running, enough);
  const status = running.reconciler.status();
  print(options, running, status);
  if (isReady) return ExitCodes.ok;
  if (options.signal.aborted) return ExitCodes.failed;
  options.io.stderr(notReady(options, status));
  return ExitCodes.timedOut;
}

/** Resolves with true as soon as everything is Ready, with false when the signal aborts before. */
function ready({ io }: UpOptions, running: Running, signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    const stopListening = running.reconciler.onStatus(check);
    const giveUp = () => finish(false);
    signal.addEventListener('abort', giveUp, { once: true });
    check(running.reconciler.status());
    if (signal.aborted) giveUp();

    function check(status: Status): void {
      if (!holds(status.conditions, 'Ready')) return;
      done(io, `everything declared at ${shortCommit(status.revision.applied)} is in service`);
      finish(true);
    }

    function finish(isReady: boolean): void {
      stopListening();
      signal.removeEventListener('abort', giveUp);
      resolve(isReady);
    }
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function print({ io, output }: UpOptions, running: Running, status: Status): void {
  io.stdout(output === 'json' ? `${JSON.stringify(status, undefined, 2)}\n` : statusTree(io, status, running.url));
}

function notReady({ io, timeout }: UpOptions, status: Status): string {
  const lines = [`${paint(io, 'red', '✗')} not Ready within ${timeout} s:\n`];
  const why = status.conditions.find(({ type }) => type === 'Ready');
  if (why) lines.push(`  ${why.reason}: ${why.message}\n`);
  for (const server of status.servers) {
    const condition = server.conditions.find(({ type, status: is }) => type === 'Ready' && is !== 'True');
    if (condition) lines.push(`  server/${server.name}: ${condition.reason}: ${condition.message}\n`);
  }
  return lines.join('');
}

function tell({ io }: UpOptions, event: ReconcilerEvent): void {
  if (event.type === 'problem') io.stderr(showProblem(io, event.problem));
  else if (event.type === 'instance') tellInstance(io, event.id, event.state, event.problem);
  else if (event.type === 'health')
    step(io, `${event.id} is ${event.state}${event.message ? `: ${event.message}` : ''}`);
  else if (event.type === 'suspended' || event.type === 'resumed') {
    step(io, `${event.server === undefined ? 'everything' : `server ${event.server}`} is ${event.type}`);
  } else if (event.type === 'applied') {
    const { steps } = event.plan;
    const text = steps.map(({ op, id, because }) => `\n    ${op} ${id}: ${because}`).join('');
    step(
      io,
      `commit ${shortCommit(event.commit)}: ${steps.length} ${steps.length === 1 ? 'change' : 'changes'} to instances${text}`,
    );
  }
}

function tellInstance(io: UpOptions['io'], id: string, state: string, problem: Problem | undefined): void {
  if (state === 'Running') done(io, `${id} is Running`);
  else if (state !== 'Error') step(io, `${id} ${state}`);
  else if (problem) io.stderr(showProblem(io, problem));
}
