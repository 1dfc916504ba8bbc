import { type Comparison, compareStates, type History, openHistory } from '../../../repo/history/index.ts';
import { ProblemError, problem, type ResourceId } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type CommonOptions, resolveTarget } from '../../kinds.ts';
import { historyFolder } from '../../repository-root.ts';
import { done, showProblem } from '../../style.ts';
import { type Side, sideOf } from './sides.ts';

export interface DiffOptions extends CliContext, CommonOptions {
  kind?: string;
  name?: string;
  from: string;
  to?: string;
  stateDir?: string;
  exitCode?: boolean;
  output: 'text' | 'json' | 'name';
}

/**
 * Compare two states. JSON: `{ from, to, risks, files: [{ path, from?, resource?, op, mode?, summary?, bytes, hunks }],
 * problems }`; `from` and `to` are commits, null the working tree. Exits 1 when the resource is in neither.
 * @throws ProblemError USAGE, RESOURCE_NOT_FOUND, READ_FAILED, DAEMON_*, and those of `resolveRevision`
 */
export async function runDiff(options: DiffOptions): Promise<ExitCode> {
  const { io, output, exitCode } = options;
  const id = subjectOf(options);
  const history = await openHistory(historyFolder(options.cwd, options.dir), options.env);
  try {
    const [from, to] = await Promise.all([
      sideOf(options, history, options.from, id),
      options.to === undefined ? undefined : sideOf(options, history, options.to, id),
    ]);
    const compared = compare(options, history, from, to, id);
    // What shows it is loaded while git works.
    const [found, show] = await Promise.all([compared, import('../../show-diff.ts')]);
    if (output === 'json') {
      const all = { from: from.commit, to: to?.commit ?? null, ...found };
      io.stdout(`${JSON.stringify(all, undefined, 2)}\n`);
    } else if (output === 'name') {
      io.stdout(found.files.map(({ path, resource }) => `${resource ?? path}\n`).join(''));
    } else io.stdout(`${show.risksText(io, found.risks)}${show.diffsText(io, found.files)}`);
    if (output === 'text' && found.files.length === 0) {
      done(io, `no difference between ${options.from} and ${options.to ?? 'the working tree'}`);
    }
    for (const one of found.problems) io.stderr(showProblem(io, one));
    return exitCode === true && found.files.length > 0 ? ExitCodes.differences : ExitCodes.ok;
  } finally {
    history.close();
  }
}

function subjectOf(options: DiffOptions): ResourceId | undefined {
  const { kind, name } = options;
  if (kind === undefined) {
    if (options.project === undefined && options.agent === undefined) return undefined;
    throw usage('`-p` and `-A` are for one resource', 'Write `mcpctl diff KIND NAME -p PROJECT`.');
  }
  const { id } = resolveTarget(kind, name, options);
  if (id === undefined) throw usage('the name of a resource is missing', 'Write `mcpctl diff KIND NAME`, or neither.');
  return id;
}

async function compare(
  options: DiffOptions,
  history: History,
  from: Side,
  to: Side | undefined,
  id: ResourceId | undefined,
): Promise<Comparison> {
  const found = to
    ? await compareStates(history, from, to, id)
    : await (await import('./to-working-tree.ts')).toWorkingTree(options, history, from, id);
  if (found) return found;
  const hint = 'See what it was called before with `mcpctl get revisions KIND NAME`.';
  throw new ProblemError(problem('RESOURCE_NOT_FOUND', `neither side has \`${id}\``, { hint }));
}

function usage(message: string, hint: string): ProblemError {
  return new ProblemError(problem('USAGE', message, { hint }));
}
