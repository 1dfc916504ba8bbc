import { resolve } from 'node:path';
import { accept, desiredItems, type Good, plan } from '../../../reconciler/index.ts';
import { environmentsOf, type ParsedFile, type Problem, type ResourceId, sortProblems } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { readFiles } from '../../read-files.ts';
import { findRoot } from '../../repository-root.ts';
import { done, showProblem } from '../../style.ts';
import { table } from '../../table.ts';

export interface PlanOptions extends CliContext {
  /** The folder that has `mcpctl.yaml`; left out, it is looked for in `dir` and above. */
  folder?: string;
  dir: string;
  environment?: string;
  from: string;
  to?: string;
  exitCode?: boolean;
  output: 'table' | 'json';
}

/**
 * Show what going from one revision to another would do: what the loop itself would decide, problems included.
 * JSON: `{ from, to, steps: PlanStep[], problems: Problem[] }`, without anything observed and without times.
 */
export async function runPlan(options: PlanOptions): Promise<ExitCode> {
  const { io, cwd, dir, environment, from, to, exitCode, output } = options;
  const folder = options.folder === undefined ? (findRoot(cwd, dir) ?? dir) : resolve(cwd, dir, options.folder);
  const files = await readFiles(options, folder, { at: from });
  // An environment may be new: then no patch of it is in service.
  const known = environmentsOf(files).find(name => name === environment);
  const before = service(files, new Map(), from, known);
  const after = service(
    await readFiles(options, folder, { at: to }),
    before.good,
    to ?? 'the working tree',
    environment,
  );
  const { steps } = plan(after.items, before.items);
  const problems = sortProblems(after.problems);
  if (output === 'json') {
    io.stdout(`${JSON.stringify({ from, to: to ?? null, steps, problems }, undefined, 2)}\n`);
  } else {
    const rows = steps.map(({ op, id, because }) => [op, id, because]);
    if (rows.length > 0) io.stdout(table([['OPERATION', 'WHAT', 'BECAUSE'], ...rows]));
    else done(io, `nothing to do: ${to ?? 'the working tree'} is what ${from} is`);
    for (const found of problems) io.stderr(showProblem(io, found));
  }
  if (problems.some(({ severity }) => severity === 'error')) return ExitCodes.failed;
  return exitCode === true && steps.length > 0 ? ExitCodes.differences : ExitCodes.ok;
}

/** What would be in service after a revision was taken over. */
function service(
  files: ParsedFile[],
  good: ReadonlyMap<ResourceId, Good>,
  revision: string,
  environment: string | undefined,
): { items: ReturnType<typeof desiredItems>; good: ReadonlyMap<ResourceId, Good>; problems: Problem[] } {
  const outcome = accept(files, good, revision, { environment });
  if ('refused' in outcome) return { items: [], good, problems: outcome.refused };
  return { items: desiredItems(outcome.catalog), good: outcome.good, problems: outcome.problems };
}
