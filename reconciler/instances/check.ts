import { redact } from '../../host/index.ts';
import { asProblem, type Problem, problem } from '../../schema/index.ts';
import type { Upstream } from '../mcp/index.ts';
import type { CheckResult, HealthPolicy } from './health.ts';

const MAX_MESSAGE_LENGTH = 500;

/**
 * Ask a running instance whether it works, the way calls reach it: it lists what it offers, then the tool answers. What
 * counts as a failure: an error of JSON-RPC, a result that says `isError`, a lost connection, no answer in time.
 * @param secrets values that must not appear in the result's message
 */
export async function checkInstance(
  id: string,
  upstream: Upstream,
  policy: HealthPolicy,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<{ result: CheckResult; problem: Problem }> {
  const why = await askAll(upstream, policy, signal).catch(asProblem);
  const words = typeof why === 'string' || why === undefined ? why : why.message;
  const message = words === undefined ? 'it answered' : redact(words.replace(/\s+/g, ' '), secrets, MAX_MESSAGE_LENGTH);
  return {
    result: { ok: words === undefined, message },
    problem: problem('SERVER_UNHEALTHY', `${id} does not work: ${message}`, {
      resource: `server/${id.slice(0, id.lastIndexOf('-'))}`,
    }),
  };
}

/** @returns what is wrong, if anything; rejects with the same */
async function askAll(
  upstream: Upstream,
  { tool, timeoutMs }: HealthPolicy,
  signal: AbortSignal,
): Promise<string | undefined> {
  await upstream.probe({ timeoutMs, signal });
  if (!tool) return undefined;
  const params = { name: tool.name, arguments: tool.arguments };
  const result = await upstream.request('tools/call', params, { timeoutMs, signal });
  return result.isError === true ? `${tool.name} says: ${textOf(result.content)}` : undefined;
}

/** The text of a result, or the whole of it when it has none. */
function textOf(content: unknown): string {
  const parts = Array.isArray(content) ? content : [];
  const texts = parts.flatMap(part => (typeof part?.text === 'string' ? [part.text] : []));
  return texts.length > 0 ? texts.join(' ') : JSON.stringify(content ?? null);
}
