import type { Clock } from './clock.ts';

/**
 * What comes of some work, or `late()` when it takes longer than it may; nobody waits for the work then, which goes on.
 * @param ms milliseconds
 */
export async function within<T, L>(clock: Clock, ms: number, work: Promise<T>, late: () => L): Promise<T | L> {
  const over = new AbortController();
  const timeIsUp = clock
    .sleep(ms, over.signal)
    .then(() => (over.signal.aborted ? new Promise<never>(() => {}) : late()));
  return Promise.race([work, timeIsUp]).finally(() => over.abort());
}
