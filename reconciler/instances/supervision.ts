import type { Resource } from '../../schema/index.ts';
import { defaultHealthPolicy, type HealthPolicy } from './health.ts';
import type { Strategy } from './rollout.ts';

/** How a server is looked after. A change of it restarts nothing. */
export interface Supervision {
  replicas: number;
  strategy: Strategy;
  health: HealthPolicy;
  /** Servers that have to be Ready before an instance of this one starts. */
  dependsOn: readonly string[];
}

export const defaultSupervision: Supervision = {
  replicas: 1,
  strategy: 'recreate',
  health: defaultHealthPolicy,
  dependsOn: [],
};

/** How a Server asks to be looked after. */
export function supervisionOf({ spec }: Resource<'Server'>): Supervision {
  return {
    replicas: spec.replicas,
    strategy: strategyOf(spec),
    health: spec.healthCheck ? policyOf(spec.healthCheck) : defaultHealthPolicy,
    dependsOn: spec.dependsOn,
  };
}

type Spec = Resource<'Server'>['spec'];

/** Two processes cannot listen on the same port, so that one has to go before the other comes. */
function strategyOf({ strategy, transport, port, url }: Spec): Strategy {
  if (port !== undefined && url === undefined) return 'recreate';
  return strategy ?? (transport === 'stdio' ? 'recreate' : 'rolling');
}

function policyOf(check: NonNullable<Spec['healthCheck']>): HealthPolicy {
  return {
    ...(check.tool !== undefined && { tool: { name: check.tool, arguments: check.arguments ?? {} } }),
    intervalMs: check.intervalSeconds * 1000,
    timeoutMs: check.timeoutSeconds * 1000,
    failureThreshold: check.failureThreshold,
    restart: check.restart,
  };
}
