import type { Clock } from '../host/index.ts';

/** When the loop runs: when it is poked, and every so often. Pokes that come while it runs amount to one more turn. */
export interface Turns {
  poke(): void;
  /** Resolves when it is time, with the reason; at once when it was poked meanwhile, or when the signal aborts. */
  next(signal: AbortSignal): Promise<'poll' | 'poke'>;
}

/** @param intervalMs milliseconds between polls, before ± 10 % jitter, so that many daemons do not poll in step */
export function createTurns(clock: Clock, intervalMs: number, random: () => number): Turns {
  let poked = false;
  let wake = () => {};
  return {
    poke() {
      poked = true;
      wake();
    },
    async next(signal) {
      if (!poked) {
        const waiting = new AbortController();
        wake = () => waiting.abort();
        await clock.sleep(intervalMs * (0.9 + 0.2 * random()), AbortSignal.any([waiting.signal, signal]));
      }
      const reason = poked ? 'poke' : 'poll';
      poked = false;
      return reason;
    },
  };
}
