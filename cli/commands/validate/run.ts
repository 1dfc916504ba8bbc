import { resolve } from 'node:path';
import { assembleFiles, link, sortProblems } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type At, readFiles } from '../../read-files.ts';
import { findRoot } from '../../repository-root.ts';
import { done, showProblem } from '../../style.ts';

export interface ValidateOptions extends CliContext, At {
  /** The folder that has `mcpctl.yaml`; left out, it is looked for in `dir` and above. */
  folder?: string;
  dir: string;
  environment?: string;
  output: 'table' | 'json';
}

/**
 * Validate a working tree, what is staged, or a commit. Exits 0 when there is no error (warnings are shown), else 1.
 * JSON: `{ resources: number, problems: Problem[] }`.
 * @throws ProblemError REF_INVALID, REF_NOT_FOUND, REMOTE_NOT_FOUND, READ_FAILED
 */
export async function runValidate(options: ValidateOptions): Promise<ExitCode> {
  const { io, cwd, dir, environment, output } = options;
  const folder = options.folder === undefined ? (findRoot(cwd, dir) ?? dir) : resolve(cwd, dir, options.folder);
  const files = await assembleFiles(await readFiles(options, folder, options), environment);
  const resources = files.flatMap(({ resource }) => resource ?? []);
  const broken = files.flatMap(({ id, resource }) => (id !== undefined && !resource ? [id] : []));
  const linked = link(resources, broken);
  const problems = sortProblems([...files.flatMap(file => file.problems), ...linked.problems]);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  if (output === 'json') io.stdout(`${JSON.stringify({ resources: resources.length, problems }, undefined, 2)}\n`);
  else for (const found of problems) io.stdout(showProblem(io, found));
  const summary = [
    count(resources.length, 'resource'),
    count(errors, 'error'),
    count(problems.length - errors, 'warning'),
  ].join(', ');
  if (errors === 0) done(io, summary);
  else io.stderr(`✗ ${summary}\n`);
  return errors === 0 ? ExitCodes.ok : ExitCodes.failed;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
