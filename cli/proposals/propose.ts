import { compareProposal, type Draft, examine, publishDraft, reportOf } from '../../reconciler/index.ts';
import type { Forge, Workspace } from '../../repo/forges/index.ts';
import { ProblemError } from '../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes, type Io } from '../context.ts';
import { done, showProblem } from '../style.ts';
import { findProposal, type OpenForge } from './open-forge.ts';

/**
 * Publish a change as a proposal and tell about it. stdout: its id.
 * @param amend the id of one that is changed
 * @returns 1, with nothing pushed, when it would bring an error about
 * @throws ProblemError PROPOSAL_NOT_FOUND, and those of `publishDraft`
 */
export async function propose(
  { io }: CliContext,
  { workspace, forge }: OpenForge,
  draft: Omit<Draft, 'amend'>,
  amend?: string,
): Promise<ExitCode> {
  const amended = amend === undefined ? undefined : await findProposal(forge, amend);
  const { introduced, published } = await publishDraft(workspace, forge, { ...draft, amend: amended });
  for (const one of introduced) io.stderr(showProblem(io, one));
  if (!published) {
    const errors = introduced.filter(({ severity }) => severity === 'error').length;
    io.stderr(`✗ nothing was proposed: ${errors === 1 ? 'one error' : `${errors} errors`}\n`);
    return ExitCodes.failed;
  }
  const { id, url, others } = published;
  io.stdout(`${id}\n`);
  done(io, `${amended ? 'amended' : 'proposed'}: ${draft.title}${url === undefined ? '' : `, ${url}`}`);
  for (const other of others) io.stderr(`! ${other.id} is about the same: ${other.title}\n`);
  if (forge.report) await report(io, workspace, forge, id);
  io.stderr(`→ A reviewer sees what it does with \`mcpctl review diff ${id}\`.\n`);
  return ExitCodes.ok;
}

/** Where it is discussed, too. The proposal is there, whatever becomes of this. */
async function report({ stderr }: Io, workspace: Workspace, forge: Forge, id: string): Promise<void> {
  try {
    await forge.refresh();
    const examined = await examine(workspace, forge, await findProposal(forge, id));
    const { risks } = await compareProposal(workspace, examined);
    await forge.report?.(reportOf(examined, risks));
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    stderr(`! what it does could not be shown there: ${error.problem.message}\n`);
  }
}
