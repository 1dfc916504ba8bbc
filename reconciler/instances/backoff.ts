/** When a start that failed is tried again. All times in milliseconds. */
export interface Backoff {
  /** A second death within this time counts as a failing start. */
  windowMs: number;
  /** The wait after the first, second, … failing start; the last one repeats. */
  delaysMs: readonly number[];
  /** Share of each wait that is random (0.1: ±10 %), so that many instances do not start in step. */
  jitter: number;
}

export const defaultBackoff: Backoff = {
  windowMs: 60_000,
  delaysMs: [30_000, 30_000, 30_000, 30_000, 30_000, 300_000],
  jitter: 0.1,
};

/** @param seconds the wait after the first, second, … failing start, as people give it */
export function backoffOf(seconds: readonly number[]): Backoff {
  return { ...defaultBackoff, delaysMs: seconds.map(delay => delay * 1000) };
}

/**
 * How long to wait after so many failing starts in a row.
 * @param failures 1 or more
 * @param random from 0 to 1
 */
export function backoffDelay(backoff: Backoff, failures: number, random: number): number {
  const delays = backoff.delaysMs;
  const delay = delays[Math.min(failures, delays.length) - 1] ?? 0;
  return Math.round(delay * (1 + backoff.jitter * (2 * random - 1)));
}

/** No wait is longer. */
export function longestDelay({ delaysMs, jitter }: Backoff): number {
  return Math.round(Math.max(0, ...delaysMs) * (1 + jitter));
}

/**
 * How many failing starts in a row there are after a running instance has died: none (it is restarted at once) unless
 * it died before within the window.
 */
export function failuresAfterDeath(
  backoff: Backoff,
  failures: number,
  died: number,
  diedBefore: number | undefined,
): number {
  const again = diedBefore !== undefined && died - diedBefore < backoff.windowMs;
  return again ? failures + 1 : 0;
}
