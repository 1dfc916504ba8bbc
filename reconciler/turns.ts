import type { Clock } from '../host/index.ts';

/** When the loop runs: when it is poked, and every so often. Pokes that come while it runs amount to one more turn. */
export interface Turns {
  poke(): void;
  /** Resolves when it is time, with the reason; at once when it was poked meanwhile, or when the signal aborts. */
  next(signal: AbortSignal): Promise<'poll' | 'poke'>;
}

/** More pokes than this since the last turn are a burst: its last one counts, so its end is awaited. */
const BURST = 3;
/** A burst is over when no poke came for so long, */
const QUIET_MS = 250;
/** but at the latest after this. */
const LONGEST_BURST_MS = 5_000;

/** @param intervalMs milliseconds between polls, before ± 10 % jitter, so that many daemons do not poll in step */
export function createTurns(clock: Clock, intervalMs: number, random: () => number): Turns {
  let pokes = 0;
  let wake = () => {};

  async function endOfBurst(signal: AbortSignal): Promise<void> {
    for (let waited = 0; waited < LONGEST_BURST_MS && !signal.aborted; waited += QUIET_MS) {
      const before = pokes;
      await clock.sleep(QUIET_MS, signal);
      if (pokes === before) return;
    }
  }

  return {
    poke() {
      pokes++;
      wake();
    },
    async next(signal) {
      if (pokes > BURST) {
        await endOfBurst(signal);
      } else if (pokes === 0) {
        const waiting = new AbortController();
        wake = () => waiting.abort();
        await clock.sleep(intervalMs * (0.9 + 0.2 * random()), AbortSignal.any([waiting.signal, signal]));
      }
      const reason = pokes > 0 ? 'poke' : 'poll';
      pokes = 0;
      return reason;
    },
  };
}
