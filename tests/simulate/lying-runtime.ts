import type { Connection, LaunchSpec, Runtime } from '../../reconciler/runtimes/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What is wrong with a runtime, or with the way to it. */
export interface RuntimeFaults {
  /** Every answer takes this much longer. Milliseconds. */
  slowMs: number;
  /** It is out of reach: everything fails at once. */
  away: boolean;
  /** `lost`: the request never arrives; `unanswered`: it starts the instance, and never says so. */
  ensure: 'answers' | 'lost' | 'unanswered' | 'refuses';
  /** `forgets`: it lists nothing; `hangs`: it never answers. */
  list: 'answers' | 'forgets' | 'hangs';
  /** `hangs`: nothing is ended, and it never answers; `fails`: it says that it cannot. */
  remove: 'answers' | 'hangs' | 'fails';
  connect: 'answers' | 'hangs';
  /** Nobody is told when something ends. */
  exits: 'told' | 'untold';
}

export const honest: Readonly<RuntimeFaults> = {
  slowMs: 0,
  away: false,
  ensure: 'answers',
  list: 'answers',
  remove: 'answers',
  connect: 'answers',
  exits: 'told',
};

/** Told of what the reconciler asks for, before it is done. */
export interface RuntimeWatch {
  onEnsure(spec: LaunchSpec): void;
  /** It cannot be that it will be there any more without being seen. */
  onEnsured(spec: LaunchSpec): void;
  onRemove(id: string): void;
  /** Which instance a connection leads to. */
  onConnection(connection: Connection, id: string): void;
}

/** @returns the same runtime, as it looks through faults that may change at any time */
export function lyingRuntime(
  inner: Runtime,
  faults: Readonly<RuntimeFaults>,
  clock: VirtualClock,
  watch: RuntimeWatch,
): Runtime {
  const gone = () => problem('RUNTIME_UNREACHABLE', 'the runtime is out of reach');
  const never = <T>() => new Promise<T>(() => {});
  /** The answer is on its way; a clock that is dead by then takes it nowhere. */
  const answered = async <T>(work: Promise<T>) => {
    const answer = await work;
    await clock.sleep(1);
    return answer;
  };
  const pause = () => clock.sleep(1 + faults.slowMs);

  return {
    ...inner,
    async list() {
      if (faults.list === 'hangs') return never();
      await pause();
      if (faults.away) throw new ProblemError(gone());
      return faults.list === 'forgets' ? [] : answered(inner.list());
    },
    async ensure(spec) {
      watch.onEnsure(spec);
      const { ensure } = faults;
      if (ensure === 'lost') watch.onEnsured(spec);
      if (ensure === 'lost') return never();
      await pause();
      if (faults.away || ensure === 'refuses') {
        watch.onEnsured(spec);
        return { problem: gone() };
      }
      const running = await answered(inner.ensure(spec));
      watch.onEnsured(spec);
      if (ensure === 'unanswered') return never();
      if ('problem' in running) return running;
      const exited = answered(running.exited).then(exit => (faults.exits === 'told' ? exit : never<typeof exit>()));
      return { ...running, exited };
    },
    async connect(id) {
      if (faults.connect === 'hangs') return never();
      await pause();
      if (faults.away) return { problem: gone() };
      const connection = await answered(inner.connect(id));
      if (!('problem' in connection)) watch.onConnection(connection, id);
      return connection;
    },
    async remove(id) {
      watch.onRemove(id);
      if (faults.remove === 'hangs') return never();
      await pause();
      if (faults.away || faults.remove === 'fails') throw new ProblemError(gone());
      return answered(inner.remove(id));
    },
    watch: listener => inner.watch(event => faults.exits === 'told' && !faults.away && listener(event)),
  };
}
