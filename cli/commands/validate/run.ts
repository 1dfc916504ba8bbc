import { link, sortProblems } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { readFiles } from '../../read-files.ts';
import { done, showProblem } from '../../style.ts';

export interface ValidateOptions extends CliContext {
  folder: string;
  at?: string;
  output: 'table' | 'json';
}

/**
 * Validate a working tree or a commit. Exits 0 when there is no error (warnings are shown), else 1.
 * JSON: `{ resources: number, problems: Problem[] }`.
 */
export async function runValidate(options: ValidateOptions): Promise<ExitCode> {
  const { io, folder, at, output } = options;
  const files = await readFiles(options, folder, at);
  const resources = files.flatMap(({ resource }) => resource ?? []);
  const broken = files.flatMap(({ id, resource }) => (id !== undefined && !resource ? [id] : []));
  const linked = link(resources, broken);
  const problems = sortProblems([...files.flatMap(file => file.problems), ...linked.problems]);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  if (output === 'json') io.stdout(`${JSON.stringify({ resources: resources.length, problems }, undefined, 2)}\n`);
  else for (const found of problems) io.stdout(showProblem(io, found));
  const summary = `${resources.length} resources, ${errors} errors, ${problems.length - errors} warnings`;
  if (errors === 0) done(io, summary);
  else io.stderr(`✗ ${summary}\n`);
  return errors === 0 ? ExitCodes.ok : ExitCodes.failed;
}
