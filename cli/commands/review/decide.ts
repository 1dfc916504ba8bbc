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
  const ask = options.verdict === 'approve' ? 'when needed' : 'now';
  return withForge(options, options, open => decideEarly(options, open), ask);
}

async function decideEarly(options: DecideOptions, open: EarlyForge): Promise<ExitCode> {
  const { io, id, verdict } = options;
  const { workspace, snapshots, forge } = open;
  const signing = signOnce(options, workspace);
  const look = async () => examine(workspace, snapshots, forge, await findProposal(forge, id));
  const atOnce = verdict === 'approve' && forge.name === 'git' ? await mergeAtOnce(options, open, look, signing) : {};
  if (atOnce.merged !== undefined) return told(options, open, { merged: atOnce.merged });
  const examined = await open.fresh(look);
  // Somebody else spoke at the same time: what they said has to be known to whoever merges.
  if (atOnce.race && said(examined) !== atOnce.said) throw atOnce.race;
  if (verdict !== 'withdraw') await sameAsSeen(open, examined, options.head);
  if (verdict === 'approve') refuseInvalid(options, examined);
  const { reviewed, judgement } =
    forge.name === 'git'
      ? await decideHere(options, open, examined, signing)
      : await decideThere(options, open, examined);
  told(options, open, reviewed);
  if (judgement && reviewed.merged === undefined && verdict === 'approve') whatIsMissing(io, judgement);
  return ExitCodes.ok;
}

function told({ io, id, verdict }: DecideOptions, { workspace }: EarlyForge, { merged, waits }: Reviewed): ExitCode {
  io.stdout(`${id} ${merged === undefined ? past[verdict] : `merged ${merged}`}\n`);
  if (merged !== undefined) done(io, `${workspace.branch} is ${shortCommit(merged)} now`);
  else if (verdict === 'approve') done(io, 'your approval is recorded');
  if (waits !== undefined) io.stderr(`→ ${waits}\n`);
  return ExitCodes.ok;
}

/**
 * Merge by what was fetched last, without asking the remote first: the push has a lease on everything that the decision
 * rests on (the branch, which has the policy; the proposal; its reviews), so that it goes through only if none of it moved.
 * @returns the merge; without one, it must be looked at afresh, also when that is because somebody was faster (`race`)
 */
async function mergeAtOnce(
  options: DecideOptions,
  open: EarlyForge,
  look: () => Promise<Examined>,
  signing: Signing,
): Promise<{ merged?: string | undefined; race?: ProblemError; said?: number }> {
  const { workspace, forge } = open;
  const { id, verdict, reason } = options;
  let known: number | undefined;
  try {
    const examined = await look();
    known = said(examined);
    await sameAsSeen(open, examined, options.head);
    if (examined.preview.introduced.some(({ severity }) => severity === 'error')) return {};
    const signed = await signing({ ...examined.expected, verdict, reason });
    if (!decide(examined, signed).complete) return {};
    const merge = await prepareMerge(workspace, examined, signed);
    const { merged } = await forge.review({ id, head: examined.proposal.head, verdict, reason, signed }, merge);
    return { merged };
  } catch (error) {
    // Whatever it is, it may be because of something that is over; what is fetched anew tells.
    if (!(error instanceof ProblemError && STALE.includes(error.problem.code))) throw error;
    return error.problem.code === 'REVIEW_RACE' && known !== undefined ? { race: error, said: known } : {};
  }
}

/** How many statements there are about a proposal, good or not. */
function said({ statements, bad }: Examined): number {
  return statements.length + bad.length;
}

/** What may be another when the remote has been asked. */
const STALE: readonly string[] = [
  'PROPOSAL_NOT_FOUND',
  'PROPOSAL_INVALID',
  'REF_NOT_FOUND',
  'READ_FAILED',
  'REVIEW_RACE',
  'REVIEW_STALE',
  'REVIEW_NOT_ENTITLED',
  'REVIEW_SELF_APPROVAL',
];

/** By the repository's own policy, with a signed statement. */
async function decideHere(
  { id, verdict, reason }: DecideOptions,
  { workspace, forge }: EarlyForge,
  examined: Examined,
  signing: Signing,
): Promise<{ reviewed: Reviewed; judgement: Judgement }> {
  const signed = await signing({ ...examined.expected, verdict, reason });
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

type Signing = (statement: Statement) => Promise<FoundStatement>;

/** Signs; the same statement once, for a key may ask for a touch each time. */
function signOnce(options: DecideOptions, workspace: Workspace): Signing {
  const known = new Map<string, Promise<FoundStatement>>();
  return statement => {
    const text = statementText(statement);
    const signed = known.get(text) ?? sign(options, workspace, text);
    known.set(text, signed);
    return signed;
  };
}

async function sign(options: DecideOptions, workspace: Workspace, text: string): Promise<FoundStatement> {
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

function whatIsMissing(io: CliContext['io'], { requirements, verdict, rejectedBy }: Judgement): void {
  if (verdict === 'rejected') io.stderr(`! rejected by ${rejectedBy.map(({ by }) => by).join(', ')}\n`);
  for (const { because, needed, approvedBy, owners } of requirements) {
    if (approvedBy.length >= needed) continue;
    const others = owners.filter(owner => !approvedBy.includes(owner)).join(', ');
    io.stderr(`→ ${because} asks for ${needed - approvedBy.length} more, of ${others || 'nobody there is'}\n`);
  }
}
