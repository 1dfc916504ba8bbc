import type { Forge, Workspace } from '../../repo/forges/index.ts';
import { withSnapshots } from '../../repo/index.ts';
import { type Problem, ProblemError } from '../../schema/index.ts';
import { compareProposal } from './compare.ts';
import { examine } from './examine.ts';
import { reportOf } from './report.ts';

/**
 * Show what a proposal would do where it is discussed, if there is such a place. It was published a moment ago.
 * @returns what kept it from being shown
 */
export async function reportProposal(workspace: Workspace, forge: Forge, id: string): Promise<Problem | undefined> {
  const { report } = forge;
  if (!report) return undefined;
  try {
    await forge.refresh();
    const [proposal] = await forge.list({ only: id });
    if (!proposal) return undefined;
    await withSnapshots(workspace, workspace.env, async snapshots => {
      const examined = await examine(workspace, snapshots, forge, proposal);
      const { risks } = await compareProposal(workspace, snapshots, examined);
      await report(reportOf(examined, risks));
    });
    return undefined;
  } catch (error) {
    if (error instanceof ProblemError) return error.problem;
    throw error;
  }
}
