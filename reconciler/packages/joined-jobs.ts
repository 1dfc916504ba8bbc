interface Job<T> {
  promise: Promise<T>;
  controller: AbortController;
  waiting: number;
}

/** Runs work once for all who ask for it at the same time; it is aborted when none of them waits any more. */
export interface JoinedJobs<T> {
  /** @returns the work's result, or undefined when `signal` aborts first */
  run(key: string, work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T | undefined>;
}

export function createJoinedJobs<T>(): JoinedJobs<T> {
  const jobs = new Map<string, Job<T>>();

  function begin(key: string, work: (signal: AbortSignal) => Promise<T>): Job<T> {
    const controller = new AbortController();
    const job: Job<T> = { promise: work(controller.signal), controller, waiting: 0 };
    const forget = () => {
      if (jobs.get(key) === job) jobs.delete(key);
    };
    job.promise.then(forget, forget);
    jobs.set(key, job);
    return job;
  }

  return {
    async run(key, work, signal) {
      if (signal?.aborted) return undefined;
      const job = jobs.get(key) ?? begin(key, work);
      job.waiting++;
      const left = Promise.withResolvers<undefined>();
      const leave = () => left.resolve(undefined);
      signal?.addEventListener('abort', leave, { once: true });
      try {
        return await Promise.race([job.promise, left.promise]);
      } finally {
        signal?.removeEventListener('abort', leave);
        if (--job.waiting === 0) {
          // Nobody may join what is being aborted.
          if (jobs.get(key) === job) jobs.delete(key);
          job.controller.abort();
        }
      }
    },
  };
}
