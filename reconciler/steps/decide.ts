import { limitProblems } from '../../schema/index.ts';
import { accept } from '../accept.ts';
import { type StepContext, type StepResult, settle } from './step.ts';

/** How many problems of one commit are kept, logged and shown: nobody reads more, and each is handled at every turn. */
const MAX_PROBLEMS = 1_000;

/** Decide what of the commit goes into service, or that the commit is refused as a whole. */
export function decide(context: StepContext): StepResult {
  const { pass, state, journal, service } = context;
  const { commit = '' } = pass;
  const outcome = accept(pass.files ?? [], state.good, commit, {
    environment: context.environment,
    before: state.catalog,
    suspended: context.suspensions.held(),
    allowPrune: context.store.allowedPrune() === commit,
  });
  if ('refused' in outcome) {
    const refused = limitProblems(outcome.refused, MAX_PROBLEMS);
    journal.report(refused, state.refused);
    state.refused = refused;
    service.serveLastGood();
    settle(context);
    return 'done';
  }
  const problems = limitProblems(outcome.problems, MAX_PROBLEMS);
  journal.report(problems, state.problems);
  pass.accepted = { ...outcome, problems };
  return 'next';
}
