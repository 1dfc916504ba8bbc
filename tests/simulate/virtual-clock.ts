import type { Clock } from '../../host/index.ts';

/** Time that passes only when it is told to, and then at once. */
export interface VirtualClock extends Clock {
  /** Wake the next sleeper; time is what it was waiting for. @returns false when nobody sleeps */
  advance(): boolean;
  /** What the machine's clock shows is set to something else; what sleeps does not notice. */
  jump(ms: number): void;
}

interface Timer {
  at: number;
  sequence: number;
  wake(): void;
}

const EPOCH = Date.parse('2026-01-01T00:00:00Z');

/** It begins with 2026. Those who wake at the same moment do so in the order in which they went to sleep. */
export function createVirtualClock(): VirtualClock {
  const heap: Timer[] = [];
  let ticks = 0;
  let offset = EPOCH;
  let sequence = 0;

  return {
    now: () => offset + ticks,
    ticks: () => ticks,
    jump(ms) {
      offset += ms;
    },
    advance() {
      const next = pop(heap);
      if (!next) return false;
      ticks = next.at;
      next.wake();
      return true;
    },
    sleep(ms, signal) {
      return new Promise(resolve => {
        if (signal?.aborted) return resolve();
        const timer: Timer = { at: ticks + Math.max(0, ms), sequence: sequence++, wake: done };
        push(heap, timer);
        signal?.addEventListener('abort', done, { once: true });
        function done(): void {
          signal?.removeEventListener('abort', done);
          // Left in the heap when it was woken early; waking it once more does nothing.
          if (signal?.aborted) remove(heap, timer);
          resolve();
        }
      });
    },
  };
}

/** Let everything happen that does not wait for time: promises, ticks and immediates, as deep as they follow each other. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await new Promise(resolve => setImmediate(resolve));
}

function before(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}

/** Sorted, the next one last: there are never more than a few hundred. */
function push(sorted: Timer[], timer: Timer): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = sorted[middle];
    if (other && before(timer, other)) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, timer);
}

function pop(sorted: Timer[]): Timer | undefined {
  return sorted.pop();
}

function remove(sorted: Timer[], timer: Timer): void {
  const index = sorted.indexOf(timer);
  if (index !== -1) sorted.splice(index, 1);
}
