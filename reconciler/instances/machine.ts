import type { Problem } from '../../schema/index.ts';
import type { InstanceState } from '../status.ts';
import { type Backoff, backoffDelay, failuresAfterDeath, longestDelay } from './backoff.ts';
import { afterCheck, type CheckResult, freshHealth, type Health, type HealthPolicy } from './health.ts';

/** What of an instance is kept across restarts of the daemon. Times in milliseconds since the epoch. */
export interface Attempts {
  /** Starts since it last was Running. */
  attempt: number;
  /** Failing starts in a row, a death soon after another one among them. */
  failures: number;
  lastAttemptAt?: number;
  /** When it is tried again; left out when that is at once, or when it runs. */
  nextRetryAt?: number;
  diedAt?: number;
  /** How often it ended by itself after it had been Running. */
  restarts: number;
  /** Why it does not run. */
  error?: Problem;
}

/** The life of one instance. Only `step` makes another one of it. */
export interface Machine extends Attempts {
  state: InstanceState;
  /** Milliseconds since the epoch. */
  since: number;
  /** What is left of its last run is being ended. */
  releasing: boolean;
  /** It is started as soon as nothing is left of its last run. */
  due: boolean;
  /** It is not given calls any more; those under way may end. */
  draining: boolean;
  /** Nothing is left of it, and nothing will come. */
  gone: boolean;
  startMs?: number;
  health: Health;
}

/** What happens to an instance. */
export type InstanceEvent =
  /** It may start: what it replaces is gone, and what it depends on is Ready. */
  | { type: 'begin' }
  /** It has answered `initialize` and listed what it offers. */
  | { type: 'ready'; startMs: number }
  /** It did not get that far. */
  | { type: 'failed'; problem: Problem }
  /** It was Running, and is lost. */
  | { type: 'lost'; problem: Problem }
  /** Nothing is left of its last run. */
  | { type: 'released' }
  /** The time to wait is up, or somebody does not want to wait. */
  | { type: 'retry' }
  | { type: 'checked'; result: CheckResult; problem: Problem }
  /** It shall end; with `drain`, after the calls that are under way. */
  | { type: 'stop'; drain: boolean }
  /** No call is under way any more, or they took too long. */
  | { type: 'drained' };

/** What is to be done about it, in order. */
export type InstanceEffect =
  | { type: 'start' }
  /** Check its health, now or after an interval, until the run is over. */
  | { type: 'watch'; now: boolean }
  /** End what is left of the run; `released` tells when that is done. */
  | { type: 'release' }
  | { type: 'drain' }
  /** `retry` shall come after so many milliseconds. */
  | { type: 'wait'; ms: number }
  /** Remember its attempts. */
  | { type: 'save' };

export interface MachineContext {
  backoff: Backoff;
  health: HealthPolicy;
  /** Milliseconds since the epoch. */
  now: number;
  /** From 0 to 1. */
  random: number;
}

interface Outcome {
  machine: Machine;
  effects: InstanceEffect[];
}

/** An instance that was not started yet. @param before what is remembered of it from an earlier daemon */
export function newMachine(context: Pick<MachineContext, 'health' | 'now'>, before?: Attempts): Machine {
  return {
    ...(before ?? { attempt: 0, failures: 0, restarts: 0 }),
    state: 'Pending',
    since: context.now,
    releasing: false,
    due: false,
    draining: false,
    gone: false,
    health: freshHealth(context.health, context.now),
  };
}

/** What becomes of an instance when something happens to it. Pure; an event that comes too late changes nothing. */
export function step(machine: Machine, event: InstanceEvent, context: MachineContext): Outcome {
  if (machine.gone) return { machine, effects: [] };
  if (machine.state === 'Stopping' && event.type !== 'stop') return whileStopping(machine, event);
  switch (event.type) {
    case 'begin':
      return machine.state === 'Pending' ? begin(machine, context) : { machine, effects: [] };
    case 'ready':
      return machine.state === 'Starting' ? ready(machine, event.startMs, context) : { machine, effects: [] };
    case 'failed':
      return machine.state === 'Starting' ? failed(machine, event.problem, context) : { machine, effects: [] };
    case 'lost':
      return machine.state === 'Running' ? lost(machine, event.problem, context) : { machine, effects: [] };
    case 'released':
      return startWhenDue({ ...machine, releasing: false }, context);
    case 'retry':
      return machine.state === 'Error' ? startWhenDue({ ...machine, due: true }, context) : { machine, effects: [] };
    case 'checked':
      return machine.state === 'Running' ? checked(machine, event, context) : { machine, effects: [] };
    case 'stop':
      return stop(machine, event.drain, context);
    case 'drained':
      return { machine, effects: [] };
  }
}

/** What an earlier daemon was waiting for is waited for to the end, but never longer than there is reason to. */
function begin(machine: Machine, context: MachineContext): Outcome {
  const left = Math.min((machine.nextRetryAt ?? 0) - context.now, longestDelay(context.backoff));
  if (left <= 0) return start(machine, context);
  const waiting = { ...entered(machine, 'Error', context), nextRetryAt: context.now + left };
  return { machine: waiting, effects: [{ type: 'wait', ms: left }] };
}

function start(machine: Machine, context: MachineContext): Outcome {
  const { nextRetryAt: _passed, ...rest } = machine;
  const attempt = machine.attempt + 1;
  const starting = { ...entered(rest, 'Starting', context), due: false, attempt, lastAttemptAt: context.now };
  return { machine: starting, effects: [{ type: 'start' }] };
}

function startWhenDue(machine: Machine, context: MachineContext): Outcome {
  return machine.due && !machine.releasing ? start(machine, context) : { machine, effects: [] };
}

function ready(machine: Machine, startMs: number, context: MachineContext): Outcome {
  const { error: _mended, ...rest } = machine;
  const health = freshHealth(context.health, context.now, machine.health.events);
  const running = { ...entered(rest, 'Running', context), attempt: 0, startMs, health };
  return {
    machine: running,
    effects: [{ type: 'save' }, { type: 'watch', now: context.health.tool !== undefined }],
  };
}

function failed(machine: Machine, error: Problem, context: MachineContext): Outcome {
  return backOff({ ...machine, failures: machine.failures + 1, error }, context);
}

/** The first death is no failing start: it is started again at once. */
function lost(machine: Machine, error: Problem, context: MachineContext): Outcome {
  const { now, backoff } = context;
  const failures = failuresAfterDeath(backoff, machine.failures, now, machine.diedAt);
  const dead = { ...machine, failures, diedAt: now, restarts: machine.restarts + 1, error };
  if (failures > 0) return backOff(dead, context);
  const again = { ...entered(dead, 'Error', context), releasing: true, due: true };
  return { machine: again, effects: [{ type: 'save' }, { type: 'release' }] };
}

function backOff(machine: Machine, context: MachineContext): Outcome {
  const ms = backoffDelay(context.backoff, machine.failures, context.random);
  const waiting = { ...entered(machine, 'Error', context), releasing: true, nextRetryAt: context.now + ms };
  return { machine: waiting, effects: [{ type: 'save' }, { type: 'release' }, { type: 'wait', ms }] };
}

function checked(
  machine: Machine,
  { result, problem }: Extract<InstanceEvent, { type: 'checked' }>,
  context: MachineContext,
): Outcome {
  const health = afterCheck(machine.health, result, context.health, context.now);
  const after = { ...machine, health };
  const fell = health.state === 'unhealthy' && machine.health.state !== 'unhealthy';
  return fell && context.health.restart ? lost(after, problem, context) : { machine: after, effects: [] };
}

function stop(machine: Machine, drain: boolean, context: MachineContext): Outcome {
  if (machine.state === 'Stopping') {
    // Told again, and not to wait any more.
    if (drain || !machine.draining) return { machine, effects: [] };
    return { machine: { ...machine, draining: false, releasing: true }, effects: [{ type: 'release' }] };
  }
  const draining = drain && machine.state === 'Running';
  const stopping = { ...entered(machine, 'Stopping', context), due: false, draining };
  if (draining) return { machine: stopping, effects: [{ type: 'drain' }] };
  if (machine.releasing) return { machine: stopping, effects: [] };
  return { machine: { ...stopping, releasing: true }, effects: [{ type: 'release' }] };
}

function whileStopping(machine: Machine, { type }: InstanceEvent): Outcome {
  if (type === 'released') return { machine: { ...machine, releasing: false, gone: true }, effects: [] };
  // A server that dies while it is drained has no call left to wait for.
  if ((type === 'drained' || type === 'lost') && machine.draining) {
    return { machine: { ...machine, draining: false, releasing: true }, effects: [{ type: 'release' }] };
  }
  return { machine, effects: [] };
}

function entered(machine: Machine, state: InstanceState, { now }: MachineContext): Machine {
  return { ...machine, state, since: machine.state === state ? machine.since : now };
}
