import type { Clock } from '../host/index.ts';
import type { ResourceId } from '../schema/index.ts';

/** What is suspended, kept where it outlives the daemon: `server/NAME`, or `repository`; with milliseconds. */
export interface SuspensionRecords {
  put(what: string, since: number): void;
  delete(what: string): void;
  all(): ReadonlyMap<string, number>;
}

/**
 * What people have suspended: the repository (no commit is taken over), or single servers (they stay at the revision
 * that they have). What runs is looked after all the same.
 */
export interface Suspensions {
  /** Since when, as ISO 8601; undefined when it is not. */
  repository(): string | undefined;
  server(name: string): string | undefined;
  /** The servers' resources. */
  held(): ReadonlySet<ResourceId>;
  /** @param server the repository when left out. @returns false when it was so already */
  set(server: string | undefined, suspended: boolean): boolean;
}

const REPOSITORY = 'repository';

export function createSuspensions(records: SuspensionRecords, clock: Clock): Suspensions {
  let since = records.all();
  const at = (what: string) => {
    const ms = since.get(what);
    return ms === undefined ? undefined : new Date(ms).toISOString();
  };
  return {
    repository: () => at(REPOSITORY),
    server: name => at(`server/${name}`),
    held: () => new Set([...since.keys()].filter(what => what !== REPOSITORY)),
    set(server, suspended) {
      const what = server === undefined ? REPOSITORY : `server/${server}`;
      if (since.has(what) === suspended) return false;
      if (suspended) records.put(what, clock.now());
      else records.delete(what);
      since = records.all();
      return true;
    },
  };
}
