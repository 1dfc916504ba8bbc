import type { Problem } from '../../schema/index.ts';
import type { Surface } from '../mcp/index.ts';
import type { DesiredInstance, Item } from '../plan.ts';
import type { InstanceStatus, RolloutStatus } from '../status.ts';
import type { ServedServer } from '../view.ts';
import { type GroupContext, NOTHING, notDeclared, ordinalOf, ServerGroup } from './group.ts';
import type { InstanceDetail } from './instance-status.ts';
import type { LogPage } from './logbook.ts';
import type { Left } from './rollout.ts';
import type { Supervision } from './supervision.ts';

/** Every supervised instance, by server. */
export interface Fleet {
  /** How every declared server is looked after; before what is new of them is started. */
  configure(servers: ReadonlyMap<string, Supervision>): void;
  /** What an earlier daemon left running and can be taken over; told before anything is started. */
  found(left: readonly { id: string; specDigest: string }[]): void;
  /** What is wanted, as the plan compares it. */
  observed(): Item[];
  /** Want an instance: one of the same server that was wanted with another spec is replaced. In the background. */
  start(desired: DesiredInstance): void;
  /** Do not want it any more. It ends in the background. */
  remove(id: string): void;
  /** Replace a server's instances, or one instance, by the same. @returns false when there is none of that name */
  restart(name: string): boolean;
  /** A running instance has turned out to be gone. */
  lost(id: string, why: Problem): void;
  /** Nothing waits for its next try any more. */
  retryNow(): void;
  /** Something of a server that was not looked after any more is gone: there may be room for what is missing. */
  madeRoom(server: string): void;
  statuses(server: string): InstanceStatus[];
  /** Why a server's newest spec is not all that runs. */
  rollout(server: string): RolloutStatus | undefined;
  /** Everything about one instance; undefined when there is none of that id. */
  detail(id: string): InstanceDetail | undefined;
  /** What an instance wrote; undefined when there is none of that id. @param after the cursor of an earlier page */
  logs(id: string, after?: string): LogPage | undefined;
  served(server: string): ServedServer;
  /** What a server offers now. */
  surface(server: string): Surface;
  /** Digests of a server's specs that are wanted or run. */
  specsInUse(server: string): readonly string[];
  /** @param options.leave what runs goes on, where it can do so without the daemon */
  close(options?: { leave?: boolean }): Promise<void>;
}

/** @param onChange told which server changed */
export function createFleet(context: GroupContext, onChange: (server: string) => void): Fleet {
  const groups = new Map<string, ServerGroup>();
  let lefts = new Map<string, Left[]>();
  let supervisions: ReadonlyMap<string, Supervision> = new Map();

  function groupOf(server: string): ServerGroup {
    const present = groups.get(server);
    if (present) return present;
    const group = new ServerGroup(
      server,
      context,
      () => whyBlocked(server, []),
      () => changed(server),
    );
    group.supervision = supervisions.get(server) ?? group.supervision;
    group.left = lefts.get(server) ?? [];
    lefts.delete(server);
    groups.set(server, group);
    return group;
  }

  function changed(server: string): void {
    if (groups.get(server)?.isEmpty) groups.delete(server);
    for (const group of groups.values()) if (group.supervision.dependsOn.includes(server)) group.settle();
    onChange(server);
  }

  /** `waits for a, which waits for b: b-0 exited with code 1` */
  function whyBlocked(server: string, before: readonly string[]): string | undefined {
    const dependsOn = (groups.get(server)?.supervision ?? supervisions.get(server))?.dependsOn ?? [];
    const missing = dependsOn.find(name => !before.includes(name) && !isReady(name));
    if (missing === undefined) return undefined;
    const further = whyBlocked(missing, [...before, server]);
    if (further !== undefined) return `waits for ${missing}, which ${further}`;
    return `waits for ${missing}: ${groups.get(missing)?.trouble ?? 'it has no instance'}`;
  }

  function isReady(server: string): boolean {
    const group = groups.get(server);
    return group ? group.isReady : supervisions.get(server)?.replicas === 0;
  }

  return {
    configure(servers) {
      supervisions = servers;
      for (const group of groups.values()) group.supervision = servers.get(group.server) ?? group.supervision;
      for (const group of groups.values()) group.settle();
    },
    found(left) {
      const all = left.map(({ id, specDigest }) => ({ id, digest: specDigest, ordinal: ordinalOf(id) }));
      lefts = Map.groupBy(all, ({ id }) => serverOf(id));
    },
    observed() {
      const wanted = [...groups.values()].flatMap(group => group.desired);
      return wanted.map(({ id, parts }) => ({ id: `instance/${id}`, parts }));
    },
    start: desired => groupOf(desired.server).want(desired),
    remove: id => groups.get(serverOf(id))?.release(id),
    restart(name) {
      const group = groups.get(name);
      if (group) group.restart();
      else if (groups.get(serverOf(name))?.instances.has(name)) groups.get(serverOf(name))?.restart(name);
      else return false;
      return true;
    },
    retryNow() {
      for (const group of groups.values()) group.retry();
    },
    lost: (id, why) => groups.get(serverOf(id))?.instances.get(id)?.lost(why),
    madeRoom: server => groups.get(server)?.settle(),
    statuses(server) {
      const instances = [...(groups.get(server)?.instances.values() ?? [])];
      return instances.sort((a, b) => a.desired.ordinal - b.desired.ordinal).map(instance => instance.snapshot());
    },
    rollout: server => groups.get(server)?.rolloutStatus,
    detail: id => groups.get(serverOf(id))?.instances.get(id)?.describe(),
    logs: (id, after) => groups.get(serverOf(id))?.instances.get(id)?.logs(after),
    served(server) {
      return {
        name: server,
        get surface() {
          return groups.get(server)?.surface ?? NOTHING;
        },
        async upstream(timeoutMs) {
          const group = groups.get(server);
          if (!group) throw notDeclared(server);
          return group.rotation.pick(timeoutMs);
        },
      };
    },
    surface: server => groups.get(server)?.surface ?? NOTHING,
    specsInUse: server => groups.get(server)?.specsInUse ?? [],
    async close(options) {
      await Promise.all([...groups.values()].map(group => group.close(options)));
    },
  };
}

/** `<server>-<ordinal>` → `<server>` */
function serverOf(id: string): string {
  return id.slice(0, id.lastIndexOf('-'));
}
