import type { RemoteRef, ThinCopyOptions } from './remote-refs.ts';
import { askRefsByWeb } from './wire/ask-refs.ts';

/**
 * Where refs of a remote are now, by one request that neither reads nor writes a repository here.
 * Loads little: it is asked before each session of an AI client.
 * @param patterns full refs, which may end in `*`
 * @throws ProblemError REMOTE_*, GIT_MISSING
 */
export async function askRefs(
  options: ThinCopyOptions,
  patterns: readonly string[],
  signal?: AbortSignal,
): Promise<RemoteRef[]> {
  const told = options.remote.kind === 'http' ? await askRefsByWeb(options, patterns, signal) : undefined;
  return told ?? (await import('./remote-refs.ts')).askRefsOfGit(options, patterns, signal);
}
