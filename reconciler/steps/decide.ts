import { assemble, type Catalog, limitProblems, type Problem, releaseProblems } from '../../schema/index.ts';
import { accept } from '../accept.ts';
import { type StepContext, type StepResult, settle } from './step.ts';

/** How many problems of one commit are kept, logged and shown: nobody reads more, and each is handled at every turn. */
const MAX_PROBLEMS = 1_000;

/** Decide what of the commit goes into service, or that the commit is refused as a whole. */
export async function decide(context: StepContext): Promise<StepResult> {
  const { pass, state, journal, service } = context;
  const { commit = '' } = pass;
  const outcome = accept(assemble(pass.files ?? [], context.environment), state.good, commit, {
    before: state.catalog,
    suspended: context.suspensions.held(),
    allowPrune: context.store.allowedPrune() === commit,
    ...(context.releases && { strict: releaseProblems }),
  });
  const refusal = 'refused' in outcome ? outcome.refused : await untrusted(context, outcome.catalog);
  if ('refused' in outcome || refusal) {
    const refused = limitProblems(refusal ?? [], MAX_PROBLEMS);
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

/** The repository itself may say that its branch is not to be followed; on this machine a root may be pinned for it. */
async function untrusted({ mustNotFollow }: StepContext, catalog: Catalog): Promise<Problem[] | undefined> {
  const repository = catalog.repository?.spec;
  const found = repository && (await mustNotFollow?.(repository));
  return found && [found];
}
