import type { Workspace } from '../../repo/forges/index.ts';
import { type Comparison, compareStates, openHistoryAt } from '../../repo/history/index.ts';
import type { Snapshots } from '../../repo/index.ts';
import type { Examined } from './examine.ts';

/** What merging a proposal changes: what it may bring about, then its text. */
export async function compareProposal(
  { gitDir, path, env }: Workspace,
  { objects }: Snapshots,
  { main, tree }: Pick<Examined, 'main' | 'tree'>,
): Promise<Comparison> {
  const history = openHistoryAt({ gitDir, path, tip: main }, env, { objects });
  return compareStates(history, { commit: main }, { commit: tree });
}
