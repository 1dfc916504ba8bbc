/** Lets many wait for the next change of something. */
export interface Signal {
  raise(): void;
  /** Settles when it is raised next. Ask before looking, so that no change is missed. */
  next(): Promise<void>;
}

export function createSignal(): Signal {
  let waiting = Promise.withResolvers<void>();
  return {
    raise() {
      waiting.resolve();
      waiting = Promise.withResolvers<void>();
    },
    next: () => waiting.promise,
  };
}
