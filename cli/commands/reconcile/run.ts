import type { Status } from '../../../reconciler/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { askGateway, findGateway, type Gateway, type GatewayOptions } from '../../contexts.ts';
import { done, shortCommit } from '../../style.ts';

export interface ReconcileOptions extends CliContext, GatewayOptions {
  /** The commit whose removals may be done, or its first digits. */
  allowPrune?: string;
  /** Nothing waits for its next try, either. */
  now?: boolean;
}

/**
 * Poke a daemon, and let a commit's removals pass if so told.
 * @throws ProblemError PRUNE_NOT_HELD, DAEMON_NOT_RUNNING, DAEMON_REFUSED, STATE_UNUSABLE, CONTEXT_UNKNOWN,
 * CONFIG_INVALID, USAGE
 */
export async function runReconcile(options: ReconcileOptions): Promise<ExitCode> {
  const { io, allowPrune, now } = options;
  const gateway = await findGateway(options, options);
  const commit = allowPrune === undefined ? undefined : await heldCommit(gateway, allowPrune);
  const query = new URLSearchParams({
    ...(commit !== undefined && { allowPrune: commit }),
    ...(now === true && { now: 'true' }),
  });
  await askGateway(gateway, 'POST', `/api/v1/reconcile${query.size === 0 ? '' : `?${query}`}`);
  const what = commit === undefined ? 'reconciles now' : `removes what ${shortCommit(commit)} removes`;
  done(io, `the daemon of ${gateway.name} ${what}; \`mcpctl status\` shows the result`);
  return ExitCodes.ok;
}

/** The commit whose removals wait, in full, if that is the one meant. */
async function heldCommit(gateway: Gateway, meant: string): Promise<string> {
  const { prune } = (await askGateway(gateway, 'GET', '/api/v1/status')) as Status;
  const waits = prune?.held?.commit;
  if (waits?.startsWith(meant)) return waits;
  const message = waits === undefined ? 'no removals wait' : `the commit whose removals wait is ${waits}`;
  throw new ProblemError(problem('PRUNE_NOT_HELD', message));
}
