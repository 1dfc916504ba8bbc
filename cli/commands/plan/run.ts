import { resolve } from 'node:path';
import { preview } from '../../../reconciler/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { readFiles } from '../../read-files.ts';
import { findRoot, repositoryRoot } from '../../repository-root.ts';
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
 * JSON: `{ from, to, steps: PlanStep[], settings: { name, before, after }[], changes: { id, before, after }[], problems: Problem[] }`, without anything observed and without times.
 */
export async function runPlan(options: PlanOptions): Promise<ExitCode> {
  const { io, cwd, dir, environment, from, to, exitCode, output } = options;
  const folder = options.folder === undefined ? rootOf(options) : resolve(cwd, dir, options.folder);
  const before = { name: from, files: await readFiles(options, folder, { at: from }) };
  const after = { name: to ?? 'the working tree', files: await readFiles(options, folder, { at: to }) };
  const { steps, settings, changes, problems } = await preview(before, after, environment);
  if (output === 'json') {
    io.stdout(`${JSON.stringify({ from, to: to ?? null, steps, settings, changes, problems }, undefined, 2)}\n`);
  } else {
    const rows = [
      ...steps.map(({ op, id, because }) => [op, id, because]),
      ...settings.map(({ name, before, after }) => [
        'set',
        name,
        `${before ?? 'the default'} → ${after ?? 'the default'}`,
      ]),
    ];
    if (rows.length > 0) io.stdout(table([['OPERATION', 'WHAT', 'BECAUSE'], ...rows]));
    else done(io, `nothing to do: ${to ?? 'the working tree'} runs what ${from} runs`);
    for (const found of problems) io.stderr(showProblem(io, found));
  }
  if (problems.some(({ severity }) => severity === 'error')) return ExitCodes.failed;
  return exitCode === true && steps.length + settings.length > 0 ? ExitCodes.differences : ExitCodes.ok;
}

/** Two revisions may be of a bare repository; the working tree must be one of ours. */
function rootOf({ cwd, dir, to }: PlanOptions): string {
  return to === undefined ? repositoryRoot(cwd, dir) : (findRoot(cwd, dir) ?? dir);
}
