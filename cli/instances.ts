import type { InstanceDetail, InstanceStatus } from '../reconciler/index.ts';
import { closest, ProblemError, printYaml, problem } from '../schema/index.ts';
import type { CliContext } from './context.ts';
import type { DaemonHere } from './daemon-here.ts';
import { type Column, formatListing, harmless, type ListFormat } from './output.ts';
import { paint } from './style.ts';
import { table } from './table.ts';

/** What a command line may call instances: they run, and no file declares them, so that they are no kind. */
const WORDS = new Set(['instance', 'instances', 'inst']);

/** The instance that `KIND [NAME]` or `KIND/NAME` means; undefined when it means something else. */
export function instanceNamed(kind: string, name: string | undefined): { name?: string } | undefined {
  const [word = '', ...rest] = kind.split('/');
  if (!WORDS.has(word.toLowerCase())) return undefined;
  const called = rest.length > 0 ? rest.join('/') : name;
  return called === undefined ? {} : { name: called };
}

type Row = InstanceStatus & { server: string };

const columns: Column<Row>[] = [
  { header: 'NAME', cell: ({ id }) => id },
  { header: 'SERVER', cell: ({ server }) => server },
  { header: 'STATE', cell: ({ state, reason }) => (reason ? `${state} (${reason})` : state) },
  { header: 'READY', cell: ({ ready }) => (ready ? 'True' : 'False') },
  { header: 'HEALTH', cell: ({ health }) => health?.state ?? '' },
  { header: 'RESTARTS', cell: ({ restarts }) => String(restarts) },
  { header: 'SINCE', cell: ({ since }) => since },
  { header: 'NEXT-RETRY', wide: true, cell: ({ nextRetryAt }) => nextRetryAt ?? '' },
  { header: 'PID', wide: true, cell: ({ pid }) => (pid === undefined ? '' : String(pid)) },
  { header: 'WHY', wide: true, cell: whyOf },
];

/**
 * The instances that a daemon on this machine runs, as a listing.
 * @param names only these
 * @throws ProblemError DAEMON_NOT_RUNNING, DAEMON_REFUSED, STATE_UNUSABLE, RESOURCE_NOT_FOUND, USAGE
 */
export async function listInstances(
  context: Pick<CliContext, 'env' | 'cwd'>,
  where: { dir: string; stateDir?: string },
  names: readonly string[],
  format: ListFormat,
): Promise<string> {
  // Most of what is listed is declared in files: what speaks with a daemon is loaded for instances only.
  const { daemonHere } = await import('./daemon-here.ts');
  const here = await daemonHere(context, where);
  const all = rowsOf(here);
  for (const name of names) if (!all.some(({ id }) => id === name)) throw missing(all, name);
  const items = names.length === 0 ? all : all.filter(({ id }) => names.includes(id));
  return formatListing(
    { items, columns, name: ({ id }) => `instance/${id}`, document: item => item, yaml: one => printYaml(one) },
    format,
  );
}

/**
 * Everything about one instance. JSON: what `GET /api/v1/instances/NAME` gives.
 * @throws ProblemError DAEMON_NOT_RUNNING, DAEMON_REFUSED, STATE_UNUSABLE, RESOURCE_NOT_FOUND, USAGE
 */
export async function describeInstance(
  context: CliContext,
  where: { dir: string; stateDir?: string },
  name: string,
  output: 'text' | 'json',
): Promise<string> {
  const { daemonHere } = await import('./daemon-here.ts');
  const here = await daemonHere(context, where);
  const all = rowsOf(here);
  if (!all.some(({ id }) => id === name)) throw missing(all, name);
  const { askDaemon } = await import('./daemon.ts');
  const detail = (await askDaemon(here.daemon, 'GET', `/api/v1/instances/${name}`)) as InstanceDetail;
  if (output === 'json') return `${JSON.stringify(detail, undefined, 2)}\n`;
  return text(context, detail, here.status.drift?.find(({ id }) => id === name)?.because);
}

function rowsOf({ status }: DaemonHere): Row[] {
  return status.servers.flatMap(({ name, instances }) => instances.map(one => ({ ...one, server: name })));
}

function missing(all: readonly Row[], name: string): ProblemError {
  const meant = closest(
    name,
    all.map(({ id }) => id),
  );
  const hint = meant === undefined ? '`mcpctl get instances` lists what there is.' : `Did you mean \`${meant}\`?`;
  return new ProblemError(problem('RESOURCE_NOT_FOUND', `there is no instance \`${name}\``, { hint }));
}

/** @param changed how it was changed, where that is only reported */
function text({ io }: CliContext, detail: InstanceDetail, changed: string | undefined): string {
  const { server, specDigest, status, inFlight, failures, healthEvents } = detail;
  const { id, state, reason, since, health, nextRetryAt, deadline, lastAttemptAt, pid, startMs } = status;
  const facts: [string, string | undefined][] = [
    ['Name:', id],
    ['Server:', server],
    ['Spec:', specDigest],
    ['State:', reason ? `${state} (${reason})` : state],
    ['Since:', since],
    ['Ready:', status.ready ? 'True' : 'False'],
    ['Health:', health && `${health.state}, ${health.failures} failed checks in a row`],
    ['Process:', pid === undefined ? undefined : String(pid)],
    ['Start took:', startMs === undefined ? undefined : `${Math.round(startMs)} ms`],
    ['Calls under way:', String(inFlight)],
    ['Restarts:', String(status.restarts)],
    ['Attempt:', String(status.attempt)],
    ['Failing starts:', String(failures)],
    ['Last attempt:', lastAttemptAt],
    ['Next retry:', nextRetryAt],
    ['Deadline:', deadline],
    ['Error:', whyOf(status) || undefined],
    ['Changed:', changed],
  ];
  const rows = facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, harmless(value)]]));
  const events = healthEvents.map(({ at, state: was, message }) => [`  ${at}`, was, harmless(message)]);
  return events.length === 0 ? table(rows) : `${table(rows)}\n${paint(io, 'bold', 'Health checks:')}\n${table(events)}`;
}

function whyOf({ problem: found, message, health }: InstanceStatus): string {
  if (found) return `${found.message} [${found.code}]`;
  return message ?? health?.message ?? '';
}
