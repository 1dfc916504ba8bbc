import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { askGateway, findGateway, type GatewayOptions } from '../../contexts.ts';
import { done } from '../../style.ts';

export interface SuspendOptions extends CliContext, GatewayOptions {
  verb: 'suspend' | 'resume';
  /** A server; everything when left out. */
  name?: string;
}

/**
 * Suspend or resume. Says the same when it was so already.
 * @throws ProblemError RESOURCE_NOT_FOUND, DAEMON_NOT_RUNNING, DAEMON_REFUSED, STATE_UNUSABLE, CONTEXT_UNKNOWN,
 * CONFIG_INVALID, USAGE
 */
export async function runSuspend(options: SuspendOptions): Promise<ExitCode> {
  const { verb, name, io } = options;
  const gateway = await findGateway(options, options);
  const what = name === undefined ? '' : `servers/${encodeURIComponent(name)}/`;
  await askGateway(gateway, 'POST', `/api/v1/${what}${verb}`);
  const subject = name === undefined ? 'everything' : `server \`${name}\``;
  const words = { suspend: 'stays as it is, until `mcpctl resume', resume: 'follows the repository again' };
  const again = verb === 'suspend' ? `${name === undefined ? '' : ` ${name}`}\`` : '';
  done(io, `${subject} ${words[verb]}${again}`);
  return ExitCodes.ok;
}
