import { compareProposal, type Examined, examine, policyOf, standing } from '../../../reconciler/index.ts';
import type { Attested, Proposal } from '../../../repo/forges/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { oneLine } from '../../output.ts';
import { type EarlyForge, type ForgeOptions, findProposal, withForge } from '../../proposals/open-forge.ts';
import { rememberSeen } from '../../proposals/seen.ts';
import { diffsText, risksText } from '../../show-diff.ts';
import { done, paint, shortCommit, showProblem } from '../../style.ts';
import { table } from '../../table.ts';

export interface ShowOptions extends CliContext, ForgeOptions {
  what: 'next' | 'show' | 'diff';
  /** For `show` and `diff`. */
  id?: string;
  output: 'table' | 'json';
}

/**
 * Show what a proposal would do, and who has to agree; with `diff` its text too. JSON: `{ proposal, main, plan, planDigest,
 * policyDigest, verdict, requirements, discounted, rejectedBy, problems, risks, attested }`, and
 * with `diff` `files`. At a forge with reviews of its own `verdict` is its decision, and `attested` what it tells.
 */
export async function runShow(options: ShowOptions): Promise<ExitCode> {
  const { io, id, what, output } = options;
  const found = await withForge(options, options, async open => {
    const read = await open.fresh(() => readProposal(open, id));
    if (read) await rememberSeen(open.workspace, read.examined);
    return read;
  });
  if (!found) {
    done(io, 'nothing waits for a decision');
    return ExitCodes.ok;
  }
  const { examined, risks, files, attested } = found;
  const { proposal } = examined;
  if (output === 'json') {
    const text = what === 'diff' ? { files } : {};
    io.stdout(`${JSON.stringify({ ...asJson(examined), risks, attested, ...text }, undefined, 2)}\n`);
    return ExitCodes.ok;
  }
  io.stdout(heading(options, proposal));
  io.stdout(risksText(io, risks));
  io.stdout(whatItDoes(options, examined));
  if (what === 'diff') io.stdout(`\n${diffsText(io, files)}`);
  io.stdout(`\n${proposal.decision ? whatForgeSays(options, proposal, attested) : whoAgrees(options, examined)}`);
  for (const problem of examined.preview.introduced) io.stderr(showProblem(io, problem));
  return ExitCodes.ok;
}

async function readProposal(open: EarlyForge, id: string | undefined) {
  const { workspace, snapshots, forge } = open;
  const proposal = id === undefined ? await oldestPending(open) : await findProposal(forge, id);
  if (!proposal) return undefined;
  const examined = await examine(workspace, snapshots, forge, proposal);
  const [{ risks, files }, statements] = await Promise.all([
    compareProposal(workspace, snapshots, examined),
    forge.statements(proposal.id),
  ]);
  return { examined, risks, files, attested: statements.get(proposal.id)?.attested ?? [] };
}

async function oldestPending({ workspace, snapshots, forge }: EarlyForge): Promise<Proposal | undefined> {
  const policy = await policyOf(workspace, snapshots, await forge.main());
  const statements = await forge.statements();
  const pending = (await forge.list()).filter(
    proposal => standing(policy, proposal, statements.get(proposal.id)).status === 'pending',
  );
  return pending.sort((a, b) => (a.created < b.created ? -1 : 1))[0];
}

function asJson({ proposal, main, preview, environments, expected, judgement, bad }: Examined): object {
  const { steps, changes } = preview;
  return {
    proposal: { ...proposal, session: proposal.session ?? null },
    main,
    plan: { steps, changes, environments },
    planDigest: expected.planDigest,
    policyDigest: expected.policyDigest,
    ...judgement,
    ...(proposal.decision && { verdict: proposal.decision }),
    discounted: [...judgement.discounted, ...bad.map(found => ({ by: null, problem: found }))],
    problems: preview.introduced,
  };
}

function heading({ io }: CliContext, proposal: Proposal): string {
  const { id, title, reason, authors, session, head } = proposal;
  const people = authors.map(({ name, email }) => `${name} <${email}>`).join(', ');
  const rows = [
    ['by', people],
    ...(session === undefined ? [] : [['session', session]]),
    ...(reason === '' ? [] : [['reason', reason]]),
    ['commit', shortCommit(head)],
  ].map(([key = '', value = '']) => [key, oneLine(value)]);
  return `${paint(io, 'bold', id)}  ${oneLine(title)}\n\n${table(rows)}\n`;
}

function whatItDoes(context: CliContext, { preview, environments }: Examined): string {
  const { io } = context;
  const others = environments.map(({ name, refused, ...plan }) => {
    const title = paint(io, 'bold', `In the environment ${oneLine(name)}:`);
    return `\n${title}\n${refused === undefined ? planText(context, plan) : `Its machines stay as they are: ${oneLine(refused)}\n`}`;
  });
  return planText(context, preview) + others.join('');
}

function planText({ io }: CliContext, { steps, changes }: Pick<Examined['preview'], 'steps' | 'changes'>): string {
  if (steps.length > 0) {
    return table([['OPERATION', 'WHAT', 'BECAUSE'], ...steps.map(({ op, id, because }) => [op, id, because])]);
  }
  const quiet = changes.map(({ id }) => `  ${id}\n`).join('');
  return `${paint(io, 'dim', 'Nothing starts, stops or is served differently.')}\n${quiet}`;
}

/** Only GitHub's own word stands behind this. */
function whatForgeSays({ io }: CliContext, { decision, head }: Proposal, attested: readonly Attested[]): string {
  const rows = attested.map(({ by, verdict, head: about, reason }) => [
    oneLine(by),
    verdict === 'approve' ? 'approved' : 'asked for changes',
    about === head ? 'this commit' : shortCommit(about),
    oneLine(reason),
  ]);
  const told = rows.length === 0 ? 'Nobody reviewed it yet.\n' : table([['BY', 'VERDICT', 'ABOUT', 'REASON'], ...rows]);
  return `${told}verdict: ${decision} ${paint(io, 'dim', '(forge-attested)')}\n`;
}

function whoAgrees({ io }: CliContext, { judgement, bad }: Examined): string {
  const { verdict, requirements, discounted, rejectedBy } = judgement;
  const rows = requirements.map(({ because, needed, approvedBy, owners }) => [
    because,
    `${approvedBy.length} of ${needed}`,
    approvedBy.join(', ') || '-',
    owners.filter(owner => !approvedBy.includes(owner)).join(', ') || '-',
  ]);
  const asked =
    rows.length === 0
      ? 'Nobody has to approve this.\n'
      : table([['ASKED FOR BY', 'APPROVALS', 'APPROVED BY', 'OR WAITING FOR'], ...rows]);
  const rejections = rejectedBy.map(
    ({ by, reason }) => `${paint(io, 'red', '✗')} rejected by ${by}: ${oneLine(reason)}\n`,
  );
  const ignored = [
    ...discounted.map(({ by, problem: { message } }) => `${by}: ${message}`),
    ...bad.map(one => one.message),
  ];
  const notes = ignored.map(text => `! does not count: ${oneLine(text)}\n`);
  return `${asked}${rejections.join('')}${notes.join('')}verdict: ${verdict}\n`;
}
