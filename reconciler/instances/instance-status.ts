import type { Problem } from '../../schema/index.ts';
import type { DesiredInstance } from '../plan.ts';
import type { InstanceHealth, InstanceReason, InstanceStatus } from '../status.ts';
import type { Machine } from './machine.ts';

/** What is seen of an instance besides its state machine. */
export interface Circumstances {
  /** What it waits for before it starts. */
  blocked?: string;
  /** By when its state will be another one. Milliseconds since the epoch. */
  deadline?: number;
  pid?: number;
  /** Why nothing keeps it from what it should not reach. */
  unsandboxed?: string;
  notices: readonly Problem[];
  /** Calls that are under way. */
  inFlight: number;
}

/** Everything about one instance, as `mcpctl describe instance` shows it. Times are ISO 8601. */
export interface InstanceDetail {
  server: string;
  specDigest: string;
  status: InstanceStatus;
  /** Calls that are under way. */
  inFlight: number;
  /** Failing starts in a row. */
  failures: number;
  /** The newest checks that failed, and those that mended it; oldest first. */
  healthEvents: { at: string; state: string; ok: boolean; message: string }[];
}

export function describeInstance(
  { id, server, specDigest }: DesiredInstance,
  machine: Machine,
  circumstances: Circumstances,
): InstanceDetail {
  const { blocked, deadline, pid, unsandboxed, notices, inFlight } = circumstances;
  const { state, since, restarts, startMs, attempt, lastAttemptAt, nextRetryAt, error } = machine;
  const reason = reasonOf(machine, blocked);
  const status: InstanceStatus = {
    id,
    state,
    ready: isReady(machine),
    since: time(since),
    restarts,
    attempt,
    ...(reason && { reason }),
    ...(blocked !== undefined && state === 'Pending' && { message: blocked }),
    ...(pid !== undefined && { pid }),
    ...(unsandboxed !== undefined && { unsandboxed }),
    ...(startMs !== undefined && { startMs }),
    ...(lastAttemptAt !== undefined && { lastAttemptAt: time(lastAttemptAt) }),
    ...(nextRetryAt !== undefined && { nextRetryAt: time(nextRetryAt) }),
    ...(deadline !== undefined && { deadline: time(deadline) }),
    ...(state === 'Running' && { health: healthOf(machine) }),
    ...(error && { problem: error }),
    ...(notices.length > 0 && state !== 'Starting' && { notices: [...notices] }),
  };
  const healthEvents = machine.health.events.map(({ at, ...rest }) => ({ at: time(at), ...rest }));
  return { server, specDigest, status, inFlight, failures: machine.failures, healthEvents };
}

function isReady({ state, health }: Machine): boolean {
  return state === 'Running' && (health.state === 'healthy' || health.state === 'degraded');
}

function reasonOf(machine: Machine, blocked: string | undefined): InstanceReason | undefined {
  const { state, draining, due, diedAt, failures, health } = machine;
  if (state === 'Stopping' && draining) return 'Draining';
  if (state === 'Pending' && blocked !== undefined) return 'Blocked';
  if (state === 'Error' && due) return 'Restarting';
  if (state === 'Error') return failures > 0 && isLooping(machine) ? 'CrashLoop' : 'StartFailing';
  if (state === 'Starting') return diedAt !== undefined && isLooping(machine) ? 'CrashLoop' : undefined;
  if (state !== 'Running') return undefined;
  if (health.state === 'unhealthy') return 'Unhealthy';
  return health.state === 'unknown' ? 'NotReady' : undefined;
}

/** It comes up, and dies again and again. */
function isLooping({ restarts, failures }: Machine): boolean {
  return restarts > 1 && failures > 0;
}

function healthOf({ health }: Machine): InstanceHealth {
  const last = health.events.at(-1);
  return {
    state: health.state,
    since: time(health.since),
    failures: health.failures,
    ...(last && !last.ok && health.failures > 0 && { message: last.message }),
  };
}

function time(at: number): string {
  return new Date(at).toISOString();
}
