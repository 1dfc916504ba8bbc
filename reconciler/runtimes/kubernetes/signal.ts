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

/** A moment after some time; it comes at once when `signal` is aborted. */
export interface Moment {
  readonly passed: boolean;
  reached: Promise<void>;
  /** It is not waited for any more. */
  forget(): void;
}

export function createMoment(ms: number, signal?: AbortSignal): Moment {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  let passed = false;
  const timer = setTimeout(pass, ms);
  timer.unref();
  if (signal?.aborted) pass();
  else signal?.addEventListener('abort', pass, { once: true });

  function pass(): void {
    passed = true;
    forget();
    resolve();
  }

  function forget(): void {
    clearTimeout(timer);
    signal?.removeEventListener('abort', pass);
  }

  return {
    get passed() {
      return passed;
    },
    reached,
    forget,
  };
}
