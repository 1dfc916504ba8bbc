import { type CommitState, type History, resolveRevision } from '../../../repo/history/index.ts';
import type { ResourceId } from '../../../schema/index.ts';
import type { CliContext } from '../../context.ts';

/** One side of a comparison: a commit, but for what a daemon holds back. */
export type Side = CommitState;

/** The state that a name stands for; `live` is what a daemon on this machine has in service. */
export async function sideOf(
  context: Pick<CliContext, 'cwd' | 'env'> & { dir: string; stateDir?: string },
  history: History,
  name: string,
  about: ResourceId | undefined,
): Promise<Side> {
  if (name !== 'live') return { commit: await resolveRevision(history, name, about) };
  // Few ask for it, and it takes a client with all that checks answers.
  return (await import('./live-side.ts')).liveSide(context, history);
}
