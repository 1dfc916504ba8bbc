import { holds, type Status } from '../../../reconciler/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { askDaemon, findDaemon } from '../../daemon.ts';
import type { DaemonOptions } from '../../options.ts';
import { statusTable } from '../../status-table.ts';

export interface StatusOptions extends CliContext, DaemonOptions {
  output: 'table' | 'json';
  exitCode?: boolean;
}

/** Print a daemon's status. @throws ProblemError DAEMON_NOT_RUNNING, DAEMON_REFUSED, STATE_UNUSABLE, USAGE */
export async function runStatus(options: StatusOptions): Promise<ExitCode> {
  const { io, output, exitCode } = options;
  const daemon = await findDaemon(options, options);
  const status = (await askDaemon(daemon, 'GET', '/api/v1/status')) as Status;
  io.stdout(output === 'json' ? `${JSON.stringify(status, undefined, 2)}\n` : statusTable(io, status, daemon.url));
  return exitCode === true && !holds(status.conditions, 'Ready') ? ExitCodes.failed : ExitCodes.ok;
}
