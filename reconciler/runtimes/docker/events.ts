import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { z } from 'zod';
import type { Clock } from '../../../host/index.ts';
import { labels } from './owner.ts';

/** What Docker tells of containers, as far as it is read here. */
const DockerEvent = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
});
export type DockerEvent = z.infer<typeof DockerEvent>;

const ACTIONS = ['start', 'die', 'destroy', 'pause', 'update'];
const PAUSES_MS = [100, 200, 500, 1_000, 2_000, 5_000];

export interface EventWatch {
  /** Settles when events are heard for the first time, or cannot be. */
  ready: Promise<void>;
  stop(): void;
}

/**
 * Hear of what happens to our containers, for as long as it is not stopped: a connection that ends is made again.
 * @param on.returned called when events are heard again after they were not; what happened meanwhile is not told
 */
export function watchEvents(
  docker: Docker,
  owner: string,
  clock: Clock,
  on: { event(event: DockerEvent): void; returned(): void },
): EventWatch {
  const stopping = new AbortController();
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const filters = { type: ['container'], label: [`${labels.owner}=${owner}`], event: ACTIONS };

  async function listen(): Promise<void> {
    let failures = 0;
    let heardBefore = false;
    while (!stopping.signal.aborted) {
      try {
        const stream = (await docker.getEvents({ filters: JSON.stringify(filters) })) as Readable;
        stopping.signal.addEventListener('abort', () => stream.destroy(), { once: true });
        if (stopping.signal.aborted) stream.destroy();
        failures = 0;
        if (heardBefore) on.returned();
        heardBefore = true;
        resolve();
        await hear(stream, on.event);
      } catch {
        // The daemon is away; it is asked again.
      }
      resolve();
      heardBefore = true;
      await clock.sleep(PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)] ?? 0, stopping.signal);
    }
  }

  void listen();
  return { ready, stop: () => stopping.abort() };
}

function hear(stream: Readable, onEvent: (event: DockerEvent) => void): Promise<void> {
  return new Promise(resolve => {
    stream.on('error', () => resolve());
    stream.on('close', () => resolve());
    stream.on('end', () => resolve());
    // An interface passes its input's error on as its own.
    const lines = createInterface({ input: stream }).on('error', () => resolve());
    lines.on('line', line => {
      const event = DockerEvent.safeParse(parsed(line));
      if (event.success) onEvent(event.data);
    });
  });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
