import { type Clock, systemClock } from '../../../host/index.ts';
import { startUnit, type Unit, type UnitOptions } from './unit.ts';

/** Something that happened on the machine, whoever did it. */
export interface Happening {
  what: 'ended' | 'paused' | 'resumed' | 'removed' | 'appeared';
  unit: Unit;
}

/** Which one is meant: any with that id, or the one of an owner. */
type Which = { id: string; owner?: string };

/**
 * A machine that exists only in memory. It outlives the runtimes that are opened on it, as a real one outlives a
 * daemon; what people and kernels do to instances behind a runtime's back can be done here.
 */
export interface Machine {
  units(): Unit[];
  find(which: Which): Unit | undefined;
  start(options: Omit<UnitOptions, 'home' | 'clock'>): Unit;
  /** Forget one that has ended. */
  forget(unit: Unit): void;
  onHappening(listener: (happening: Happening) => void): () => void;
  /** The kernel's, or anybody's, SIGKILL. */
  kill(which: Which): void;
  pause(which: Which, paused: boolean): void;
  /** End it and leave nothing. */
  destroy(which: Which): Promise<void>;
  /** Remove it and start another program in its place, under the same marks. */
  replace(which: Which, other: Pick<UnitOptions, 'program' | 'run'>): Promise<void>;
}

/** Without any instance. @param clock when instances start, and how long they are waited for */
export function createMachine(clock: Clock = systemClock): Machine {
  const units = new Map<string, Unit>();
  const homes = new Map<string, Map<string, string>>();
  const listeners = new Set<(happening: Happening) => void>();

  function tell(what: Happening['what'], unit: Unit): void {
    for (const listener of [...listeners]) listener({ what, unit });
  }

  function find({ id, owner }: Which): Unit | undefined {
    return [...units.values()].find(unit => unit.spec.id === id && (owner === undefined || unit.owner === owner));
  }

  function start(options: Omit<UnitOptions, 'home' | 'clock'>): Unit {
    const key = keyOf(options);
    const home = homes.get(key) ?? new Map<string, string>();
    homes.set(key, home);
    const unit = startUnit({ ...options, home, clock });
    units.set(key, unit);
    void unit.exited.then(() => tell('ended', unit));
    return unit;
  }

  function forget(unit: Unit): void {
    if (units.get(keyOf(unit)) !== unit) return;
    units.delete(keyOf(unit));
    tell('removed', unit);
  }

  async function destroy(which: Which): Promise<void> {
    const unit = find(which);
    if (!unit) return;
    unit.kill();
    await unit.exited;
    forget(unit);
  }

  return {
    units: () => [...units.values()],
    find,
    start,
    forget,
    destroy,
    onHappening(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    kill: which => find(which)?.kill(),
    pause(which, paused) {
      const unit = find(which);
      unit?.pause(paused);
      if (unit) tell(paused ? 'paused' : 'resumed', unit);
    },
    async replace(which, other) {
      const unit = find(which);
      if (!unit) return;
      await destroy(which);
      const { owner, spec, env } = unit;
      tell('appeared', start({ owner, spec, env, argv: spec.argv, ...other }));
    },
  };
}

function keyOf({ owner, spec }: Pick<UnitOptions, 'owner' | 'spec'>): string {
  return `${owner}/${spec.id}`;
}
