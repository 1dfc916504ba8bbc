import type { Problem } from '../../../schema/index.ts';
import type { LaunchSpec } from '../runtime.ts';
import type { Ending } from './ending.ts';
import { type Pod, runningSince, whyNotAdoptable } from './found.ts';
import { marks, nameOf, objectName } from './marks.ts';
import { createMoment } from './signal.ts';
import type { Takeover } from './takeover.ts';
import { lateProblem, refusal, stuckProblem, unmadeProblem } from './why-not.ts';
import { type Place, START_MS, type Workings } from './workings.ts';

/** Each time makes the instance’s state another one, for everybody to hear: a thousand that wait would do nothing else. */
const TELL_TIMES = 4;
/** What was told so often is told again after this time. */
const PATIENT_MS = 300_000;

/** As the leader: have a server as it is declared. @returns its pod, which runs */
type ApplySpec = (place: Place, spec: LaunchSpec, signal: AbortSignal) => Promise<Pod | { problem: Problem }>;

export function createApplySpec(workings: Workings, takeover: Takeover, ending: Ending): ApplySpec {
  const { book, changes, writing, closed } = workings;
  /** What was said last of an instance that does not run, and how often. */
  const told = new Map<string, { what: string; times: number }>();

  /** As often as is needed to give up on a spec; then not before something else is to be said. */
  function isToTell(spec: LaunchSpec, { message }: Problem): boolean {
    const what = `${spec.specDigest} ${message}`;
    const before = told.get(spec.id);
    const times = before?.what === what ? before.times : 0;
    if (times >= TELL_TIMES) return false;
    told.set(spec.id, { what, times: times + 1 });
    return true;
  }

  /** A pod of this Deployment that runs: the instance’s own, or one that nobody has. */
  async function podFor(
    place: Place,
    spec: LaunchSpec,
    secret: string | undefined,
    signal: AbortSignal,
  ): Promise<Pod | { problem: Problem }> {
    const name = objectName(spec);
    const late = createMoment(START_MS, signal);
    const tooLate = createMoment(PATIENT_MS, signal);
    try {
      for (;;) {
        const changed = changes.next(name);
        if (signal.aborted || closed()) return refusal(spec, 'it is not wanted any more');
        const pod = await choose(place, spec, secret);
        if (pod && runningSince(pod) !== undefined && !book.isOver(pod)) {
          told.delete(spec.id);
          return pod;
        }
        const stuck = (pod && stuckProblem(spec, pod)) ?? unmadeProblem(spec, place.deployments.get(name));
        if (stuck && (isToTell(spec, stuck) || tooLate.passed)) return { problem: stuck };
        if (!stuck && late.passed) return { problem: lateProblem(spec, pod) };
        await Promise.race([changed, (stuck ? tooLate : late).reached]);
      }
    } finally {
      late.forget();
      tooLate.forget();
    }
  }

  async function choose(place: Place, spec: LaunchSpec, secret: string | undefined): Promise<Pod | undefined> {
    const fit = book
      .of(objectName(spec))
      .filter(
        pod =>
          pod.metadata.deletionTimestamp === undefined &&
          pod.metadata.annotations[marks.values] === secret &&
          whyNotAdoptable(pod, spec.ignoreFields) === undefined,
      );
    const own = fit.find(pod => book.holderOf(pod) === spec.id);
    if (own) return own;
    const free = fit
      .filter(pod => book.holderOf(pod) === undefined)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const pod = free.find(one => runningSince(one) !== undefined) ?? free[0];
    // What does not run yet may still be replaced by the cluster.
    if (!pod || runningSince(pod) === undefined) return pod;
    book.hold(pod, spec.id);
    await takeover.nameInstance(place, pod, spec.id).catch((error: unknown) => {
      book.hold(pod, undefined);
      throw error;
    });
    return pod;
  }

  return async (place, spec, signal) => {
    await takeover.secure(place, spec.project);
    const name = objectName(spec);
    const others = book
      .heldBy(spec.id)
      .filter(pod => nameOf(pod) !== name || whyNotAdoptable(pod, spec.ignoreFields) !== undefined);
    if (others.length > 0) await ending.endPods(place, spec.id, others, name);
    if (signal.aborted) return refusal(spec, 'it is not wanted any more');
    writing.add(name);
    try {
      const { secret } = await place.servers.want(spec).finally(() => writing.delete(name));
      return await podFor(place, spec, secret, signal);
    } catch (error) {
      for (const project of [undefined, spec.project]) place.areas.at(project).doubt();
      place.servers.doubt(name);
      throw error;
    }
  };
}
