import { holds, type InstanceStatus, type ProjectStatus, type ServerStatus, type Status } from '../reconciler/index.ts';
import type { Io } from './context.ts';
import { oneLine } from './output.ts';
import { paint, shortCommit, showProblem } from './style.ts';
import { table } from './table.ts';
import { trustLine } from './trust-line.ts';

const MAX_WHY = 100;
const MAX_DRIFT = 3;

/** One line of the tree. */
interface Node {
  name: string;
  ready?: boolean;
  state: string;
  restarts?: number;
  revision?: string;
  offers?: string;
  why: string;
  below: Node[];
}

/**
 * The status of a daemon as a person reads it: the repository, its projects, their servers, their instances, each with
 * the reason why it is not Ready. A server's instances stand below the first project that has it.
 * @param url the gateway's address
 */
export function statusTree(io: Io, status: Status, url: string): string {
  const rows = [
    ['NAME', 'READY', 'STATE', 'RESTARTS', 'REVISION', 'OFFERS', 'WHY'],
    ...forest(status, url).flatMap(node => rowsOf(node, '', '')),
  ];
  const parts = [table(headOf(io, status)), rows.length > 1 ? table(rows) : ''];
  const caveat = status.servers.flatMap(({ conditions }) => conditions).find(({ type }) => type === 'Unsandboxed');
  if (caveat) parts.push(`${paint(io, 'yellow', '!')} Unsandboxed: ${caveat.message}\n`);
  if (status.problems.length > 0) parts.push(status.problems.map(found => showProblem(io, found)).join(''));
  return parts.filter(part => part !== '').join('\n');
}

function headOf(io: Io, status: Status): string[][] {
  const { repository, revision, conditions, suspendedSince, prune, drift = [] } = status;
  const ready = conditions.find(({ type }) => type === 'Ready');
  const head = [
    ['repository', `${repository.display}${repository.path === '' ? '' : ` (${repository.path})`}, ${repository.ref}`],
    ['revision', revisionLine(revision)],
    ['trust', trustLine(status)],
    [
      'ready',
      ready?.status === 'True' ? paint(io, 'green', 'True') : `${paint(io, 'red', 'False')}: ${ready?.message}`,
    ],
  ];
  if (suspendedSince !== undefined) {
    const since = `since ${suspendedSince}; \`mcpctl resume\` ends it`;
    head.push(['suspended', `${paint(io, 'yellow', 'no commit is taken over')} ${since}`]);
  }
  if (status.backoff) {
    const { seconds, from } = status.backoff;
    head.push(['backoff', `${seconds.join(', ')} s after failing starts, as ${from} says`]);
  }
  if (prune?.held) {
    const { commit, removes } = prune.held;
    const allow = `\`mcpctl reconcile --allow-prune ${shortCommit(commit)}\``;
    head.push(['held back', `${paint(io, 'yellow', listed(removes))}; if it is meant: ${allow}`]);
  }
  if (prune && prune.kept.length > 0) head.push(['kept', `${listed(prune.kept)}, not declared any more`]);
  if (drift.length > 0) {
    const told = drift.slice(0, MAX_DRIFT).map(({ id, because }) => `${id}: ${oneLine(because)}`);
    const more = drift.length > MAX_DRIFT ? `; and ${drift.length - MAX_DRIFT} more` : '';
    const cure = `; \`mcpctl restart ${drift[0]?.id}\` replaces it`;
    head.push(['changed', `${paint(io, 'yellow', told.join('; '))}${more}${cure}`]);
  }
  if (prune && prune.failed.length > 0) head.push(['not ended', paint(io, 'red', listed(prune.failed))]);
  return head;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 6).join(', ');
  return names.length > 6 ? `${shown} and ${names.length - 6} more` : shown;
}

function revisionLine({ fetched, applied }: Status['revision']): string {
  const line = shortCommit(applied);
  return fetched === applied || fetched === undefined ? line : `${line} (newest seen: ${shortCommit(fetched)})`;
}

function forest({ projects, servers }: Status, url: string): Node[] {
  const byName = new Map(servers.map(server => [server.name, server]));
  const shown = new Set<string>();
  const below = (names: readonly string[]) =>
    names.flatMap(name => {
      const server = byName.get(name);
      if (!server) return [];
      const first = !shown.has(name);
      shown.add(name);
      return [serverNode(server, first)];
    });
  const nodes = projects.map(project => projectNode(project, url, below(project.servers)));
  const rest = below(servers.map(({ name }) => name).filter(name => !shown.has(name)));
  return rest.length === 0 ? nodes : [...nodes, { name: 'in no project', state: '', why: '', below: rest }];
}

function projectNode(
  { name, conditions, endpoint, revision, prompts }: ProjectStatus,
  url: string,
  below: Node[],
): Node {
  return {
    name: `project ${name}`,
    ready: holds(conditions, 'Ready'),
    state: `${url}${endpoint}`,
    revision,
    offers: counted([[prompts.length, 'prompt']]),
    why: whyOf(conditions),
    below,
  };
}

/** @param first whether its instances are shown */
function serverNode(server: ServerStatus, first: boolean): Node {
  const { name, conditions, instances, revision, tools, prompts, suspendedSince } = server;
  const live = instances.filter(({ state }) => state !== 'Stopping');
  return {
    name: `server ${name}`,
    ready: holds(conditions, 'Ready'),
    state: `${live.filter(({ ready }) => ready).length}/${live.length}${suspendedSince === undefined ? '' : ' (suspended)'}`,
    restarts: instances.reduce((sum, instance) => sum + instance.restarts, 0),
    revision,
    offers: counted([
      [tools, 'tool'],
      [prompts, 'prompt'],
    ]),
    why: whyOf(conditions),
    below: first ? instances.map(instanceNode) : [],
  };
}

function instanceNode({
  id,
  ready,
  state,
  reason,
  restarts,
  health,
  nextRetryAt,
  problem,
  message,
}: InstanceStatus): Node {
  const ill = health && health.state !== 'healthy' && reason !== 'Unhealthy' ? health.state : undefined;
  const more = [reason, ill].filter(Boolean);
  const again = nextRetryAt === undefined ? '' : `; tried again at ${nextRetryAt}`;
  return {
    name: id,
    ready,
    state: more.length > 0 ? `${state} (${more.join(', ')})` : state,
    restarts,
    why: `${shortened(oneLine(problem?.message ?? message ?? health?.message ?? ''))}${again}`,
    below: [],
  };
}

function counted(counts: readonly (readonly [count: number, what: string])[]): string {
  return counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}${count === 1 ? '' : 's'}`)
    .join(', ');
}

/** Cut short: the problems below the tree tell it whole. */
function whyOf(conditions: Status['conditions']): string {
  const stalled = conditions.find(({ type, status }) => type === 'Stalled' && status === 'True');
  const ready = conditions.find(({ type, status }) => type === 'Ready' && status === 'False');
  const held = stalled?.reason === 'PruneHeld' ? stalled.message : undefined;
  const drift = conditions.find(
    ({ type, status, reason }) => type === 'Degraded' && status === 'True' && reason === 'Drift',
  );
  const changed = drift && `changed, and left so: ${drift.message}`;
  const said = stalled ? `Stalled at its last good revision: ${stalled.message}` : (ready?.message ?? changed ?? '');
  return shortened(oneLine(held ?? said));
}

function shortened(text: string): string {
  return text.length <= MAX_WHY ? text : `${text.slice(0, MAX_WHY - 1)}…`;
}

/** A node and everything below it, as rows. @param lead drawn before its name @param follow before what is below it */
function rowsOf(node: Node, lead: string, follow: string): string[][] {
  const { name, ready, state, restarts, revision, offers = '', why, below } = node;
  const known = ready === undefined ? '' : ready ? 'True' : 'False';
  const row = [
    `${lead}${name}`,
    known,
    state,
    restarts === undefined ? '' : String(restarts),
    revision === undefined ? '' : shortCommit(revision),
    offers,
    why,
  ];
  const rows = below.flatMap((child, index) => {
    const last = index === below.length - 1;
    return rowsOf(child, `${follow}${last ? '└── ' : '├── '}`, `${follow}${last ? '    ' : '│   '}`);
  });
  return [row, ...rows];
}
