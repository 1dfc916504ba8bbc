import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { askGateway, findGateway, type GatewayOptions } from '../../contexts.ts';
import { done } from '../../style.ts';

/**
 * Have instances replaced; does not wait for it.
 * @throws ProblemError RESOURCE_NOT_FOUND, DAEMON_NOT_RUNNING, DAEMON_REFUSED, STATE_UNUSABLE, CONTEXT_UNKNOWN,
 * CONFIG_INVALID, USAGE
 */
export async function runRestart(options: CliContext & GatewayOptions & { name: string }): Promise<ExitCode> {
  const { name, io } = options;
  const gateway = await findGateway(options, options);
  await askGateway(gateway, 'POST', `/api/v1/instances/${encodeURIComponent(name)}/restart`);
  done(io, `\`${name}\` is being replaced; \`mcpctl status\` shows the result`);
  return ExitCodes.ok;
}
