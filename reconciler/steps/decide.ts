import { assemble, type Catalog, limitProblems, type Problem, releaseProblems } from '../../schema/index.ts';
import { accept } from '../accept.ts';
import { heldTogether, judgeFormer } from '../prune/index.ts';
import { type StepContext, type StepResult, settle } from './step.ts';

/** How many problems of one commit are kept, logged and shown: nobody reads more, and each is handled at every turn. */
const MAX_PROBLEMS = 1_000;

/** Decide what of the commit goes into service, or that the commit is refused as a whole. */
export async function decide(context: StepContext): Promise<StepResult> {
  const { pass, state, journal, service } = context;
  const { commit = '' } = pass;
  const allowPrune = context.store.allowedPrune() === commit;
  const outcome = accept(assemble(pass.files ?? [], context.environment), state.good, commit, {
    before: state.catalog,
    suspended: context.suspensions.held(),
    allowPrune,
    ...(context.releases && {
      strict: (resource, get) => releaseProblems(resource, get, context.standardRuntime),
    }),
  });
  const refusal =
    'refused' in outcome
      ? outcome.refused
      : ((await untrusted(context, outcome.catalog)) ?? waiting(context, outcome.catalog, commit, allowPrune));
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

/** What was in service before a change of version cannot be put back: a commit that takes out too much of it waits. */
function waiting({ state, store }: StepContext, catalog: Catalog, commit: string, allowed: boolean) {
  const held = allowed ? undefined : judgeFormer(store.former(), catalog, commit);
  if (!held) return undefined;
  state.removals = { removed: [], moved: new Map(), kept: new Map(), held };
  return [heldTogether(held)];
}

/** The repository itself may say that its branch is not to be followed; on this machine a root may be pinned for it. */
async function untrusted({ mustNotFollow }: StepContext, catalog: Catalog): Promise<Problem[] | undefined> {
  const repository = catalog.repository?.spec;
  const found = repository && (await mustNotFollow?.(repository));
  return found && [found];
}
