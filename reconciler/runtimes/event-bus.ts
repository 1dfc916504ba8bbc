import type { RuntimeEvent } from './runtime.ts';

/** Those who listen to a runtime. */
export interface EventBus {
  tell(event: RuntimeEvent): void;
  /** Returns the way to stop listening. */
  listen(listener: (event: RuntimeEvent) => void): () => void;
}

/** One without listeners. */
export function createEventBus(): EventBus {
  const listeners = new Set<(event: RuntimeEvent) => void>();
  return {
    tell(event) {
      for (const listener of [...listeners]) listener(event);
    },
    listen(listener) {
      // A function of its own, so that the same listener may be given twice.
      const own = (event: RuntimeEvent) => listener(event);
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}
