import { ProblemError } from '../schema/index.ts';
import { findGateway } from './contexts.ts';

/**
 * The access token that is known for a gateway: `$MCPCTL_TOKEN`, or that of the context with its address. None is no
 * fault: the gateway says whether it wants one.
 */
export async function gatewayToken(
  url: string,
  context: { env: Readonly<Record<string, string | undefined>>; cwd: string },
): Promise<string | undefined> {
  try {
    return (await findGateway(context, { server: url })).token;
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === 'CONTEXT_UNKNOWN') return undefined;
    throw error;
  }
}
