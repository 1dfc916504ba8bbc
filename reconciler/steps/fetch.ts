import { type Problem, problem } from '../../schema/index.ts';
import type { StepContext, StepResult } from './step.ts';

/** Learn the newest commit; the pass ends here when that one was decided upon before. */
export async function fetch(context: StepContext): Promise<StepResult> {
  const { follower, pass, signal, state } = context;
  const fetched = await follower.fetch(pass.mode, signal);
  if ('problem' in fetched) return fetched;
  const { commit, rewritten } = fetched;
  if (rewritten !== undefined) context.journal.log({ type: 'problem', problem: rewrittenProblem(rewritten, commit) });
  pass.commit = commit;
  // The branch is only where newer roots may be; what is followed are its releases.
  if (context.releases) return 'next';
  state.working = state.fetched !== commit;
  state.fetched = commit;
  context.statusChanged();
  if (commit === state.decided) {
    state.sourceProblem = undefined;
    return 'done';
  }
  return 'next';
}

/** What is in service stays until the new commit is accepted, like any other. */
function rewrittenProblem(before: string, now: string): Problem {
  const [from, to] = [before.slice(0, 12), now.slice(0, 12)];
  return problem('HISTORY_REWRITTEN', `The branch was moved from ${from} to ${to}, which does not descend from it`);
}
