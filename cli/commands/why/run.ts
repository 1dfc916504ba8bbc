import { ProblemError } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type DaemonHere, daemonHere, findDaemonOf, type Where } from '../../daemon-here.ts';
import { loadCatalog } from '../../load-catalog.ts';
import { paint } from '../../style.ts';
import { liveSteps } from './live.ts';
import { offlineSteps, type Step } from './offline.ts';
import { removedSteps } from './removed.ts';
import { type Subject, subjectOf } from './subject.ts';

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
  const { project } = options;
  const loaded = await loadCatalog(options, options);
  const id = loaded.catalog.repository?.spec.id;
  const here =
    (options.stateDir ?? options.server ?? options.context) !== undefined
      ? await daemonHere(options, options)
      : id === undefined
        ? undefined
        : await findDaemonOf(options, id);
  const subject = await subjectHere(options, loaded, here);
  if (Array.isArray(subject)) return tell(options, subject);
  const offline = offlineSteps(loaded, subject, project);
  const live = here ? await liveSteps(here, subject, project) : [noDaemon];
  // A tool is declared nowhere: when it is offered, that is all there is to say.
  const isOffered = !subject.declared && live.some(({ answer }) => answer === 'yes');
  return tell(options, isOffered ? live : subject.declared ? [...offline, ...live] : offline);
}

/** What is asked after; where nothing of that name is declared, what became of it, if a daemon knows. */
async function subjectHere(
  options: WhyOptions,
  loaded: Awaited<ReturnType<typeof loadCatalog>>,
  here: DaemonHere | undefined,
): Promise<Subject | Step[]> {
  const { name } = options;
  const gone = () => (here ? removedSteps(here, name) : []);
  let subject: Subject;
  try {
    subject = subjectOf(loaded, name, options);
  } catch (error) {
    const steps = error instanceof ProblemError && error.problem.code === 'RESOURCE_NOT_FOUND' ? await gone() : [];
    if (steps.length === 0) throw error;
    return steps;
  }
  const steps = subject.declared || subject.tool !== undefined ? [] : await gone();
  return steps.length > 0 ? steps : subject;
}

function tell(options: WhyOptions, steps: readonly Step[]): ExitCode {
  const { io, name, output } = options;
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
