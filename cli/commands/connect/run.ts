import { asProblem, ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { findGateway, type GatewayOptions } from '../../contexts.ts';
import { showProblem } from '../../style.ts';
import { createBridge } from './bridge.ts';
import { readMessages } from './read-messages.ts';

export interface ConnectOptions extends GatewayOptions, Omit<CliContext, 'finish'> {
  project: string;
  /** Seconds that a message waits for a gateway that is away; 30 by default. */
  timeout?: number;
}

/** How long answers are waited for when the client has closed stdin. In milliseconds. */
const LAST_ANSWERS_MS = 1_000;

/**
 * Be an MCP server on stdin and stdout that is one project of a gateway. Ends when stdin does. stdout carries nothing
 * but the protocol; a gateway that is away, or started again meanwhile, is waited for.
 * @throws ProblemError USAGE, CONTEXT_UNKNOWN, CONFIG_INVALID, STATE_UNUSABLE: what waiting does not mend
 */
export async function runConnect(options: ConnectOptions): Promise<ExitCode> {
  const { io, signal, project, stdin, timeout = 30 } = options;
  if (!stdin) throw new ProblemError(problem('USAGE', '`mcpctl connect` is started by an MCP client'));
  const locate = () => findGateway(options, options);
  await locate().catch(error => {
    const found = asProblem(error);
    if (found.code !== 'DAEMON_NOT_RUNNING') throw error;
    io.stderr(showProblem(io, found));
  });
  const bridge = createBridge({
    project,
    locate,
    write: message => io.stdout(`${JSON.stringify(message)}\n`),
    onProblem: found => io.stderr(showProblem(io, found)),
    patienceMs: timeout * 1_000,
  });
  try {
    await readMessages(stdin(), signal, bridge.receive);
    if (!signal.aborted) await bridge.settled(LAST_ANSWERS_MS);
  } finally {
    await bridge.close();
  }
  return ExitCodes.ok;
}
