import { type Clock, within } from '../host/index.ts';
import { type Catalog, type Problem, problem } from '../schema/index.ts';
import type { Fleet } from './instances/index.ts';
import { LIST_MS, notIgnored, type Observed, type Runtime, type RuntimeEvent } from './runtimes/index.ts';

/** What is done about an instance that somebody changed: told and replaced, or only told. */
export type DriftPolicy = 'correct' | 'report';

/** An instance that is not as it was started, and that nobody asked mcpctl to change. */
export interface Drift {
  /** `<server>-<ordinal>` */
  id: string;
  server: string;
  because: string;
  action: DriftPolicy;
}

/** An instance that is looked after, as far as drift goes. */
export interface Expected {
  id: string;
  server: string;
  /** Digests of the specs that may run: while a server is replaced in turn, there are several. */
  specs: readonly string[];
  /** JSON pointers of fields whose difference is no drift. */
  ignored?: readonly string[];
  /** Its last check failed. */
  failing?: boolean;
}

/**
 * Which instances are not as they were started. Pure. What has ended is not among them: that is a death like any
 * other, and supervision starts it again.
 * @param actionOf by server
 */
export function planDrift(
  expected: readonly Expected[],
  observed: readonly Observed[],
  actionOf: (server: string) => DriftPolicy,
): Drift[] {
  const found = new Map(observed.map(one => [one.id, one]));
  return expected.flatMap(({ id, server, specs, ignored = [] }) => {
    const one = found.get(id);
    const because = one?.owned === true ? difference(one, specs, ignored) : undefined;
    return because === undefined ? [] : [{ id, server, because, action: actionOf(server) }];
  });
}

/**
 * Which instances are gone without anybody having been told. Pure. That a runtime does not list one is no proof; that its
 * checks fail as well is.
 */
export function planDeaths(expected: readonly Expected[], observed: readonly Observed[]): Expected[] {
  const there = new Set(observed.filter(({ owned, state }) => owned && state !== 'ended').map(({ id }) => id));
  return expected.filter(({ id, failing }) => failing === true && !there.has(id));
}

function difference(
  { state, specDigest, adoptable, why, differs }: Observed,
  specs: readonly string[],
  ignored: readonly string[],
): string | undefined {
  if (state === 'ended') return undefined;
  if (state === 'paused') return why ?? 'somebody paused it';
  if (!specs.includes(specDigest)) return 'what runs was started from another spec';
  if (differs) return notIgnored(differs, ignored)[0]?.why;
  return adoptable ? undefined : (why ?? 'it is not as it was started');
}

/** Looks for drift, tells it, and puts it right. */
export interface DriftWatch {
  /** Look now, in the background. */
  look(): void;
  /** What was found last and is only reported, by instance. */
  readonly reported: ReadonlyMap<string, Drift>;
  stop(): void;
}

interface DriftOptions {
  runtime: Pick<Runtime, 'list' | 'watch'>;
  clock: Clock;
  fleet: Pick<Fleet, 'statuses' | 'specsInUse' | 'restart' | 'retryNow' | 'lost'>;
  report(found: Problem): void;
  catalog(): Catalog | undefined;
  /** For servers that say nothing of their own. */
  standard: DriftPolicy;
  onChange(): void;
}

export function watchDrift({ runtime, clock, fleet, report, catalog, standard, onChange }: DriftOptions): DriftWatch {
  const reported = new Map<string, Drift>();
  let looking = false;
  let again = false;

  function actionOf(server: string): DriftPolicy {
    const resource = catalog()?.get(`server/${server}`);
    return (resource?.kind === 'Server' ? resource.spec.drift : undefined) ?? standard;
  }

  function expected(): Expected[] {
    const servers = catalog()?.list('Server') ?? [];
    return servers.flatMap(({ name, spec }) =>
      spec.url !== undefined
        ? []
        : fleet
            .statuses(name)
            .filter(({ state }) => state === 'Running')
            .map(({ id, health }) => ({
              id,
              server: name,
              specs: fleet.specsInUse(name),
              ignored: spec.ignoreFields,
              failing: (health?.failures ?? 0) > 0,
            })),
    );
  }

  async function look(): Promise<void> {
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    // A runtime that is out of reach says so by itself; nothing is known of drift then.
    const observed = await within(clock, LIST_MS, runtime.list(), () => undefined).catch(() => undefined);
    if (observed) {
      for (const { id, server } of planDeaths(expected(), observed)) fleet.lost(id, deathProblem(id, server));
      settle(planDrift(expected(), observed, actionOf));
    }
    looking = false;
    if (again) {
      again = false;
      await look();
    }
  }

  function settle(found: readonly Drift[]): void {
    const known = new Map(reported);
    reported.clear();
    for (const drift of found) {
      if (drift.action === 'report') reported.set(drift.id, drift);
      if (known.get(drift.id)?.because !== drift.because) report(driftProblem(drift));
      if (drift.action === 'correct') fleet.restart(drift.id);
    }
    const same = ({ id, because }: Drift) => known.get(id)?.because === because;
    if (known.size !== reported.size || ![...reported.values()].every(same)) onChange();
  }

  function happened({ type }: RuntimeEvent): void {
    if (type === 'returned') fleet.retryNow();
    void look();
  }

  return { look: () => void look(), reported, stop: runtime.watch(happened) };
}

function driftProblem({ id, server, because, action }: Drift): Problem {
  const outcome = action === 'correct' ? 'it is replaced' : 'it is left as it is';
  return problem('INSTANCE_CHANGED', `${id}: ${because}; ${outcome}`, { resource: `server/${server}` });
}

function deathProblem(id: string, server: string): Problem {
  return problem('SERVER_EXITED', `${id} is not there any more, and nobody told of its end`, {
    resource: `server/${server}`,
  });
}
