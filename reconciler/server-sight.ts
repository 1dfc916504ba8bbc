import { type Problem, problem } from '../schema/index.ts';
import type { Condition, InstanceStatus, RolloutStatus } from './status.ts';

export type Draft = Omit<Condition, 'since' | 'observedRevision'>;

/** What the instances of a server amount to. Pure. */
export interface ServerSight {
  ready: Draft;
  degraded: Draft;
}

/** @param replicas how many instances are declared */
export function serverSight(
  instances: readonly InstanceStatus[],
  replicas: number,
  rollout: RolloutStatus | undefined,
): ServerSight {
  return { ready: readyDraft(instances, replicas, rollout), degraded: degradedDraft(instances, rollout) };
}

function readyDraft(instances: readonly InstanceStatus[], replicas: number, rollout: RolloutStatus | undefined): Draft {
  const no = (reason: string, message: string): Draft => ({ type: 'Ready', status: 'False', reason, message });
  if (rollout) return no(`Rollout${rollout.state}`, rollout.message);
  const live = instances.filter(({ state }) => state !== 'Stopping');
  const ready = live.filter(one => one.ready).length;
  const count = `${ready} of ${replicas} ready`;
  if (ready === replicas && live.length === replicas) {
    return { type: 'Ready', status: 'True', reason: 'InstancesReady', message: count };
  }
  const blocked = live.find(({ reason }) => reason === 'Blocked');
  if (blocked?.message !== undefined) return no('Blocked', blocked.message);
  const running = live.some(({ state }) => state === 'Running');
  const still = ready === 0 && running ? '; none is ready, calls go to what runs' : '';
  return no(troubleReason(live), `${troubleOf(live) ?? count}${still}`);
}

function degradedDraft(instances: readonly InstanceStatus[], rollout: RolloutStatus | undefined): Draft {
  const yes = (reason: string, message: string): Draft => ({ type: 'Degraded', status: 'True', reason, message });
  // One that failed and is tried again has not recovered before it runs.
  const failed = instances.find(one => one.state === 'Error' || (one.state === 'Starting' && one.problem));
  if (failed) return yes('InstancesFailing', failed.problem?.message ?? '');
  if (rollout?.problem) return yes(`Rollout${rollout.state}`, rollout.message);
  const ill = instances.find(({ health }) => health !== undefined && health.failures > 0);
  if (ill) return yes('ChecksFailing', `${ill.id}: ${ill.health?.message ?? ''}`);
  return { type: 'Degraded', status: 'False', reason: 'AsDeclared', message: '' };
}

/** What is wrong with the first instance that something is wrong with. */
function troubleOf(instances: readonly InstanceStatus[]): string | undefined {
  const failed = instances.find(({ problem: found }) => found !== undefined);
  if (failed?.problem) return `${failed.reason === 'CrashLoop' ? 'crash loop: ' : ''}${failed.problem.message}`;
  const ill = instances.find(one => one.state === 'Running' && !one.ready);
  return ill && `${ill.id} does not pass its checks: ${ill.health?.message ?? 'they are still under way'}`;
}

function troubleReason(instances: readonly InstanceStatus[]): string {
  const reasons = instances.flatMap(({ reason }) => reason ?? []);
  return (
    (['CrashLoop', 'StartFailing', 'Unhealthy', 'NotReady'] as const).find(one => reasons.includes(one)) ??
    'InstancesNotReady'
  );
}

/** What is wrong with one instance, in the list of all problems. */
export function instanceProblems({ id, state, problem: found, health, notices = [] }: InstanceStatus): Problem[] {
  if (found && state === 'Error') return [found, ...notices];
  if (health?.state !== 'unhealthy') return notices;
  return [problem('SERVER_UNHEALTHY', `${id} does not pass its checks: ${health.message ?? ''}`), ...notices];
}
