import { holds, type Status } from '../../../reconciler/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { askGateway, findGateway, type GatewayOptions } from '../../contexts.ts';
import { statusTree } from '../../status-tree.ts';

export interface StatusOptions extends CliContext, GatewayOptions {
  output: 'table' | 'json';
  exitCode?: boolean;
}

/**
 * Print a daemon's status.
 * @throws ProblemError DAEMON_NOT_RUNNING, DAEMON_REFUSED, STATE_UNUSABLE, CONTEXT_UNKNOWN, CONFIG_INVALID, USAGE
 */
export async function runStatus(options: StatusOptions): Promise<ExitCode> {
  const { io, output, exitCode } = options;
  const gateway = await findGateway(options, options);
  const status = (await askGateway(gateway, 'GET', '/api/v1/status')) as Status;
  io.stdout(output === 'json' ? `${JSON.stringify(status, undefined, 2)}\n` : statusTree(io, status, gateway.url));
  return exitCode === true && !holds(status.conditions, 'Ready') ? ExitCodes.failed : ExitCodes.ok;
}
