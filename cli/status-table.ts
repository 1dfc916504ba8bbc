import { holds, type Status } from '../reconciler/index.ts';
import type { Io } from './context.ts';
import { oneLine } from './output.ts';
import { paint, shortCommit, showProblem } from './style.ts';
import { table } from './table.ts';

const MAX_WHY = 100;

/** The status of a daemon as a person reads it. @param url the gateway's address */
export function statusTable(io: Io, status: Status, url: string): string {
  const { repository, revision } = status;
  const ready = status.conditions.find(({ type }) => type === 'Ready');
  const head = [
    ['repository', `${repository.display}${repository.path === '' ? '' : ` (${repository.path})`}, ${repository.ref}`],
    ['revision', revisionLine(revision)],
    ['trust', 'open: nobody’s signature is checked'],
    [
      'ready',
      ready?.status === 'True' ? paint(io, 'green', 'True') : `${paint(io, 'red', 'False')}: ${ready?.message}`,
    ],
  ];
  if (status.suspendedSince !== undefined) {
    const since = `since ${status.suspendedSince}; \`mcpctl resume\` ends it`;
    head.push(['suspended', `${paint(io, 'yellow', 'no commit is taken over')} ${since}`]);
  }
  const parts = [table(head), table(serverRows(status)), table(instanceRows(status)), table(projectRows(status, url))];
  const caveat = status.servers.flatMap(({ conditions }) => conditions).find(({ type }) => type === 'Unsandboxed');
  if (caveat) parts.push(`${paint(io, 'yellow', '!')} Unsandboxed: ${caveat.message}\n`);
  if (status.problems.length > 0) parts.push(status.problems.map(found => showProblem(io, found)).join(''));
  return parts.filter(part => part !== '').join('\n');
}

function revisionLine({ fetched, applied }: Status['revision']): string {
  const line = shortCommit(applied);
  return fetched === applied || fetched === undefined ? line : `${line} (newest seen: ${shortCommit(fetched)})`;
}

function serverRows({ servers }: Status): string[][] {
  if (servers.length === 0) return [];
  const rows = servers.map(({ name, revision, conditions, instances, tools, prompts, suspendedSince }) => {
    const running = instances.filter(({ ready }) => ready).length;
    const restarts = instances.reduce((sum, instance) => sum + instance.restarts, 0);
    return [
      name,
      holds(conditions, 'Ready') ? 'True' : 'False',
      `${running}/${instances.filter(({ state }) => state !== 'Stopping').length}`,
      String(restarts),
      shortCommit(revision),
      String(tools),
      String(prompts),
      suspendedSince === undefined ? why(conditions) : `(suspended) ${why(conditions)}`.trim(),
    ];
  });
  return [['SERVER', 'READY', 'INSTANCES', 'RESTARTS', 'REVISION', 'TOOLS', 'PROMPTS', 'WHY'], ...rows];
}

/** Only those that there is something to say of. */
function instanceRows({ servers }: Status): string[][] {
  const special = servers.flatMap(({ instances }) =>
    instances.filter(({ state, ready, health }) => state !== 'Running' || !ready || health?.state !== 'healthy'),
  );
  if (special.length === 0) return [];
  const rows = special.map(({ id, state, reason, health, restarts, nextRetryAt, problem, message }) => [
    id,
    reason ? `${state} (${reason})` : state,
    health?.state ?? '-',
    String(restarts),
    nextRetryAt ?? '-',
    shortened(oneLine(problem?.message ?? message ?? health?.message ?? '')),
  ]);
  return [['INSTANCE', 'STATE', 'HEALTH', 'RESTARTS', 'NEXT-RETRY', 'WHY'], ...rows];
}

/** Cut short: the problems below the tables tell it whole. */
function why(conditions: Status['conditions']): string {
  const stalled = conditions.find(({ type, status }) => type === 'Stalled' && status === 'True');
  const ready = conditions.find(({ type, status }) => type === 'Ready' && status === 'False');
  const text = stalled ? `Stalled at its last good revision: ${stalled.message}` : (ready?.message ?? '');
  return shortened(text);
}

function shortened(text: string): string {
  return text.length <= MAX_WHY ? text : `${text.slice(0, MAX_WHY - 1)}…`;
}

function projectRows({ projects }: Status, url: string): string[][] {
  if (projects.length === 0) return [];
  const rows = projects.map(project => [
    project.name,
    holds(project.conditions, 'Ready') ? 'True' : 'False',
    shortCommit(project.revision),
    `${url}${project.endpoint}`,
    project.servers.join(',') || '-',
    project.prompts.join(',') || '-',
  ]);
  return [['PROJECT', 'READY', 'REVISION', 'ENDPOINT', 'SERVERS', 'PROMPTS'], ...rows];
}
