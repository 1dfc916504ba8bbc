import { SdkHttpError } from '@modelcontextprotocol/client';
import { type Problem, problem } from '../../schema/index.ts';

const NOT_LISTENING = new Set(['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET']);

/** Whether a request failed because nothing listens at the address, or what listened went away. */
export function isNotListening(error: unknown): boolean {
  return causes(error).some(cause => NOT_LISTENING.has(String((cause as { code?: unknown }).code)));
}

/**
 * Why a failed request means that the connection as a whole is lost: nothing listens any more, or the server has
 * forgotten the session (404, as the specification says). Undefined for trouble of this one request.
 */
export function whyLost(error: unknown, name: string, hasSession: boolean): Problem | undefined {
  if (isNotListening(error)) return problem('SERVER_UNREACHABLE', `${name} is not reachable any more`);
  if (hasSession && error instanceof SdkHttpError && error.status === 404) {
    return problem('SERVER_UNREACHABLE', `${name} has ended the session`);
  }
  return undefined;
}

/** The error, its causes, and what an AggregateError (one per address tried) holds. */
function causes(error: unknown): unknown[] {
  if (typeof error !== 'object' || error === null) return [];
  const inner = error instanceof AggregateError ? error.errors : [];
  return [error, ...inner.flatMap(causes), ...causes((error as { cause?: unknown }).cause)];
}
