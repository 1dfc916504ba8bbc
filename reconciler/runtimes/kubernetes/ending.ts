import { isGone, type Pod } from './found.ts';
import type { KubeInstance } from './instance.ts';
import { marks, nameOf, ordinalOf } from './marks.ts';
import { createMoment } from './signal.ts';
import type { Takeover } from './takeover.ts';
import { type Place, podPath, START_MS, type Workings } from './workings.ts';

/** How instances end: by their pods, and by what their Deployments have fewer of. */
export interface Ending {
  /** Nothing of it is there any more; one that only reads lets go of it. */
  stop(place: Place, id: string): Promise<void>;
  /** Speak with it no more; it goes on. */
  letGo(instance: KubeInstance): Promise<void>;
  /** @param staying the Deployment that keeps its place for the instance */
  endPods(place: Place, id: string, pods: readonly Pod[], staying: string | undefined): Promise<void>;
}

export function createEnding({ book, changes, writing, graceMs }: Workings, takeover: Takeover): Ending {
  async function release(place: Place, name: string, ordinal: number): Promise<void> {
    writing.add(name);
    await place.servers.release(name, ordinal).finally(() => writing.delete(name));
  }

  async function endPod(place: Place, id: string, pod: Pod, staying: boolean): Promise<void> {
    book.ending.add(pod.metadata.uid);
    const name = nameOf(pod);
    const ordinal = ordinalOf(id, pod.metadata.labels[marks.server] ?? '');
    const last = place.servers.ordinals(name).every(one => one === ordinal);
    // Gone before there is one less to have: the cluster would choose another pod than this one.
    if (staying || !last) await removePod(place, pod);
    else for (const one of book.of(name)) book.ending.add(one.metadata.uid);
    if (!staying && ordinal !== undefined) await release(place, name, ordinal);
  }

  function removePod(place: Place, pod: Pod): Promise<void> {
    const { uid, name, resourceVersion: version } = pod.metadata;
    return place.writer.remove(podPath(place, name), { version }, { preconditions: { uid } });
  }

  /** Until nothing runs in a pod any more. */
  async function gone(place: Place, pod: Pod): Promise<void> {
    const late = createMoment(graceMs + START_MS);
    for (;;) {
      const changed = changes.next(nameOf(pod));
      const now = place.pods.items.get(pod.metadata.name);
      if (now?.metadata.uid !== pod.metadata.uid || isGone(now) || late.passed) return late.forget();
      await Promise.race([changed, late.reached]);
    }
  }

  async function endPods(place: Place, id: string, pods: readonly Pod[], staying: string | undefined): Promise<void> {
    for (const pod of pods) await endPod(place, id, pod, nameOf(pod) === staying);
    for (const pod of pods) await gone(place, pod);
    const instance = book.known.get(id)?.instance;
    if (!instance || !pods.some(({ metadata }) => metadata.uid === instance.uid)) return;
    instance.settle();
    await instance.exited;
  }

  async function letGo(instance: KubeInstance): Promise<void> {
    book.ending.add(instance.uid);
    instance.settle();
    await instance.exited;
    book.ending.delete(instance.uid);
    book.setOn(instance.uid);
  }

  return {
    endPods,
    letGo,
    async stop(place, id) {
      if (!place.lead.held) {
        // It is the leader's to end.
        const instance = book.known.get(id)?.instance;
        if (instance) await letGo(instance);
        return;
      }
      await takeover.secure(place);
      await endPods(place, id, book.heldBy(id), undefined);
      // A Deployment that has no pod for it yet, or none any more.
      for (const { metadata } of [...place.deployments.items.values()]) {
        const ordinal = ordinalOf(id, metadata.labels[marks.server] ?? '');
        if (ordinal === undefined || !place.servers.ordinals(metadata.name).includes(ordinal)) continue;
        await release(place, metadata.name, ordinal);
      }
    },
  };
}
