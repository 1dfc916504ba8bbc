import { type Clock, within } from '../host/index.ts';
import { asProblem, type Problem, ProblemError, problem } from '../schema/index.ts';
import { REMOVE_MS, type Runtime } from './runtimes/index.ts';
import type { InventoryEntry, InventoryRecords } from './state/index.ts';

/** What this daemon, or one before it on the same state directory, has started; only that is ever ended. */
export interface Inventory {
  /** The runtime, writing down what it starts before it starts it. */
  readonly runtime: Runtime;
  /**
   * End what is ours and nobody wants, one try for each, in the background; what is known to be gone is crossed off.
   * @param isWanted whether an instance is declared, or still looked after
   */
  sweep(isWanted: (entry: InventoryEntry) => boolean): void;
  /** Ids of a server's instances that were started and are not known to be gone. */
  mayRun(server: string): string[];
  /** What could not be ended, and why. */
  readonly failed: ReadonlyMap<string, Problem>;
}

/** @param onChange something of a server is gone, or could not be ended */
export function createInventory(
  runtime: Runtime,
  records: InventoryRecords,
  clock: Clock,
  onChange: (server: string, failed?: Problem) => void,
): Inventory {
  const entries = new Map(records.all().map(entry => [entry.id, entry]));
  const gone = new Set<string>();
  const busy = new Set<string>();
  const failed = new Map<string, Problem>();

  const kept: Pick<Runtime, 'ensure' | 'remove'> = {
    async ensure(spec) {
      const { id, server } = spec;
      const entry = { id, server, runtime: runtime.name };
      // Restarts write nothing: an instance must come back also while the disk is full.
      if (!entries.has(id)) records.put(entry);
      entries.set(id, entry);
      gone.delete(id);
      const started = await runtime.ensure(spec);
      // Its predecessor may have been found gone meanwhile.
      if (!('problem' in started)) gone.delete(id);
      return started;
    },
    async remove(id) {
      // Nothing of that name was ever started here: whatever has it is somebody else's.
      if (!entries.has(id)) return;
      await within(clock, REMOVE_MS, runtime.remove(id), () => {
        throw new ProblemError(problem('RUNTIME_UNREACHABLE', `${id} was not ended within ${REMOVE_MS / 1000} s`));
      });
      gone.add(id);
    },
  };

  async function end({ id, server }: InventoryEntry): Promise<void> {
    busy.add(id);
    try {
      await kept.remove(id);
      failed.delete(id);
      onChange(server);
    } catch (error) {
      const message = `${id} is not declared any more, and could not be ended: ${asProblem(error).message}`;
      const known = failed.get(id)?.message === message;
      const why = problem('PRUNE_FAILED', message, { resource: `server/${server}` });
      failed.set(id, why);
      if (!known) onChange(server, why);
    } finally {
      busy.delete(id);
    }
  }

  return {
    runtime: Object.assign(Object.create(runtime) as Runtime, kept),
    failed,
    mayRun: server =>
      [...entries.values()].filter(one => one.server === server && !gone.has(one.id)).map(({ id }) => id),
    sweep(isWanted) {
      for (const entry of [...entries.values()]) {
        const { id } = entry;
        if (busy.has(id)) continue;
        if (isWanted(entry)) failed.delete(id);
        else if (!gone.has(id)) void end(entry);
        else {
          entries.delete(id);
          records.delete(id);
        }
      }
    },
  };
}
