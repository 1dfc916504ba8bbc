import type { LaunchSpec } from '../runtime.ts';
import type { Pod } from './found.ts';
import { marks, objectName } from './marks.ts';
import { KubeRefusal } from './refusal.ts';
import { type Place, podPath, type Workings } from './workings.ts';

/** What a process does when it becomes the one that writes. */
export interface Takeover {
  /** @param silent the one that led before may still believe that it leads */
  leadChanged(held: boolean, silent: boolean): void;
  /** Settles when nothing that one before still writes can have its way; to be awaited before each first write. */
  secure(place: Place): Promise<void>;
  /** Write on a pod which instance it is. */
  nameInstance(place: Place, pod: Pod | undefined, id: string): Promise<void>;
}

export function createTakeover({ book, bus, changes, place }: Workings): Takeover {
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
  async function stamp({ namespace, deployments, pods, writer }: Place): Promise<void> {
    const paths = [
      ...[...deployments.items.keys()].map(name => `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`),
      ...[...pods.items.keys()].map(name => `/api/v1/namespaces/${namespace}/pods/${name}`),
    ];
    await Promise.all(
      paths.map(path =>
        writer.merge(path, {}, { version: undefined }).catch((error: unknown) => {
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

  return {
    secure,
    nameInstance,
    leadChanged(held, silent) {
      unstamped = held && silent;
      changes.raiseAll();
      const here = place();
      if (held && book.known.size > 0 && here) void takeOver(here).catch(() => undefined);
    },
  };
}
