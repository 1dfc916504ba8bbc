import { type Deployment, hasLostNode, type Pod, runningSince, whyNotAdoptable } from './found.ts';
import { nameOf } from './marks.ts';
import type { Takeover } from './takeover.ts';
import type { Place, Workings } from './workings.ts';

/** What happens in the cluster behind our back, and whom it is news to. */
export interface Happenings {
  /** @param first it was there when this process first looked */
  pod(type: 'set' | 'gone', pod: Pod, first: boolean): void;
  deployment(type: 'set' | 'gone', deployment: Deployment, first: boolean): void;
  /** Tell of every instance that a Deployment has. */
  tellAll(name: string, reason: string): void;
}

export const DELETED = 'somebody deleted its pod';

export function createHappenings(workings: Workings, takeover: Pick<Takeover, 'deploymentSeen'>): Happenings {
  const { book, bus, changes, writing, place } = workings;
  /** Pods in the place of ours that were told of. */
  const strangers = new Set<string>();
  /** Deployments that are not as they were declared, as was told. */
  const drifting = new Set<string>();

  /** A pod that the cluster made in the place of another, and that nobody has asked for yet. */
  function strangerCame(pod: Pod): void {
    const { uid } = pod.metadata;
    const here = place();
    if (!here?.lead.held || book.holderOf(pod) !== undefined || book.ending.has(uid) || strangers.has(uid)) return;
    const why = runningSince(pod) === undefined ? undefined : whyNotAdoptable(pod);
    const id = why === undefined ? undefined : book.freeId(pod, here.servers.ordinals(nameOf(pod)));
    if (id === undefined || why === undefined) return;
    strangers.add(uid);
    bus.tell({ type: 'changed', id, reason: why });
  }

  function tellAll(name: string, reason: string): void {
    for (const [id, { instance }] of book.known) {
      const pod = place()?.pods.get(instance.pod);
      if (pod && nameOf(pod) === name) bus.tell({ type: 'changed', id, reason });
    }
  }

  return {
    tellAll,
    pod(type, pod, first) {
      const { uid } = pod.metadata;
      const name = nameOf(pod);
      const instance = book.known.get(book.holderOf(pod) ?? '')?.instance;
      if (type === 'set') book.put(pod);
      if (first) book.inherit([pod]);
      if (instance?.uid === uid) {
        if (type === 'set') instance.look(pod);
        if (type === 'gone' || isLost(pod)) instance.settle(wordsOfEnd(pod));
      }
      if (type === 'gone') {
        book.drop(pod);
        strangers.delete(uid);
      }
      for (const one of book.of(name)) strangerCame(one);
      changes.raise(name);
    },
    deployment(type, deployment, first) {
      const { name } = deployment.metadata;
      const here = place();
      // What belongs to it may have gone with it.
      if (type === 'gone') here?.servers.doubt(name);
      takeover.deploymentSeen(type, deployment, first);
      const drift = here && driftOf(here, name)[0]?.why;
      changes.raise(name);
      // What is being applied right now is no drift. Of another image, the pods tell themselves.
      if (drift !== undefined && !writing.has(name) && !drift.includes('/image is ')) {
        drifting.add(name);
        tellAll(name, drift);
      } else if (drift === undefined && drifting.delete(name)) tellAll(name, 'it is as it was declared again');
    },
  };
}

/** How a Deployment differs from what was declared, and who wrote it last. */
export function driftOf(place: Place, name: string): { field: string | undefined; why: string }[] {
  const deployment = place.deployments.get(name);
  const who = deployment ? lastWriter(deployment) : '';
  return place.servers.drift(name).map(({ field, why }) => ({ field, why: `${why}${who}` }));
}

function lastWriter({ metadata }: Deployment): string {
  const others = metadata.managers.filter(
    ({ manager }) => manager !== 'mcpctl' && manager !== 'kube-controller-manager',
  );
  const last = others.sort((a, b) => (a.time < b.time ? 1 : -1))[0]?.manager;
  return last === undefined ? '' : ` (changed by ${last})`;
}

/** A pod whose node does not answer is on its way out, and its server cannot be reached. */
function isLost(pod: Pod): boolean {
  const { phase } = pod.status;
  return (
    phase === 'Failed' || hasLostNode(pod) || (pod.metadata.deletionTimestamp !== undefined && phase === 'Unknown')
  );
}

function wordsOfEnd(pod: Pod): string {
  const { status } = pod;
  if (hasLostNode(pod)) return `its node ${pod.spec.nodeName} does not answer`;
  return status.reason === '' ? DELETED : `${status.reason}: ${status.message}`;
}
