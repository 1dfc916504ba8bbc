import type { Family, Labels } from '../../host/index.ts';
import type { InstanceHealth, InstanceStatus, ServerStatus, Status } from '../status.ts';

/** Servers, and instances, beyond this many are told together. */
const MAX_NAMED = 1_000;
const OTHER = '_OTHER';
const STATES: readonly InstanceStatus['state'][] = ['Pending', 'Starting', 'Running', 'Error', 'Stopping'];
const HEALTH: readonly InstanceHealth['state'][] = ['unknown', 'healthy', 'degraded', 'unhealthy'];

/** What the status says, as metrics. */
export function statusFamilies(status: Status): Family[] {
  const { revision, repository, conditions, servers, problems } = status;
  const shown = namedServers(servers);
  const instances = namedInstances(servers);
  const gauge = (name: string, help: string, samples: Family['samples']): Family => ({
    name,
    help,
    type: 'gauge',
    samples,
  });
  return [
    gauge('mcpctl_revision_info', 'The commit that is in service.', [
      { labels: { vcs_ref_head_revision: revision.applied ?? '', vcs_ref_head_name: repository.ref }, value: 1 },
    ]),
    gauge('mcpctl_revision_pending', 'Whether a newer commit was fetched than the one in service.', [
      { labels: {}, value: Number(revision.fetched !== undefined && revision.fetched !== revision.applied) },
    ]),
    gauge(
      'mcpctl_condition',
      'Conditions of the repository: 1 true, 0 false, -1 unknown.',
      conditions.map(({ type, status: is }) => ({
        labels: { type },
        value: is === 'True' ? 1 : is === 'False' ? 0 : -1,
      })),
    ),
    gauge(
      'mcpctl_server_ready',
      'Whether a server is Ready.',
      counted(shown, ({ conditions: own }) => [
        [{}, Number(own.some(one => one.type === 'Ready' && one.status === 'True'))],
      ]),
    ),
    gauge(
      'mcpctl_instances',
      'Instances of a server by state.',
      counted(shown, ({ instances: own }) =>
        STATES.map(state => [{ state }, own.filter(one => one.state === state).length]),
      ),
    ),
    gauge(
      'mcpctl_instance_health',
      'What the checks of a running instance say: 1 for the state it is in, 0 for the others.',
      counted(instances, ({ health }) =>
        health ? HEALTH.map(state => [{ state }, Number(health.state === state)]) : [],
      ),
    ),
    {
      name: 'mcpctl_instance_restarts_total',
      help: 'How often an instance was started again after it had ended by itself.',
      type: 'counter',
      samples: counted(instances, ({ restarts }) => [[{}, restarts]]),
    },
    gauge(
      'mcpctl_tools',
      'Tools that a server lists.',
      counted(shown, ({ tools }) => [[{}, tools]]),
    ),
    gauge('mcpctl_problems', 'Problems of the newest commit and of running servers.', byCode(problems)),
  ];
}

/** What values are told of, by the labels that name it. */
type Named<T> = readonly (readonly [name: Labels, one: T])[];

function namedServers(servers: readonly ServerStatus[]): Named<ServerStatus> {
  return servers.map((server, index) => [{ mcpctl_server: index < MAX_NAMED ? server.name : OTHER }, server]);
}

function namedInstances(servers: readonly ServerStatus[]): Named<InstanceStatus> {
  const all = servers.flatMap(({ name, instances }) => instances.map(instance => [name, instance] as const));
  return all.map(([server, instance], index) => {
    const known = index < MAX_NAMED;
    return [{ mcpctl_server: known ? server : OTHER, mcpctl_instance: known ? instance.id : OTHER }, instance];
  });
}

/** The values of each one, those of one name added up. */
function counted<T>(named: Named<T>, values: (one: T) => [Labels, number][]): Family['samples'] {
  const sums = new Map<string, { labels: Labels; value: number }>();
  for (const [name, one] of named) {
    for (const [more, value] of values(one)) {
      const labels = { ...name, ...more };
      const key = JSON.stringify(labels);
      sums.set(key, { labels, value: (sums.get(key)?.value ?? 0) + value });
    }
  }
  return [...sums.values()];
}

function byCode(problems: Status['problems']): Family['samples'] {
  const counts = new Map<string, { labels: Labels; value: number }>();
  for (const { code, severity } of problems) {
    const one = counts.get(code) ?? { labels: { code, severity }, value: 0 };
    counts.set(code, { ...one, value: one.value + 1 });
  }
  return [...counts.values()];
}
