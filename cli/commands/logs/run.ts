import { setTimeout as sleep } from 'node:timers/promises';
import type { LogPage, Status } from '../../../reconciler/index.ts';
import { closest, ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { askDaemon, type Daemon } from '../../daemon.ts';
import { daemonHere, type Where } from '../../daemon-here.ts';
import { paint } from '../../style.ts';

export interface LogsOptions extends CliContext, Where {
  /** A server, or one instance of it: `memory`, `memory-0`. */
  name: string;
  follow?: boolean;
  /** How many of the newest lines. */
  tail?: number;
  output: 'text' | 'json';
}

/** Seconds that the daemon holds an answer back while there is nothing new. */
const WAIT = 5;
const PAUSE_MS = 200;

/**
 * Print what a server's instances wrote: the present run, and the one before it. JSON: one object on each line,
 * `{ instance, startedAt, line }`.
 * @throws ProblemError RESOURCE_NOT_FOUND, DAEMON_NOT_RUNNING, DAEMON_REFUSED, STATE_UNUSABLE, USAGE
 */
export async function runLogs(options: LogsOptions): Promise<ExitCode> {
  const { name, follow, signal } = options;
  const { daemon, status } = await daemonHere(options, options);
  const ids = instancesOf(status, name);
  const print = printer(options, ids.length > 1);
  await Promise.all(
    ids.map(async id => {
      const page = await ask(daemon, id, '');
      print(id, tailOf(page, options.tail));
      if (follow === true) await keepOn(daemon, id, page.cursor, signal, print);
    }),
  );
  return ExitCodes.ok;
}

/** @throws ProblemError RESOURCE_NOT_FOUND */
function instancesOf({ servers }: Status, wanted: string): string[] {
  const server = servers.find(({ name }) => name === wanted);
  if (server && server.instances.length > 0) return server.instances.map(({ id }) => id);
  const all = servers.flatMap(({ instances }) => instances.map(({ id }) => id));
  if (all.includes(wanted)) return [wanted];
  if (server) {
    const message = `the server \`${wanted}\` has no instance`;
    throw new ProblemError(problem('RESOURCE_NOT_FOUND', message, { hint: `mcpctl why ${wanted}` }));
  }
  const meant = closest(wanted, [...servers.map(({ name }) => name), ...all]);
  const hint = meant === undefined ? '`mcpctl status` lists the servers.' : `Did you mean \`${meant}\`?`;
  throw new ProblemError(problem('RESOURCE_NOT_FOUND', `the daemon runs no server \`${wanted}\``, { hint }));
}

async function keepOn(
  daemon: Daemon,
  id: string,
  from: string,
  signal: AbortSignal,
  print: (id: string, runs: LogPage['runs']) => void,
): Promise<void> {
  let cursor = from;
  while (!signal.aborted) {
    try {
      const page = await ask(daemon, id, cursor, signal);
      print(id, page.runs);
      cursor = page.cursor;
      // Lines that come in floods are fetched in a few large pages.
      await sleep(PAUSE_MS, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

async function ask(daemon: Daemon, id: string, cursor: string, signal?: AbortSignal): Promise<LogPage> {
  const query = new URLSearchParams({ after: cursor, wait: String(signal ? WAIT : 0) });
  return (await askDaemon(
    daemon,
    'GET',
    `/api/v1/instances/${encodeURIComponent(id)}/logs?${query}`,
    signal,
  )) as LogPage;
}

/** The newest lines over all runs. */
function tailOf({ runs }: LogPage, tail: number | undefined): LogPage['runs'] {
  if (tail === undefined) return runs;
  let left = tail;
  const kept: LogPage['runs'] = [];
  for (const { startedAt, lines } of runs.toReversed()) {
    if (left > 0) kept.unshift({ startedAt, lines: lines.slice(-left) });
    left -= lines.length;
  }
  return kept;
}

/** Where several instances write, each line names its own; a new start is told on stderr. */
function printer({ io, output }: LogsOptions, several: boolean): (id: string, runs: LogPage['runs']) => void {
  const last = new Map<string, string>();
  return (id, runs) => {
    for (const { startedAt, lines } of runs) {
      const before = last.get(id);
      last.set(id, startedAt);
      if (output === 'json') {
        io.stdout(lines.map(line => `${JSON.stringify({ instance: id, startedAt, line })}\n`).join(''));
        continue;
      }
      if (before !== undefined && before !== startedAt) io.stderr(paint(io, 'dim', `── ${id} started ${startedAt}\n`));
      const prefix = several ? paint(io, 'cyan', `${id} │ `) : '';
      io.stdout(lines.map(line => `${prefix}${line}\n`).join(''));
    }
  };
}
