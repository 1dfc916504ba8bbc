import type { Catalog } from '../schema/index.ts';
import type { Fleet } from './instances/index.ts';
import type { Surface } from './mcp/index.ts';
import { projectChanges } from './projects.ts';
import type { InstanceStatus, Status } from './status.ts';

export type ProjectChange = { tools: string[]; prompts: string[] };

/** Where others learn that something changed: the status, the projects' lists, an instance's state. */
export interface Board {
  /** The status may have changed; it is summed up once per turn of the event loop, however many things changed in it. */
  statusChanged(): void;
  /** Sum up now. */
  status(): Status;
  /** Another catalog is in service. */
  catalogChanged(before: Catalog | undefined, after: Catalog): void;
  /** A server's instances changed. @returns those whose state or problem is another than last time */
  serverChanged(server: string, catalog: Catalog | undefined): InstanceStatus[];
  /** @returns those of a server's running instances whose health is another than last time */
  healthChanged(server: string): InstanceStatus[];
  onStatus(listener: (status: Status) => void): () => void;
  onProjects(listener: (change: ProjectChange) => void): () => void;
}

/** @param sumUp the status now, given the one before */
export function createBoard(fleet: Fleet, sumUp: (previous: Status | undefined) => Status): Board {
  const statusListeners = new Set<(status: Status) => void>();
  const projectListeners = new Set<(change: ProjectChange) => void>();
  /** What each server's clients were last told of. */
  const surfaces = new Map<string, Surface>();
  const states = new Map<string, string>();
  const healths = new Map<string, string>();
  let last: Status | undefined;
  let due = false;

  function status(): Status {
    last = sumUp(last);
    return last;
  }

  function offersOther(server: string): boolean {
    const surface = fleet.surface(server);
    if (surfaces.get(server) === surface) return false;
    surfaces.set(server, surface);
    return true;
  }

  function announce(change: ProjectChange): void {
    if (change.tools.length + change.prompts.length === 0) return;
    for (const listener of projectListeners) listener(change);
  }

  return {
    status,
    statusChanged() {
      if (due) return;
      due = true;
      setImmediate(() => {
        due = false;
        const now = status();
        for (const listener of statusListeners) listener(now);
      });
    },
    catalogChanged: (before, after) => announce(projectChanges(before, after, offersOther)),
    serverChanged(server, catalog) {
      if (catalog) announce(projectChanges(catalog, catalog, name => name === server && offersOther(name)));
      return fleet.statuses(server).filter(({ id, state, problem }) => {
        const line = `${state} ${problem?.message ?? ''}`;
        if (states.get(id) === line) return false;
        states.set(id, line);
        return true;
      });
    },
    healthChanged(server) {
      return fleet.statuses(server).filter(({ id, health }) => {
        // That an instance is healthy from the start is not worth a line.
        const before = healths.get(id) ?? 'healthy';
        if (!health || health.state === 'unknown' || health.state === before) return false;
        healths.set(id, health.state);
        return true;
      });
    },
    onStatus(listener) {
      statusListeners.add(listener);
      return () => statusListeners.delete(listener);
    },
    onProjects(listener) {
      projectListeners.add(listener);
      return () => projectListeners.delete(listener);
    },
  };
}
