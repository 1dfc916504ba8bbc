/** How an instance is watched. Times in milliseconds. */
export interface HealthPolicy {
  /** A tool that has to answer before the instance is given calls; without it, listing what it offers is enough. */
  tool?: { name: string; arguments: Readonly<Record<string, unknown>> };
  intervalMs: number;
  timeoutMs: number;
  /** Failures in a row that make it unhealthy. */
  failureThreshold: number;
  /** Whether an instance that becomes unhealthy is restarted. */
  restart: boolean;
}

export const defaultHealthPolicy: HealthPolicy = {
  intervalMs: 30_000,
  timeoutMs: 10_000,
  failureThreshold: 3,
  restart: false,
};

/** `unknown`: it has to show first that its tool answers. */
export type HealthState = 'unknown' | 'healthy' | 'degraded' | 'unhealthy';

/** What came of one check; `message` has the server's own words when it failed. */
export interface CheckResult {
  ok: boolean;
  message: string;
}

/** Something worth remembering: a failed check, or the first good one after it. `at` is milliseconds since the epoch. */
export interface HealthEvent extends CheckResult {
  at: number;
  state: HealthState;
}

export interface Health {
  state: HealthState;
  /** Milliseconds since the epoch. */
  since: number;
  /** Failed checks in a row. */
  failures: number;
  /** The newest ones, oldest first. */
  events: readonly HealthEvent[];
}

const MAX_EVENTS = 50;

/** The health of an instance that has just become Running. @param events of its runs before */
export function freshHealth(policy: HealthPolicy, now: number, events: readonly HealthEvent[] = []): Health {
  return { state: policy.tool ? 'unknown' : 'healthy', since: now, failures: 0, events };
}

/** The health after one more check. */
export function afterCheck(health: Health, result: CheckResult, policy: HealthPolicy, now: number): Health {
  const failures = result.ok ? 0 : health.failures + 1;
  const state = result.ok ? 'healthy' : stateAfter(failures, health.state, policy);
  const changed = state !== health.state;
  const event: HealthEvent = { at: now, state, ...result };
  return {
    state,
    since: changed ? now : health.since,
    failures,
    events: changed || !result.ok ? [...health.events, event].slice(-MAX_EVENTS) : health.events,
  };
}

/** Whether an instance in this state is given calls while there are others. */
export function takesCalls({ state }: Health): boolean {
  return state === 'healthy' || state === 'degraded';
}

function stateAfter(failures: number, before: HealthState, { failureThreshold }: HealthPolicy): HealthState {
  if (failures >= failureThreshold || before === 'unhealthy') return 'unhealthy';
  return before === 'unknown' ? 'unknown' : 'degraded';
}
