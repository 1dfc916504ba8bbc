/** How a server's instances are replaced. */
export type Strategy = 'recreate' | 'rolling';

/** One instance of a server, as far as replacing it goes. */
export interface Seen {
  ordinal: number;
  /** Digest of the spec that it was started with. */
  digest: string;
  /** It shall be replaced though its spec is the same. */
  stale: boolean;
  /**
   * `pending`: it was never started; `ready`: it is given calls; `unready`: it runs, and is given calls only when no other is ready; `failing`: its start
   * failed, or it died; `leaving`: it ends, or is being drained.
   */
  phase: 'pending' | 'coming' | 'ready' | 'unready' | 'failing' | 'leaving';
  /** It had its chances to get ready. */
  hopeless: boolean;
}

export interface RolloutSituation {
  /** Digest of the newest spec. */
  wanted: string;
  replicas: number;
  strategy: Strategy;
  /** Something that it depends on is not Ready: what runs stays, and nothing is replaced. */
  blocked: boolean;
  /** Whether what the newest spec needs (secrets, a package) is known to be there, so that what runs may be ended. */
  prepared: boolean;
  /** The newest spec never got ready; this is the digest to go back to. */
  rejectedFor?: string;
  seen: readonly Seen[];
  /** What an earlier daemon left running, and this one has not taken over yet. */
  left?: readonly Left[];
  /** Ordinals of what is not looked after any more and may be there still: what starts there takes its place. */
  leftovers?: readonly number[];
}

/** A running instance that can be taken over instead of starting one. */
export interface Left {
  ordinal: number;
  digest: string;
}

export type RolloutStep =
  | { do: 'start'; ordinal: number; digest: string }
  | { do: 'end'; ordinal: number }
  /** Find out whether what the newest spec needs is there. */
  | { do: 'prepare' }
  /** Give the newest spec up for the one that runs. */
  | { do: 'reject'; for: string };

/** How many instances more than wanted there may be while a server is replaced in turn. */
const SURGE = 1;

/**
 * What to do next so that a server has the instances that are wanted. Pure, and asked again after every change: it only
 * ever says what is safe now. What waits for its next try has its place like any other, so that nothing is made anew
 * for having failed.
 */
export function rollout(situation: RolloutSituation): RolloutStep[] {
  const { wanted, replicas, rejectedFor = wanted, seen } = situation;
  const live = seen.filter(({ phase }) => phase !== 'leaving');
  const current = live.filter(({ digest, stale }) => digest === rejectedFor && !stale);
  const old = live.filter(one => !current.includes(one));
  const surplus = surplusOf(current, replicas);
  if (surplus.length > 0) return surplus.map(end);
  if (old.length === 0) return starts(situation, replicas - current.length);
  // What has not begun would begin with the old spec.
  if (situation.blocked && replicas > 0) return old.filter(({ phase }) => phase === 'pending').map(end);
  return situation.strategy === 'rolling' && replicas > 0
    ? replaceInTurn(situation, current, old)
    : replaceAtOnce(situation, old);
}

function replaceAtOnce(situation: RolloutSituation, old: readonly Seen[]): RolloutStep[] {
  // What does not serve is not worth waiting for.
  const serves = old.some(({ phase }) => phase === 'ready' || phase === 'unready');
  if (serves && !situation.prepared && situation.replicas > 0) return [{ do: 'prepare' }];
  return old.map(end);
}

function replaceInTurn(situation: RolloutSituation, current: readonly Seen[], old: readonly Seen[]): RolloutStep[] {
  const { wanted, replicas, rejectedFor = wanted } = situation;
  const serving = old.filter(({ phase }) => phase === 'ready');
  const someReady = [...current, ...old].some(({ phase }) => phase === 'ready');
  const idle = old.filter(({ phase }) => phase !== 'ready' && (phase !== 'unready' || someReady));
  const fallback = serving.find(({ digest }) => digest !== wanted)?.digest;
  const gaveUp = current.some(({ hopeless }) => hopeless);
  if (gaveUp && fallback !== undefined && rejectedFor === wanted) return [{ do: 'reject', for: fallback }];
  const ready = current.filter(({ phase }) => phase === 'ready').length;
  const spare = Math.min(serving.length, ready + serving.length - replicas);
  const leaving = [...idle, ...serving.toSorted(byOrdinal).slice(0, Math.max(0, spare))];
  if (leaving.length > 0) return leaving.map(end);
  return starts(situation, replicas - current.length);
}

/** Too many of the right ones: those that do not serve go first, then the highest ordinals. */
function surplusOf(current: readonly Seen[], replicas: number): Seen[] {
  const idleFirst = (one: Seen) => (one.phase === 'ready' ? 1 : 0);
  const ranked = current.toSorted((a, b) => idleFirst(a) - idleFirst(b) || b.ordinal - a.ordinal);
  return ranked.slice(0, Math.max(0, current.length - replicas));
}

/**
 * Start what is missing, where there is room: an instance on its way out still has its place, and so has one that could not
 * be ended. What runs already, and only has to be taken over, comes first; then what ends something by taking its place.
 */
function starts(situation: RolloutSituation, missing: number): RolloutStep[] {
  const { wanted, rejectedFor = wanted, replicas, strategy, seen, left = [] } = situation;
  const taken = new Set(seen.map(({ ordinal }) => ordinal));
  const running = left.filter(({ digest }) => digest === rejectedFor).map(({ ordinal }) => ordinal);
  const leftovers = (situation.leftovers ?? []).toSorted((a, b) => a - b);
  const places = strategy === 'rolling' ? replicas + SURGE : replicas;
  const occupied = new Set([...taken, ...running, ...leftovers]);
  const ordinals = new Set([...running, ...leftovers, ...Array.from({ length: places }, (_, ordinal) => ordinal)]);
  const free = [...ordinals].filter(ordinal => {
    if (taken.has(ordinal)) return false;
    if (occupied.has(ordinal)) return true;
    if (occupied.size >= places) return false;
    occupied.add(ordinal);
    return true;
  });
  // What ends may still be there, wherever the new one starts.
  const room = Math.max(0, Math.min(missing, places - seen.length));
  return free.slice(0, room).map(ordinal => ({ do: 'start', ordinal, digest: rejectedFor }));
}

function end({ ordinal }: Seen): RolloutStep {
  return { do: 'end', ordinal };
}

function byOrdinal(a: Seen, b: Seen): number {
  return a.ordinal - b.ordinal;
}
