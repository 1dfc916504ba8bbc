import { type StepContext, type StepResult, settle } from './step.ts';

/** Put what was accepted into service. */
export function apply(context: StepContext): StepResult {
  const { pass, state, store, service, journal } = context;
  const { accepted, commit } = pass;
  if (!accepted || commit === undefined) return 'done';
  // Remembered before it is done: a daemon killed in between does it again at its next start.
  store.accept(commit, state.good, accepted.good);
  const { catalog, good, stalled, problems, removals } = accepted;
  const before = state.catalog;
  Object.assign(state, { refused: undefined, applied: commit, catalog, good, stalled, problems, removals });
  const plan = service.put(before, catalog, removals.moved);
  settle(context);
  journal.log({ type: 'applied', commit, plan, stalled: stalled.size });
  const moved = [...removals.moved].map(([from, to]) => ({ from, to }));
  if (removals.removed.length + moved.length > 0) {
    journal.log({ type: 'removed', commit, resources: removals.removed, moved });
  }
  return 'next';
}
