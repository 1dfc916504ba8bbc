import { findRepository } from '../../../repo/index.ts';
import { verifyRelease } from '../../../repo/trust/index.ts';
import { ProblemError } from '../../../schema/index.ts';
import type { CliContext } from '../../context.ts';
import { pinnedFor, withRootsAtHead } from './judge.ts';

/** More releases than this are not looked at for one list. */
const MOST = 20;

/**
 * What this machine makes of releases, each as one that may be gone back to: `trusted`, `NOT trusted`, or `unverified`
 * when no root is pinned here. What is beyond the limit has none.
 * @param root the folder that has `mcpctl.yaml`
 */
export async function verdictsOf(
  context: CliContext,
  root: string,
  releases: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const names = [...new Set(releases)].slice(0, MOST);
  if (names.length === 0) return new Map();
  const { env } = context;
  const { gitDir, path } = await findRepository(root, env);
  const trust = await pinnedFor(context, root, gitDir).catch((error: unknown) => {
    if (error instanceof ProblemError && error.problem.code === 'ROOT_NOT_PINNED') return undefined;
    throw error;
  });
  if (!trust) return new Map(names.map(name => [name, 'unverified']));
  const chain = await withRootsAtHead({ gitDir, path, env }, trust.chain);
  const judged = await Promise.all(
    names.map(async name => {
      const ref = `refs/tags/${name}`;
      const now = Date.now();
      const { trusted } = await verifyRelease({
        gitDir,
        env,
        path,
        ref,
        chain,
        mark: trust.mark,
        now,
        allowRollback: true,
      });
      return [name, trusted ? 'trusted' : 'NOT trusted'] as const;
    }),
  );
  return new Map(judged);
}
