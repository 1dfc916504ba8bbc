import type { Problem } from '../../../schema/index.ts';
import type { LaunchSpec } from '../runtime.ts';
import type { Ending } from './ending.ts';
import { type Pod, runningSince, whyNotAdoptable } from './found.ts';
import { marks, nameOf, objectName } from './marks.ts';
import { createMoment } from './signal.ts';
import { notAppliedProblem, refusal } from './why-not.ts';
import { type Place, START_MS, type Workings } from './workings.ts';

/** As a reader: wait for what the leader makes of a spec. @returns `again` when this process leads by now */
type FollowSpec = (
  place: Place,
  spec: LaunchSpec,
  signal: AbortSignal,
) => Promise<Pod | { problem: Problem } | 'again'>;

export function createFollowSpec({ book, changes, closed }: Workings, ending: Ending): FollowSpec {
  /** Which one of several is as good: the instance's own, the one that the leader calls so, or any. */
  function choose(spec: LaunchSpec): Pod | undefined {
    const known = [...book.known.values()].map(({ instance }) => instance);
    const others = new Set(known.filter(({ id }) => id !== spec.id).map(({ uid }) => uid));
    const fit = book
      .of(objectName(spec))
      .filter(
        pod =>
          pod.metadata.labels[marks.instance] !== undefined &&
          !others.has(pod.metadata.uid) &&
          runningSince(pod) !== undefined &&
          !book.isOver(pod) &&
          whyNotAdoptable(pod) === undefined,
      );
    const own = fit.find(({ metadata }) => metadata.uid === book.known.get(spec.id)?.instance.uid);
    return own ?? fit.find(({ metadata }) => metadata.labels[marks.instance] === spec.id) ?? fit[0];
  }

  return async (place, spec, signal) => {
    const name = objectName(spec);
    const late = createMoment(START_MS, signal);
    const before = book.known.get(spec.id)?.instance;
    if (before && nameOf({ metadata: { labels: before.labels } }) !== name) await ending.letGo(before);
    try {
      for (;;) {
        const changed = changes.next(name);
        if (signal.aborted || closed()) return refusal(spec, 'it is not wanted any more');
        if (place.lead.held) return 'again';
        const pod = choose(spec);
        if (pod) {
          book.hold(pod, spec.id);
          return pod;
        }
        if (late.passed) return { problem: notAppliedProblem(spec, place.lead.other) };
        await Promise.race([changed, late.reached]);
      }
    } finally {
      late.forget();
    }
  };
}
