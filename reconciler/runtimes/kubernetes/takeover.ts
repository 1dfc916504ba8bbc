import type { LaunchSpec } from '../runtime.ts';
import type { Area } from './area.ts';
import { type Deployment, generationOf, type Pod } from './found.ts';
import { marks, objectName, projectOf } from './marks.ts';
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
  /**
   * Settles when nothing that one before still writes in a project's namespace, or the one for all, can have its way, and the
   * next leader will know of that namespace; to be awaited before each first write.
   */
  secure(place: Place, project: string | undefined): Promise<void>;
  /**
   * A Deployment is there, or has changed: one that a stale leader made is removed, unless it is wanted.
   * @param first it was there when this process first looked
   */
  deploymentSeen(type: 'set' | 'gone', deployment: Deployment, first: boolean): void;
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
  /** By namespace, since this process leads. */
  let stamped = new Map<string, Promise<void>>();

  /** What there is becomes ours to look after, as we know it. */
  async function takeOver(here: Place): Promise<void> {
    const taken = Map.groupBy(book.known.values(), ({ spec }) => objectName(spec));
    const adopting = [...taken.values()].map(async known => {
      const { spec } = known[0] as { spec: LaunchSpec };
      await secure(here, spec.project);
      for (const { instance, spec: one } of known) await nameInstance(here, here.pods.get(instance.pod), one.id);
      await here.servers.take(
        spec,
        known.map(one => one.spec.ordinal),
      );
    });
    await Promise.allSettled(adopting);
    book.inherit(here.pods.values());
    bus.tell({ type: 'returned', id: '', reason: 'this process leads now' });
  }

  /** What the leader before should have removed, and had not yet; and what one that leads no more has made since. */
  async function clear(here: Place): Promise<void> {
    await Promise.allSettled(here.areas.all().map(area => fence(here, area)));
    const names = new Set([...wishes.unwanted(), ...[...late].filter(name => !wishes.isWanted(name))]);
    await Promise.allSettled([...names].map(name => discard(here, name)));
  }

  /** What was only begun when the lead changed never had a pod: it is begun again where it is wanted. */
  function see({ metadata }: Deployment, here: Place): void {
    if ((before.has(metadata.name) && !isBegun({ metadata })) || generationOf(metadata) >= here.lead.generation) return;
    late.add(metadata.name);
  }

  /** Its namespace could not be looked at before: it may be what was removed, or moved, meanwhile. */
  function firstSeen({ metadata }: Deployment, here: Place | undefined): void {
    before.add(metadata.name);
    const ids =
      here?.servers.ordinals(metadata.name).map(ordinal => `${metadata.labels[marks.server]}-${ordinal}`) ?? [];
    if (ids.length === 0 || !ids.every(id => wishes.isLeft(id, metadata.name))) return;
    wishes.doom([metadata.name]);
    tidy();
  }

  async function discard(here: Place, name: string): Promise<void> {
    const there = here.deployments.get(name);
    if (!there) return;
    await secure(here, projectOf(there));
    for (const { metadata } of book.of(name)) book.ending.add(metadata.uid);
    writing.add(name);
    await here.servers.discard(name, () => wishes.isWanted(name)).finally(() => writing.delete(name));
  }

  async function secure(here: Place, project: string | undefined): Promise<void> {
    if (project !== undefined) await here.lead.use(project);
    await fence(here, here.areas.at(project));
  }

  /** Once in each namespace, and one that cannot be reached holds up no other. */
  async function fence(here: Place, area: Area): Promise<void> {
    if (!unstamped) return;
    const mine = stamped;
    const stamping =
      mine.get(area.namespace) ??
      stamp(here, area).catch((error: unknown) => {
        mine.delete(area.namespace);
        throw error;
      });
    mine.set(area.namespace, stamping);
    await stamping;
  }

  /** Whatever one that led before still writes is for an older version, and is refused. */
  async function stamp(here: Place, area: Area): Promise<void> {
    await area.hear();
    // Also what no watch has told of yet.
    const { deployments, pods } = await area.list();
    for (const one of deployments) see(one, here);
    const folder = `/apis/apps/v1/namespaces/${area.namespace}/deployments`;
    const paths = [
      ...deployments.map(({ metadata }) => `${folder}/${metadata.name}`),
      ...pods.map(({ metadata }) => podPath(metadata)),
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
    const { resourceVersion: version } = pod.metadata;
    await here.writer.merge(podPath(pod.metadata), { metadata: { labels } }, { version });
  }

  function tidy(): void {
    const here = place();
    if (here?.lead.held) void clear(here).catch(() => undefined);
  }

  return {
    secure,
    nameInstance,
    trying() {
      before = new Set(place()?.deployments.keys());
      late.clear();
    },
    leadChanged(held, silent) {
      unstamped = held && silent;
      stamped = new Map();
      changes.raiseAll();
      const here = place();
      if (!held || !here) return;
      for (const one of here.deployments.values()) see(one, here);
      const first = book.known.size > 0 ? takeOver(here) : Promise.resolve();
      void first.then(() => clear(here)).catch(() => undefined);
    },
    leadKept() {
      changes.raiseAll();
      tidy();
    },
    deploymentSeen(type, deployment, first) {
      const { name } = deployment.metadata;
      const here = place();
      if (first) firstSeen(deployment, here);
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
