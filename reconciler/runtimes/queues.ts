/** One thing at a time for each instance; what is asked for meanwhile waits its turn. */
export interface Queues {
  inTurn<T>(id: string, work: () => Promise<T>): Promise<T>;
  /** The ids with something under way or waiting. */
  busy(): string[];
}

/** Without anything under way. */
export function createQueues(): Queues {
  const queues = new Map<string, Promise<unknown>>();
  return {
    inTurn(id, work) {
      const turn = (queues.get(id) ?? Promise.resolve()).then(work);
      const settled = turn
        .catch(() => undefined)
        .then(() => {
          if (queues.get(id) === settled) queues.delete(id);
        });
      queues.set(id, settled);
      return turn;
    },
    busy: () => [...queues.keys()],
  };
}
