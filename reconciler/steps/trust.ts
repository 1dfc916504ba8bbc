import { limitProblems } from '../../schema/index.ts';
import type { StepContext, StepResult } from './step.ts';

/** Told at most, of the tags that are passed over. */
const MAX_PASSED_OVER = 100;

/**
 * Where only releases are followed: go on with the newest trusted release instead of the branch. What is not trusted is
 * passed over, and what was accepted last stays in service.
 */
export async function trust(context: StepContext): Promise<StepResult> {
  const { releases, pass, signal, state, journal, service } = context;
  if (!releases || pass.commit === undefined) return 'next';
  const seen = await releases.look(pass.commit, signal);
  if ('problem' in seen) return seen;
  const { release, waiting } = seen;
  // Anybody who may push tags can make more of them than anybody reads.
  const passedOver = limitProblems([...seen.passedOver], MAX_PASSED_OVER);
  journal.report(passedOver, state.trust?.passedOver);
  state.trust = { release: release ?? state.trust?.release, passedOver, waiting };
  state.sourceProblem = undefined;
  if (!release) {
    service.serveLastGood();
    context.statusChanged();
    return 'done';
  }
  pass.commit = release.commit;
  state.working = state.fetched !== release.commit;
  state.fetched = release.commit;
  context.statusChanged();
  return release.commit === state.decided ? 'done' : 'next';
}
