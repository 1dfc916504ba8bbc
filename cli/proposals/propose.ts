import { type Draft, publishDraft } from '../../reconciler/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../context.ts';
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
  const { id, url, others, unshown } = published;
  io.stdout(`${id}\n`);
  done(io, `${amended ? 'amended' : 'proposed'}: ${draft.title}${url === undefined ? '' : `, ${url}`}`);
  for (const other of others) io.stderr(`! ${other.id} is about the same: ${other.title}\n`);
  if (unshown) io.stderr(`! what it does could not be shown there: ${unshown.message}\n`);
  io.stderr(`→ A reviewer sees what it does with \`mcpctl review diff ${id}\`.\n`);
  return ExitCodes.ok;
}
