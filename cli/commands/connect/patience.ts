/** Tries again at growing intervals, until it works, the time is up, or the signal aborts. */
export interface PatienceOptions {
  /** Milliseconds; Infinity for as long as it takes. */
  patienceMs: number;
  signal: AbortSignal;
  /** Whether to try again after this error. */
  isPassing: (error: unknown) => boolean;
  /** Told of the first failure. */
  onWait?: ((error: unknown) => void) | undefined;
}

const FIRST_MS = 50;
const LONGEST_MS = 1_000;

/** @returns what the attempt gives; rejects with its last error */
export async function withPatience<T>(attempt: () => Promise<T>, options: PatienceOptions): Promise<T> {
  const { patienceMs, signal, isPassing, onWait } = options;
  const deadline = performance.now() + patienceMs;
  let delay = FIRST_MS;
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || !isPassing(error) || performance.now() + delay > deadline) throw error;
      if (tries === 0) onWait?.(error);
      await pause(delay, signal);
      if (signal.aborted) throw error;
      delay = Math.min(delay * 2, LONGEST_MS);
    }
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
