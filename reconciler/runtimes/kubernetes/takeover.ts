import type { LaunchSpec } from '../runtime.ts';
import { type Deployment, generationOf, type Pod } from './found.ts';
import { marks, objectName } from './marks.ts';
import { KubeRefusal } from './refusal.ts';
import { isBegun } from './upkeep.ts';
import { type Place, podPath, type Workings } from './workings.ts';

/** What a process does when it becomes the one that writes. */
export interface Takeover {
  /** The lead is about to be asked for. */
  trying(): void;
  /** @param silent the one that led before may still believe that it leads */
  leadChanged(held: boolean, silent: boolean): void;
  /** What was asked for meanwhile was asked of one that could not know that it leads. */
  leadKept(): void;
  /** Settles when nothing that one before still writes can have its way; to be awaited before each first write. */
  secure(place: Place): Promise<void>;
  /** A Deployment is there, or has changed: one that a stale leader made is removed, unless it is wanted. */
  deploymentSeen(type: 'set' | 'gone', deployment: Deployment): void;
  /** Remove what nobody wants and could not be removed before. */
  tidy(): void;
  /** Write on a pod which instance it is. */
  nameInstance(place: Place, pod: Pod | undefined, id: string): Promise<void>;
}

export function createTakeover({ book, bus, changes, wishes, writing, place }: Workings): Takeover {
  /** Deployments that were there when the lead was asked for; all others are of this leader, or of a stale one. */
  let before = new Set<string>();
  /** What was found that a leader before has made, or begun, and is not taken over. */
  const late = new Set<string>();
  /** The one that led before was not heard to give up. */
  let unstamped = false;
  let stamping: Promise<void> | undefined;

  /** What there is becomes ours to look after, as we know it. */
  async function takeOver(here: Place): Promise<void> {
    await secure(here);
    const taken = Map.groupBy(book.known.values(), ({ spec }) => objectName(spec));
    const adopting = [...taken.values()].map(async known => {
      for (const { instance, spec } of known) await nameInstance(here, here.pods.items.get(instance.pod), spec.id);
      const { spec } = known[0] as { spec: LaunchSpec };
      await here.servers.take(
        spec,
        known.map(one => one.spec.ordinal),
      );
    });
    await Promise.allSettled(adopting);
    book.inherit(here.pods.items.values());
    bus.tell({ type: 'returned', id: '', reason: 'this process leads now' });
  }

  /** What the leader before should have removed, and had not yet; and what one that leads no more has made since. */
  async function clear(here: Place): Promise<void> {
    await secure(here);
    const names = new Set([...wishes.unwanted(), ...[...late].filter(name => !wishes.isWanted(name))]);
    await Promise.all([...names].map(name => discard(here, name)));
  }

  /** What was only begun when the lead changed never had a pod: it is begun again where it is wanted. */
  function see({ metadata }: Deployment, here: Place): void {
    if ((before.has(metadata.name) && !isBegun({ metadata })) || generationOf(metadata) >= here.lead.generation) return;
    late.add(metadata.name);
  }

  async function discard(here: Place, name: string): Promise<void> {
    for (const { metadata } of book.of(name)) book.ending.add(metadata.uid);
    writing.add(name);
    await here.servers.discard(name, () => wishes.isWanted(name)).finally(() => writing.delete(name));
  }

  async function secure(here: Place): Promise<void> {
    if (!unstamped) return;
    stamping ??= stamp(here)
      .then(() => {
        unstamped = false;
      })
      .finally(() => {
        stamping = undefined;
      });
    await stamping;
  }

  /** Whatever one that led before still writes is for an older version, and is refused. */
  async function stamp(here: Place): Promise<void> {
    // Also what no watch has told of yet.
    const [deployments, pods] = await Promise.all([here.deployments.list(), here.pods.list()]);
    for (const one of deployments) see(one, here);
    const folder = `/apis/apps/v1/namespaces/${here.namespace}/deployments`;
    const paths = [
      ...deployments.map(({ metadata }) => `${folder}/${metadata.name}`),
      ...pods.map(({ metadata }) => podPath(here, metadata.name)),
    ];
    await Promise.all(
      paths.map(path =>
        here.writer.merge(path, {}, { version: undefined }).catch((error: unknown) => {
          if (!(error instanceof KubeRefusal && error.status === 404)) throw error;
        }),
      ),
    );
  }

  async function nameInstance(here: Place, pod: Pod | undefined, id: string): Promise<void> {
    if (!pod || pod.metadata.labels[marks.instance] === id) return;
    const labels = { [marks.instance]: id };
    const { name, resourceVersion: version } = pod.metadata;
    await here.writer.merge(podPath(here, name), { metadata: { labels } }, { version });
  }

  function tidy(): void {
    const here = place();
    if (here?.lead.held) void clear(here).catch(() => undefined);
  }

  return {
    secure,
    nameInstance,
    trying() {
      before = new Set(place()?.deployments.items.keys());
      late.clear();
    },
    leadChanged(held, silent) {
      unstamped = held && silent;
      changes.raiseAll();
      const here = place();
      if (!held || !here) return;
      for (const one of here.deployments.items.values()) see(one, here);
      const first = book.known.size > 0 ? takeOver(here) : Promise.resolve();
      void first.then(() => clear(here)).catch(() => undefined);
    },
    leadKept() {
      changes.raiseAll();
      tidy();
    },
    deploymentSeen(type, deployment) {
      const { name } = deployment.metadata;
      const here = place();
      if (type === 'gone') {
        late.delete(name);
        before.delete(name);
        wishes.forget(name);
      } else if (here?.lead.held) {
        see(deployment, here);
        if (late.has(name)) tidy();
      }
    },
    tidy,
  };
}
