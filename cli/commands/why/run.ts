import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { daemonHere, findDaemonOf, type Where } from '../../daemon-here.ts';
import { loadCatalog } from '../../load-catalog.ts';
import { paint } from '../../style.ts';
import { liveSteps } from './live.ts';
import { offlineSteps, type Step } from './offline.ts';
import { subjectOf } from './subject.ts';

export interface WhyOptions extends CliContext, Where {
  /** `memory`, `prompt/tour`, `everything__echo`. */
  name: string;
  project?: string;
  output: 'text' | 'json';
}

/**
 * Tell why something is not there: step by step from the working tree to what clients see. Exits 0 when it is there,
 * as far as can be told, and 1 when it is not. JSON: `{ name, there, steps }`.
 * @throws ProblemError USAGE, RESOURCE_NOT_FOUND, STATE_UNUSABLE, DAEMON_*, and those of `loadCatalog`
 */
export async function runWhy(options: WhyOptions): Promise<ExitCode> {
  const { io, name, project, output } = options;
  const loaded = await loadCatalog(options, options);
  const subject = subjectOf(loaded, name, options);
  const offline = offlineSteps(loaded, subject, project);
  const id = loaded.catalog.repository?.spec.id;
  const here =
    (options.stateDir ?? options.server ?? options.context) !== undefined
      ? await daemonHere(options, options)
      : id === undefined
        ? undefined
        : await findDaemonOf(options, id);
  const live = here ? await liveSteps(here, subject, project) : [noDaemon];
  // A tool is declared nowhere: when it is offered, that is all there is to say.
  const isOffered = !subject.declared && live.some(({ answer }) => answer === 'yes');
  const steps = isOffered ? live : subject.declared ? [...offline, ...live] : offline;
  const there = steps.every(({ answer }) => answer !== 'no');
  if (output === 'json') io.stdout(`${JSON.stringify({ name, there, steps }, undefined, 2)}\n`);
  else io.stdout(steps.map(step => show(options, step)).join(''));
  return there ? ExitCodes.ok : ExitCodes.failed;
}

const noDaemon: Step = {
  answer: 'unknown',
  text: 'no daemon on this machine has this repository in service',
  next: 'mcpctl up',
};

function show({ io }: WhyOptions, { answer, text, next }: Step): string {
  const sign = { yes: paint(io, 'green', '✔'), no: paint(io, 'red', '✗'), unknown: paint(io, 'yellow', '?') }[answer];
  return `${sign} ${text}\n${next === undefined ? '' : `  → ${next}\n`}`;
}
