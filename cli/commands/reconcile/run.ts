import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { askGateway, findGateway, type GatewayOptions } from '../../contexts.ts';
import { done } from '../../style.ts';

/**
 * Poke a daemon.
 * @throws ProblemError DAEMON_NOT_RUNNING, DAEMON_REFUSED, STATE_UNUSABLE, CONTEXT_UNKNOWN, CONFIG_INVALID, USAGE
 */
export async function runReconcile(options: CliContext & GatewayOptions): Promise<ExitCode> {
  const gateway = await findGateway(options, options);
  await askGateway(gateway, 'POST', '/api/v1/reconcile');
  done(options.io, `the daemon of ${gateway.name} reconciles now; \`mcpctl status\` shows the result`);
  return ExitCodes.ok;
}
