import type { Workspace } from '../../repo/forges/index.ts';
import { type Comparison, compareFiles, compareStates, openHistoryAt } from '../../repo/history/index.ts';
import type { Examined } from './examine.ts';

/** What merging a proposal changes: what it may bring about, then its text. */
export async function compareProposal(
  { gitDir, path, env }: Workspace,
  { main, tree }: Pick<Examined, 'main' | 'tree'>,
): Promise<Comparison> {
  const history = openHistoryAt({ gitDir, path, tip: main }, env);
  try {
    const { pairs, context } = await compareStates(history, { commit: main }, { commit: tree }, undefined);
    return await compareFiles(pairs, context);
  } finally {
    history.close();
  }
}
