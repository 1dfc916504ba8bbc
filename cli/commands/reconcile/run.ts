import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { askDaemon, findDaemon } from '../../daemon.ts';
import type { DaemonOptions } from '../../options.ts';
import { done } from '../../style.ts';

/** Poke a daemon. @throws ProblemError DAEMON_NOT_RUNNING, DAEMON_REFUSED, STATE_UNUSABLE, USAGE */
export async function runReconcile(options: CliContext & DaemonOptions): Promise<ExitCode> {
  const daemon = await findDaemon(options, options);
  await askDaemon(daemon, 'POST', '/api/v1/reconcile');
  done(options.io, `the daemon of ${daemon.stateDir} reconciles now; \`mcpctl status\` shows the result`);
  return ExitCodes.ok;
}
