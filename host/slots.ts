/** At most so many at a time; the others wait in order. */
export interface Slots {
  /** Resolves with the way to give the slot back (idempotent), or with undefined when the signal aborts first. */
  take(signal?: AbortSignal): Promise<(() => void) | undefined>;
}

export function createSlots(count: number): Slots {
  let free = count;
  const waiting = new Set<() => void>();

  function grant(): () => void {
    let given = true;
    return () => {
      if (!given) return;
      given = false;
      const [next] = waiting;
      if (next) {
        waiting.delete(next);
        next();
      } else free++;
    };
  }

  return {
    take(signal) {
      if (signal?.aborted) return Promise.resolve(undefined);
      if (free > 0) {
        free--;
        return Promise.resolve(grant());
      }
      return new Promise(resolve => {
        const go = () => {
          signal?.removeEventListener('abort', leave);
          resolve(grant());
        };
        const leave = () => {
          waiting.delete(go);
          resolve(undefined);
        };
        waiting.add(go);
        signal?.addEventListener('abort', leave, { once: true });
      });
    },
  };
}
