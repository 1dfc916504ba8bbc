import { policyOf, type Standing, standing } from '../../../reconciler/index.ts';
import { ProblemError, printYaml, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type Column, formatListing, type ListFormat } from '../../output.ts';
import { withForge } from '../../proposals/open-forge.ts';
import type { proposalStatuses } from '../../proposals/statuses.ts';

export interface ProposalsOptions extends CliContext {
  dir: string;
  names: readonly string[];
  status?: (typeof proposalStatuses)[number];
  output: ListFormat;
}

interface Row {
  id: string;
  status: Standing['status'];
  title: string;
  reason: string;
  authors: { name: string; email: string }[];
  session: string | null;
  created: string;
  updated: string;
  head: string;
  merged: string | null;
  url: string | null;
  approvedBy: string[];
}

const columns: readonly Column<Row>[] = [
  { header: 'ID', cell: ({ id }) => id },
  { header: 'STATUS', cell: ({ status }) => status },
  { header: 'BY', cell: ({ authors }) => authors.map(({ name }) => name).join(', ') },
  { header: 'UPDATED', cell: ({ updated }) => updated.slice(0, 16) },
  { header: 'APPROVED-BY', wide: true, cell: ({ approvedBy }) => approvedBy.join(', ') },
  { header: 'PAGE', wide: true, cell: ({ url }) => url ?? '' },
  { header: 'TITLE', cell: ({ title }) => title },
];

/**
 * List proposals: those that are not over, unless a status is asked for. Exits 1 when a named one is not there.
 * @throws ProblemError REMOTE_*, REPOSITORY_MISSING
 */
export async function runProposals(options: ProposalsOptions): Promise<ExitCode> {
  const { io, dir, names, status, output } = options;
  const ended = (status !== undefined && status !== 'pending' && status !== 'rejected') || names.length > 0;
  const place = { dir, remote: 'origin', branch: 'main' };
  const { policy, statements, proposals } = await withForge(options, place, ({ workspace, snapshots, forge, fresh }) =>
    fresh(async () => ({
      policy: await policyOf(workspace, snapshots, await forge.main()),
      statements: await forge.statements(),
      proposals: await forge.list({ ended }),
    })),
  );
  const rows = proposals.map((one): Row => {
    const { id, title, reason, authors, session = null, created, updated, head, merged = null, url = null } = one;
    const stands = standing(policy, one, statements.get(id));
    const { approvedBy } = stands;
    return {
      id,
      status: stands.status,
      title,
      reason,
      authors,
      session,
      created,
      updated,
      head,
      merged,
      url,
      approvedBy,
    };
  });
  const wanted = rows.filter(
    row => (names.length === 0 || names.includes(row.id)) && (isAny(status) || row.status === status),
  );
  const missing = names.find(name => !wanted.some(({ id }) => id === name));
  if (missing !== undefined)
    throw new ProblemError(problem('PROPOSAL_NOT_FOUND', `there is no such proposal \`${missing}\``));
  const listing = {
    items: wanted,
    columns,
    name: ({ id }: Row) => `proposal/${id}`,
    document: (row: Row) => row,
    yaml: printYaml,
  };
  io.stdout(formatListing(listing, output));
  return ExitCodes.ok;
}

function isAny(status: ProposalsOptions['status']): boolean {
  return status === undefined || status === 'all';
}
