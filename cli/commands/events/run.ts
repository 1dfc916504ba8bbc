import type { TimedEvent } from '../../../reconciler/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { askDaemon, type Daemon } from '../../daemon.ts';
import { daemonHere, type Where } from '../../daemon-here.ts';
import { shortCommit } from '../../style.ts';

export interface EventsOptions extends CliContext, Where {
  watch?: boolean;
  output: 'table' | 'json';
}

/** Seconds that the daemon holds an answer back while nothing happens. */
const WAIT = 5;
/** Wide enough for most; a longer one moves its line, and no other. */
const WHAT_WIDTH = 28;

/**
 * Print what a daemon did lately, oldest first. JSON: an array of events; with `watch`, one event on each line.
 * @throws ProblemError DAEMON_NOT_RUNNING, DAEMON_REFUSED, STATE_UNUSABLE, USAGE
 */
export async function runEvents(options: EventsOptions): Promise<ExitCode> {
  const { io, output, watch, signal } = options;
  const { daemon } = await daemonHere(options, options);
  const events = await ask(daemon, 0);
  if (output === 'json' && watch !== true) io.stdout(`${JSON.stringify(events, undefined, 2)}\n`);
  else show(events);
  if (watch !== true) return ExitCodes.ok;
  let last = events.at(-1)?.sequence ?? 0;
  while (!signal.aborted) {
    try {
      const fresh = await ask(daemon, last, signal);
      show(fresh);
      last = fresh.at(-1)?.sequence ?? last;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  return ExitCodes.ok;

  function show(some: readonly TimedEvent[]): void {
    io.stdout(some.map(event => (output === 'json' ? `${JSON.stringify(event)}\n` : line(event))).join(''));
  }
}

async function ask(daemon: Daemon, after: number, signal?: AbortSignal): Promise<TimedEvent[]> {
  const wait = signal ? WAIT : 0;
  const answer = await askDaemon(daemon, 'GET', `/api/v1/events?after=${after}&wait=${wait}`, signal);
  return (answer as { events: TimedEvent[] }).events;
}

/** One event as a line: when, what kind, what about, what. */
function line(event: TimedEvent): string {
  const [type, what, text] = describeEvent(event);
  return `${event.time}  ${type.padEnd(8)}  ${what.padEnd(WHAT_WIDTH)}  ${text}`.trimEnd().concat('\n');
}

function describeEvent(event: TimedEvent): [type: string, what: string, text: string] {
  switch (event.type) {
    case 'applied': {
      const { steps } = event.plan;
      const stalled = event.stalled === 0 ? '' : `; ${event.stalled} stalled at their last good revision`;
      const done = steps.length === 0 ? 'nothing to do' : steps.map(({ op, id }) => `${op} ${id}`).join(', ');
      return ['applied', `commit/${shortCommit(event.commit)}`, `${done}${stalled}`];
    }
    case 'instance': {
      const why = event.problem ? `: ${event.problem.message}` : '';
      return ['instance', `instance/${event.id}`, `${event.state}${why}`];
    }
    case 'health':
      return ['health', `instance/${event.id}`, event.message ? `${event.state}: ${event.message}` : event.state];
    case 'suspended':
    case 'resumed':
      return [event.type, event.server === undefined ? 'everything' : `server/${event.server}`, ''];
    case 'removed': {
      const names = event.moved.map(({ from, to }) => `${from} is ${to} now`);
      const gone = event.resources.length > 0 ? [`out of service: ${event.resources.join(', ')}`] : [];
      return ['removed', `commit/${shortCommit(event.commit)}`, [...gone, ...names].join('; ')];
    }
    case 'problem': {
      const { code, message, severity, resource } = event.problem;
      return [severity, resource ?? '-', `${message} [${code}]`];
    }
  }
}
