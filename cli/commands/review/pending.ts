import { policyOf, standing } from '../../../reconciler/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { oneLine } from '../../output.ts';
import { type ForgeOptions, withForge } from '../../proposals/open-forge.ts';
import { done } from '../../style.ts';
import { table } from '../../table.ts';

export interface PendingOptions extends CliContext, ForgeOptions {
  output: 'table' | 'json';
}

/**
 * List the open proposals. JSON: an array of `{ id, title, reason, status, head, authors, session, updated, paths, needed,
 * approvedBy }`. How many approvals there are is told by the commit they name; whether the plan is still the one that
 * was approved is looked at by `show`, `diff` and `approve`.
 */
export async function runPending(options: PendingOptions): Promise<ExitCode> {
  const { io, output } = options;
  const rows = await withForge(options, options, ({ workspace, snapshots, forge, fresh }) =>
    fresh(async () => {
      const policy = forge.main().then(main => policyOf(workspace, snapshots, main));
      const [rules, statements, proposals] = await Promise.all([policy, forge.statements(), forge.list()]);
      return proposals.map(proposal => ({ proposal, ...standing(rules, proposal, statements.get(proposal.id)) }));
    }),
  );
  if (output === 'json') {
    const documents = rows.map(({ proposal, status, needed, approvedBy }) => {
      const { id, title, reason, head, authors, session = null, updated, paths } = proposal;
      return { id, title, reason, status, head, authors, session, updated, paths, needed, approvedBy };
    });
    io.stdout(`${JSON.stringify(documents, undefined, 2)}\n`);
    return ExitCodes.ok;
  }
  if (rows.length === 0) {
    done(io, 'nothing waits for a decision');
    return ExitCodes.ok;
  }
  const lines = rows.map(({ proposal, status, needed, approvedBy }) => [
    proposal.id,
    status,
    approvals(needed, approvedBy),
    oneLine(proposal.authors.map(({ name }) => name).join(', ')),
    oneLine(proposal.title),
  ]);
  io.stdout(table([['ID', 'STATUS', 'APPROVALS', 'BY', 'TITLE'], ...lines]));
  return ExitCodes.ok;
}

function approvals(needed: number | null, approvedBy: readonly string[]): string {
  if (needed === null) return String(approvedBy.length);
  return needed === 0 ? 'none needed' : `${approvedBy.length} of ${needed}`;
}
