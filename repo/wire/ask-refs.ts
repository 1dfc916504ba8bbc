import type { RemoteRef, ThinCopyOptions } from '../remote-refs.ts';
import { askRefsWith } from './upload-pack.ts';
import { asking, webOf } from './web.ts';
import { webProblem } from './web-problem.ts';

/**
 * Where refs of a remote are, asked by this process; by one request, once it is known what the server can.
 * @param patterns full refs, which may end in `*`
 * @returns undefined where git has to ask
 * @throws ProblemError REMOTE_*
 */
export async function askRefsByWeb(
  options: ThinCopyOptions,
  patterns: readonly string[],
  signal: AbortSignal | undefined,
): Promise<RemoteRef[] | undefined> {
  const web = await webOf(options);
  if (!web) return undefined;
  const { remote, timeoutMs = 60_000 } = options;
  const limit = AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(timeoutMs)]);
  const prefixes = patterns.map(pattern => pattern.replace(/\*$/, ''));
  try {
    const refs = await asking(options, web, limit, able => askRefsWith(web.remote, able, prefixes, limit));
    const wanted = (ref: string) =>
      patterns.some(pattern => (pattern.endsWith('*') ? ref.startsWith(pattern.slice(0, -1)) : ref === pattern));
    return refs?.filter(({ ref }) => wanted(ref)).map(({ ref, oid }) => ({ ref, oid }));
  } catch (error) {
    throw webProblem(error, `The repository ${remote.display}`, remote.url, limit);
  }
}
