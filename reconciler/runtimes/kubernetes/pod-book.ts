import type { LaunchSpec } from '../runtime.ts';
import { containerOf, isGone, type Pod } from './found.ts';
import type { KubeInstance } from './instance.ts';
import { marks, nameOf } from './marks.ts';

/** The pods of an installation, and which instance each is. Nobody is asked here, and nobody told. */
export interface PodBook {
  /** Instances that this process speaks with, and what each was asked for with. */
  readonly known: Map<string, { instance: KubeInstance; spec: LaunchSpec }>;
  /** Which instance a pod is; written on it too. */
  holderOf(pod: Pod): string | undefined;
  /** @param id undefined: it is no instance any more */
  hold(pod: Pod, id: string | undefined): void;
  /** Pods that we end, by uid: what happens to them is no news. */
  readonly ending: Set<string>;
  /** What an earlier daemon left, and is not taken over yet; by uid. */
  readonly inherited: Set<string>;
  put(pod: Pod): void;
  drop(pod: Pod): void;
  /** Those of one Deployment. */
  of(name: string): Pod[];
  /** Those that are an instance and have not ended. */
  heldBy(id: string): Pod[];
  /** Its server has ended, and its container was not restarted since. */
  isOver(pod: Pod): boolean;
  /** @param restarts how often its container had been restarted then */
  setOver(uid: string, restarts: number): void;
  /** It is spoken with again. */
  setOn(uid: string): void;
  /** Which of a Deployment's instances has no pod, so that this one is it. */
  freeId(pod: Pod, ordinals: readonly number[]): string | undefined;
  /** Pods that were there before this process are the instances that are written on them. */
  inherit(left: Iterable<Pod>): void;
}

export function createPodBook(): PodBook {
  const byName = new Map<string, Map<string, Pod>>();
  const pods = new Map<string, Pod>();
  const holders = new Map<string, string>();
  /** The other way round: uids by instance. */
  const held = new Map<string, Set<string>>();
  const over = new Map<string, number>();
  const ending = new Set<string>();
  const inherited = new Set<string>();

  function of(name: string): Pod[] {
    return [...(byName.get(name)?.values() ?? [])];
  }

  function hold({ metadata: { uid } }: Pod, id: string | undefined): void {
    const before = holders.get(uid);
    if (before === id) return;
    if (before !== undefined) {
      const others = held.get(before);
      others?.delete(uid);
      if (others?.size === 0) held.delete(before);
      holders.delete(uid);
    }
    if (id === undefined) return;
    holders.set(uid, id);
    held.set(id, (held.get(id) ?? new Set()).add(uid));
  }

  return {
    known: new Map(),
    holderOf: ({ metadata }) => holders.get(metadata.uid),
    hold,
    ending,
    inherited,
    of,
    put(pod) {
      const name = nameOf(pod);
      const present = byName.get(name) ?? new Map<string, Pod>();
      byName.set(name, present.set(pod.metadata.uid, pod));
      pods.set(pod.metadata.uid, pod);
    },
    drop(pod) {
      const { uid } = pod.metadata;
      const name = nameOf(pod);
      const present = byName.get(name);
      if (present?.delete(uid) && present.size === 0) byName.delete(name);
      hold(pod, undefined);
      for (const one of [pods, over, ending, inherited]) one.delete(uid);
    },
    heldBy(id) {
      return [...(held.get(id) ?? [])].flatMap(uid => pods.get(uid) ?? []).filter(pod => !isGone(pod));
    },
    isOver(pod) {
      const ended = over.get(pod.metadata.uid);
      return ended !== undefined && (containerOf(pod)?.restartCount ?? 0) <= ended;
    },
    setOver: (uid, restarts) => void over.set(uid, restarts),
    setOn: uid => void over.delete(uid),
    freeId(pod, ordinals) {
      const staying = of(nameOf(pod)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      const taken = new Set(staying.flatMap(one => holders.get(one.metadata.uid) ?? []));
      return ordinals.map(ordinal => `${pod.metadata.labels[marks.server]}-${ordinal}`).find(id => !taken.has(id));
    },
    inherit(left) {
      for (const pod of left) {
        const { uid, labels } = pod.metadata;
        const id = labels[marks.instance];
        if (id === undefined || isGone(pod) || holders.has(uid)) continue;
        hold(pod, id);
        inherited.add(uid);
      }
    },
  };
}
