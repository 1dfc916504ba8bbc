import type { StepContext, StepResult } from './step.ts';

/** Learn the newest commit; the pass ends here when that one was decided upon before. */
export async function fetch(context: StepContext): Promise<StepResult> {
  const { follower, pass, signal, state } = context;
  const fetched = await follower.fetch(pass.mode, signal);
  if ('problem' in fetched) return fetched;
  const { commit } = fetched;
  state.working = state.fetched !== commit;
  state.fetched = commit;
  context.statusChanged();
  if (commit === state.decided) {
    state.sourceProblem = undefined;
    return 'done';
  }
  pass.commit = commit;
  return 'next';
}
