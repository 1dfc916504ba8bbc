import { type Deployment, isGone, type Pod } from './found.ts';
import type { KubeInstance } from './instance.ts';
import { marks, nameOf, ordinalOf, projectOf } from './marks.ts';
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

export function createEnding({ book, changes, wishes, writing, graceMs }: Workings, takeover: Takeover): Ending {
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
    const { uid, resourceVersion: version } = pod.metadata;
    return place.writer.remove(podPath(pod.metadata), { version }, { preconditions: { uid } });
  }

  /** Until nothing runs in a pod any more. */
  async function gone(place: Place, pod: Pod): Promise<void> {
    const late = createMoment(graceMs + START_MS);
    for (;;) {
      const changed = changes.next(nameOf(pod));
      const now = place.pods.get(pod.metadata.name);
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

  /** The Deployments that have a pod for an instance, or shall have. */
  function having({ deployments, servers }: Place, id: string): { deployment: Deployment; ordinal: number }[] {
    return [...deployments.values()].flatMap(deployment => {
      const ordinal = ordinalOf(id, deployment.metadata.labels[marks.server] ?? '');
      const has = ordinal !== undefined && servers.ordinals(deployment.metadata.name).includes(ordinal);
      return has ? [{ deployment, ordinal }] : [];
    });
  }

  return {
    endPods,
    letGo,
    async stop(place, id) {
      if (!place.lead.held) {
        // It is the leader's to end; or this one's, when it leads.
        wishes.doom(having(place, id).map(({ deployment }) => deployment.metadata.name));
        const instance = book.known.get(id)?.instance;
        if (instance) await letGo(instance);
        return;
      }
      const pods = book.heldBy(id);
      const projects = new Set([...pods, ...having(place, id).map(({ deployment }) => deployment)].map(projectOf));
      for (const project of projects) await takeover.secure(place, project);
      await endPods(place, id, pods, undefined);
      // A Deployment that has no pod for it yet, or none any more.
      for (const { deployment, ordinal } of having(place, id)) await release(place, deployment.metadata.name, ordinal);
    },
  };
}
