import { decide, type Examined, examine, prepareMerge } from '../../../reconciler/index.ts';
import { type FoundStatement, REVIEW_NAMESPACE, type Reviewed, type Workspace } from '../../../repo/forges/index.ts';
import { changedPaths } from '../../../repo/index.ts';
import { type Judgement, ProblemError, problem, type Statement, statementText } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { type EarlyForge, type ForgeOptions, findProposal, withForge } from '../../proposals/open-forge.ts';
import { lastSeen, seenOf } from '../../proposals/seen.ts';
import { signText } from '../../sign-text.ts';
import { done, shortCommit, showProblem } from '../../style.ts';

export interface DecideOptions extends CliContext, ForgeOptions {
  id: string;
  verdict: Statement['verdict'];
  reason: string;
  signKey?: string;
  /** The commit that was looked at, when that was elsewhere. */
  head?: string;
}

/**
 * Record a verdict on what was looked at, and merge when it completes what the policy asks for: both or neither. stdout:
 * `ID approved`, `ID merged COMMIT`, `ID rejected`, `ID withdrawn`.
 * @throws ProblemError REVIEW_STALE, REVIEW_NOT_ENTITLED, REVIEW_SELF_APPROVAL, REVIEW_RACE, PROPOSAL_*, REMOTE_REFUSED;
 *   nothing is recorded then
 */
export async function runDecide(options: DecideOptions): Promise<ExitCode> {
  return withForge(options, options, open => decideEarly(options, open));
}

async function decideEarly(options: DecideOptions, open: EarlyForge): Promise<ExitCode> {
  const { io, id, verdict } = options;
  const { workspace, snapshots, forge } = open;
  const examined = await open.fresh(async () => examine(workspace, snapshots, forge, await findProposal(forge, id)));
  if (verdict !== 'withdraw') await sameAsSeen(open, examined, options.head);
  if (verdict === 'approve') refuseInvalid(options, examined);
  const { reviewed, judgement } =
    forge.name === 'git' ? await decideHere(options, open, examined) : await decideThere(options, open, examined);
  const { merged, waits } = reviewed;
  io.stdout(`${id} ${merged === undefined ? past[verdict] : `merged ${merged}`}\n`);
  if (merged !== undefined) done(io, `${workspace.branch} is ${shortCommit(merged)} now`);
  else if (verdict === 'approve') done(io, 'your approval is recorded');
  if (waits !== undefined) io.stderr(`→ ${waits}\n`);
  if (judgement && merged === undefined && verdict === 'approve') told(options, judgement);
  return ExitCodes.ok;
}

/** By the repository's own policy, with a signed statement. */
async function decideHere(
  options: DecideOptions,
  { workspace, forge }: EarlyForge,
  examined: Examined,
): Promise<{ reviewed: Reviewed; judgement: Judgement }> {
  const { id, verdict, reason } = options;
  const signed = await sign(options, workspace, { ...examined.expected, verdict, reason });
  const { judgement, complete } = decide(examined, signed);
  const merge = complete ? await prepareMerge(workspace, examined, signed) : undefined;
  const reviewed = await forge.review({ id, head: examined.proposal.head, verdict, reason, signed }, merge);
  return { reviewed, judgement };
}

/** By the rules of the forge, which knows its people; it merges when those are met. */
async function decideThere(
  { id, verdict, reason }: DecideOptions,
  { forge }: EarlyForge,
  { proposal: { head, title }, main }: Examined,
): Promise<{ reviewed: Reviewed; judgement: undefined }> {
  const merge = verdict === 'approve' ? { id, head, main, commit: head, title } : undefined;
  return { reviewed: await forge.review({ id, head, verdict, reason }, merge), judgement: undefined };
}

const past = { approve: 'approved', reject: 'rejected', withdraw: 'withdrawn' } as const;

/** A verdict is about what its author saw, and nothing that came later. */
async function sameAsSeen(
  { workspace, snapshots }: EarlyForge,
  { proposal, expected, ...rest }: Examined,
  given: string | undefined,
): Promise<void> {
  const { id, head } = proposal;
  const seen = await lastSeen(workspace, id);
  const looked = given ?? seen?.head;
  if (looked === undefined) {
    const hint = `Look at it first: \`mcpctl review diff ${id}\`.`;
    throw new ProblemError(problem('REVIEW_STALE', `you have not looked at ${id} yet`, { hint }));
  }
  if (!/^[0-9a-f]{7,64}$/.test(looked)) {
    throw new ProblemError(problem('USAGE', `\`${looked}\` is no commit's id`));
  }
  if (!head.startsWith(looked)) {
    const paths = seen ? await changedPaths(snapshots.objects, seen.head, head).catch(() => []) : [];
    const what = paths.length === 0 ? '' : `: ${paths.slice(0, 5).join(', ')}`;
    const message = `you looked at ${shortCommit(looked)}, but ${id} is ${shortCommit(head)} now${what}`;
    throw new ProblemError(problem('REVIEW_STALE', message));
  }
  if (given !== undefined || seen === undefined || seen.planDigest === expected.planDigest) return;
  const now = seenOf({ proposal, expected, ...rest });
  const ids = [...new Set([...Object.keys(seen.changes), ...Object.keys(now.changes)])];
  const others = ids.filter(one => seen.changes[one] !== now.changes[one]).sort();
  const what =
    others.length === 0 ? 'it would do something else' : `it is another for ${others.slice(0, 5).join(', ')}`;
  throw new ProblemError(problem('REVIEW_STALE', `main moved since you looked, and the plan with it: ${what}`));
}

function refuseInvalid({ io, id }: DecideOptions, { preview }: Examined): void {
  const errors = preview.introduced.filter(({ severity }) => severity === 'error');
  for (const found of errors) io.stderr(showProblem(io, found));
  const [first] = errors;
  if (!first) return;
  if (first.code === 'PROPOSAL_CONFLICT') throw new ProblemError(first);
  const hint = `Mend it, then \`mcpctl propose --amend ${id}\`.`;
  throw new ProblemError(problem('PROPOSAL_INVALID', `${id} is not valid: ${first.message}`, { hint }));
}

async function sign(options: DecideOptions, workspace: Workspace, statement: Statement): Promise<FoundStatement> {
  const text = statementText(statement);
  const format = (await workspace.setting('gpg.format')) ?? 'openpgp';
  const { gitDir } = workspace;
  const signature = await signText(options, {
    text,
    namespace: REVIEW_NAMESPACE,
    gitDir,
    format,
    key: options.signKey,
  });
  return { text, signature: signature.toString('base64') };
}

function told({ io }: DecideOptions, { requirements, verdict, rejectedBy }: Judgement): void {
  if (verdict === 'rejected') io.stderr(`! rejected by ${rejectedBy.map(({ by }) => by).join(', ')}\n`);
  for (const { because, needed, approvedBy, owners } of requirements) {
    if (approvedBy.length >= needed) continue;
    const others = owners.filter(owner => !approvedBy.includes(owner)).join(', ');
    io.stderr(`→ ${because} asks for ${needed - approvedBy.length} more, of ${others || 'nobody there is'}\n`);
  }
}
