import { type Catalog, link } from '../schema/index.ts';
import type { Board } from './board.ts';
import { type Fleet, supervisionOf } from './instances/index.ts';
import { type DesiredInstance, desiredInstances, type Plan, type PlanStep, plan } from './plan.ts';
import type { Removals } from './prune/index.ts';
import type { Sources } from './sources.ts';
import type { State } from './steps/index.ts';
import type { Suspensions } from './suspensions.ts';

/** What is in service, and how it is replaced: always as a whole. */
export interface Service {
  /** Set everything in motion. It goes on in the background: neither a neighbour nor the next commit waits for it. */
  put(before: Catalog | undefined, after: Catalog, moved?: Removals['moved']): Plan;
  /** Whether an instance is supervised, be it on its way out. */
  looksAfter(id: string, server: string): boolean;
  /** The newest commit is out of reach or refused at start: what was in service last goes into service again. */
  serveLastGood(): void;
}

interface ServiceOptions {
  fleet: Fleet;
  board: Board;
  sources: Sources;
  suspensions: Pick<Suspensions, 'server'>;
  state: State;
  /** The commit that was in service when the daemon last ended. */
  appliedBefore: string | undefined;
  /** Aborted when the daemon stops: nothing goes into service any more. */
  signal: AbortSignal;
}

export function createService(options: ServiceOptions): Service {
  const { fleet, board, sources, suspensions, state, appliedBefore, signal } = options;

  function put(before: Catalog | undefined, after: Catalog, moved?: Removals['moved']): Plan {
    const wanted = new Map<string, DesiredInstance>(desiredInstances(after).map(one => [`instance/${one.id}`, one]));
    const todo = plan(
      [...wanted].map(([id, { parts }]) => ({ id, parts })),
      fleet.observed(),
      moved,
    );
    sources.use(after, wanted.values(), fleet.specsInUse);
    fleet.configure(new Map(after.list('Server').map(server => [server.name, supervisionOf(server)])));
    // First what goes: a server that is to have fewer instances and another spec must not make room for the former number.
    for (const step of removalsFirst(todo)) {
      const one = wanted.get(step.id);
      // What it refers to may have changed; it has not.
      if (one && step.op === 'update' && suspensions.server(one.server) !== undefined) continue;
      if (one) fleet.start(one);
      else fleet.remove(step.id.slice('instance/'.length));
    }
    board.catalogChanged(before, after);
    return todo;
  }

  return {
    put,
    looksAfter: (id, server) => fleet.statuses(server).some(status => status.id === id),
    serveLastGood() {
      if (state.catalog || state.good.size === 0 || signal.aborted) return;
      state.catalog = link([...state.good.values()].map(({ resource }) => resource)).catalog;
      state.applied = appliedBefore;
      put(undefined, state.catalog);
    },
  };
}

function removalsFirst({ steps }: Plan): PlanStep[] {
  const [removals, others] = [steps.filter(({ op }) => op === 'remove'), steps.filter(({ op }) => op !== 'remove')];
  return [...removals, ...others];
}
