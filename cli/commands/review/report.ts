import { compareProposal, examine, reportOf } from '../../../reconciler/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type ForgeOptions, findProposal, openForge } from '../../proposals/open-forge.ts';
import { done, showProblem } from '../../style.ts';

export interface ReportOptions extends CliContext, ForgeOptions {
  id: string;
}

/**
 * Show what a proposal would do where it is discussed: one comment, and a status of its commit.
 * @returns 1 when it is not valid
 * @throws ProblemError FORGE_UNUSABLE on a remote that has no such place
 */
export async function runReport(options: ReportOptions): Promise<ExitCode> {
  const { io, id } = options;
  const { workspace, forge } = await openForge(options, options);
  if (!forge.report) {
    throw new ProblemError(problem('FORGE_UNUSABLE', 'a plain git remote has no place for it: use `review diff`'));
  }
  const examined = await examine(workspace, forge, await findProposal(forge, id));
  const { risks } = await compareProposal(workspace, examined);
  const report = reportOf(examined, risks);
  await forge.report(report);
  for (const found of examined.preview.introduced) io.stderr(showProblem(io, found));
  done(io, `${id}: ${report.summary}`);
  return report.valid ? ExitCodes.ok : ExitCodes.failed;
}
