import { compareProposal, examine, reportOf } from '../../../reconciler/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type ForgeOptions, findProposal, withForge } from '../../proposals/open-forge.ts';
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
  const { examined, report } = await withForge(options, options, async ({ workspace, snapshots, forge, refreshed }) => {
    await refreshed();
    if (!forge.report) {
      throw new ProblemError(problem('FORGE_UNUSABLE', 'a plain git remote has no place for it: use `review diff`'));
    }
    const seen = await examine(workspace, snapshots, forge, await findProposal(forge, id));
    const { risks } = await compareProposal(workspace, snapshots, seen);
    const text = reportOf(seen, risks);
    await forge.report(text);
    return { examined: seen, report: text };
  });
  for (const found of examined.preview.introduced) io.stderr(showProblem(io, found));
  done(io, `${id}: ${report.summary}`);
  return report.valid ? ExitCodes.ok : ExitCodes.failed;
}
