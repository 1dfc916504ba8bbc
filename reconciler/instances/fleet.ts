import { type Problem, ProblemError, problem } from '../../schema/index.ts';
import type { Surface, Upstream } from '../mcp/index.ts';
import type { DesiredInstance, Item } from '../plan.ts';
import type { InstanceStatus } from '../status.ts';
import type { ServedServer } from '../view.ts';
import { Instance, type InstanceContext } from './instance.ts';
import type { LogPage } from './logbook.ts';

const NOTHING: Surface = { tools: [], prompts: [] };

interface Group {
  instances: Map<string, Instance>;
  /** What the server offered when an instance last ran, so that a restart does not empty the clients' lists. */
  surface: Surface;
  /** Those waiting for an instance to become Running or to fail. */
  waiting: Set<() => void>;
  turn: number;
}

/** Every supervised instance, by server. */
export interface Fleet {
  /** What is there, as the plan compares it. Instances on their way out are not. */
  observed(): Item[];
  /** Start an instance in the background; one of the same id is replaced: it ends first. */
  start(desired: DesiredInstance): void;
  /** End an instance in the background. */
  remove(id: string): void;
  statuses(server: string): InstanceStatus[];
  /** What an instance wrote; undefined when there is none of that id. @param after the cursor of an earlier page */
  logs(id: string, after?: string): LogPage | undefined;
  served(server: string): ServedServer;
  /** Every server's name with what it offers now. */
  surface(server: string): Surface;
  close(): Promise<void>;
}

/** @param context without `onChange`, which the fleet provides; `onChange(server)` is told which server changed */
export function createFleet(context: Omit<InstanceContext, 'onChange'>, onChange: (server: string) => void): Fleet {
  const groups = new Map<string, Group>();

  function groupOf(server: string): Group {
    let group = groups.get(server);
    if (!group) {
      group = { instances: new Map(), surface: NOTHING, waiting: new Set(), turn: 0 };
      groups.set(server, group);
    }
    return group;
  }

  function changed(server: string): void {
    const group = groups.get(server);
    if (!group) return;
    group.surface = currentSurface(group);
    for (const wake of [...group.waiting]) wake();
    onChange(server);
  }

  async function remove(id: string): Promise<void> {
    const server = serverOf(id);
    const instances = groups.get(server)?.instances;
    const instance = instances?.get(id);
    await instance?.stop();
    if (instance && instances?.get(id) === instance) instances.delete(id);
    changed(server);
  }

  return {
    observed() {
      return [...groups.values()].flatMap(group =>
        [...group.instances.values()]
          .filter(({ state }) => state !== 'Stopping')
          .map(({ desired }) => ({ id: `instance/${desired.id}`, parts: desired.parts })),
      );
    },
    start(desired) {
      const { instances } = groupOf(desired.server);
      const predecessor = instances.get(desired.id)?.stop();
      const instance = new Instance(desired, { ...context, onChange: () => changed(desired.server) });
      instances.set(desired.id, instance);
      instance.begin(predecessor);
    },
    remove: id => void remove(id),
    statuses(server) {
      const instances = [...(groups.get(server)?.instances.values() ?? [])];
      return instances.sort((a, b) => a.desired.ordinal - b.desired.ordinal).map(instance => instance.snapshot());
    },
    logs: (id, after) => groups.get(serverOf(id))?.instances.get(id)?.logs(after),
    served(server) {
      return {
        name: server,
        get surface() {
          return groups.get(server)?.surface ?? NOTHING;
        },
        upstream: timeoutMs => pick(server, groupOf(server), timeoutMs),
      };
    },
    surface: server => groups.get(server)?.surface ?? NOTHING,
    async close() {
      const instances = [...groups.values()].flatMap(group => [...group.instances.values()]);
      await Promise.all(instances.map(instance => instance.stop()));
    },
  };
}

/** The first running instance's; the last known one while something is on its way up; else nothing. */
function currentSurface(group: Group): Surface {
  const instances = [...group.instances.values()];
  for (const instance of instances) if (instance.upstream) return instance.upstream.surface;
  const coming = instances.some(({ state }) => state === 'Pending' || state === 'Starting' || state === 'Stopping');
  const restarting = instances.some(instance => instance.state === 'Error' && !instance.snapshot().nextRetryAt);
  return coming || restarting ? group.surface : NOTHING;
}

/** A connected instance, each in turn; waits for one that is starting. */
async function pick(server: string, group: Group, timeoutMs: number): Promise<Upstream> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const connected = [...group.instances.values()].flatMap(instance => instance.upstream ?? []);
    const next = connected[group.turn++ % Math.max(connected.length, 1)];
    if (next) return next;
    const left = deadline - Date.now();
    const why = hopeless(server, group);
    if (why) throw new ProblemError(why);
    if (left <= 0) throw new ProblemError(unavailable(server, 'it is still starting'));
    await changeOrTimeout(group, left);
  }
}

function hopeless(server: string, group: Group): Problem | undefined {
  const statuses = [...group.instances.values()].map(instance => instance.snapshot());
  if (statuses.length === 0) return unavailable(server, 'no instance of it is declared');
  if (statuses.some(({ state, nextRetryAt }) => state !== 'Error' || !nextRetryAt)) return undefined;
  const [first] = statuses;
  return unavailable(server, first?.problem?.message ?? 'it failed');
}

function unavailable(server: string, why: string): Problem {
  return problem('SERVER_UNREACHABLE', `server ${server} is not available: ${why}`, {
    resource: `server/${server}`,
    hint: 'see `mcpctl status`',
  });
}

function changeOrTimeout(group: Group, ms: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(done, ms);
    group.waiting.add(done);
    function done(): void {
      clearTimeout(timer);
      group.waiting.delete(done);
      resolve();
    }
  });
}

/** `<server>-<ordinal>` → `<server>` */
function serverOf(id: string): string {
  return id.slice(0, id.lastIndexOf('-'));
}
