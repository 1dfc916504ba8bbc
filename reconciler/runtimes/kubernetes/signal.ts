/** Lets many wait for the next change of one thing among many. */
export interface Signals {
  raise(name: string): void;
  raiseAll(): void;
  /** Settles when it is raised next. Ask before looking, so that no change is missed. */
  next(name: string): Promise<void>;
}

export function createSignals(): Signals {
  const waiting = new Map<string, PromiseWithResolvers<void>>();

  function raise(name: string): void {
    waiting.get(name)?.resolve();
    waiting.delete(name);
  }

  return {
    raise,
    raiseAll() {
      for (const name of [...waiting.keys()]) raise(name);
    },
    next(name) {
      const present = waiting.get(name) ?? Promise.withResolvers<void>();
      waiting.set(name, present);
      return present.promise;
    },
  };
}

/** Settles when it is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
