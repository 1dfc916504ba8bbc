import type { Family, Labels } from '../../host/index.ts';
import type { InstanceStatus, ServerStatus, Status } from '../status.ts';

/** Servers beyond this many are told together. */
const MAX_SERVERS = 1_000;
const OTHER = '_OTHER';
const STATES: readonly InstanceStatus['state'][] = ['Pending', 'Starting', 'Running', 'Error', 'Stopping'];

/** What the status says, as metrics. */
export function statusFamilies(status: Status): Family[] {
  const { revision, repository, conditions, servers, problems } = status;
  const shown = bounded(servers);
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
      counted(shown, ({ instances }) =>
        STATES.map(state => [{ state }, instances.filter(one => one.state === state).length]),
      ),
    ),
    gauge(
      'mcpctl_instances_unhealthy',
      'Running instances of a server whose checks fail.',
      counted(shown, ({ instances }) => [[{}, instances.filter(({ health }) => health?.state === 'unhealthy').length]]),
    ),
    {
      name: 'mcpctl_instance_restarts_total',
      help: 'How often instances of a server that exist now were started again after they had ended by themselves.',
      type: 'counter',
      samples: counted(shown, ({ instances }) => [[{}, instances.reduce((sum, { restarts }) => sum + restarts, 0)]]),
    },
    gauge(
      'mcpctl_tools',
      'Tools that a server lists.',
      counted(shown, ({ tools }) => [[{}, tools]]),
    ),
    gauge('mcpctl_problems', 'Problems of the newest commit and of running servers.', byCode(problems)),
  ];
}

type Named = readonly (readonly [name: string, server: ServerStatus])[];

function bounded(servers: readonly ServerStatus[]): Named {
  return servers.map((server, index) => [index < MAX_SERVERS ? server.name : OTHER, server]);
}

/** The values of each server, those of one name added up. */
function counted(servers: Named, values: (server: ServerStatus) => [Labels, number][]): Family['samples'] {
  const sums = new Map<string, { labels: Labels; value: number }>();
  for (const [name, server] of servers) {
    for (const [labels, value] of values(server)) {
      const key = JSON.stringify([name, labels]);
      const sum = sums.get(key) ?? { labels: { mcpctl_server: name, ...labels }, value: 0 };
      sums.set(key, { ...sum, value: sum.value + value });
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
