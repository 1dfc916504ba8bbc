import type { Problem, ResourceId } from '../schema/index.ts';
import type { Plan } from './plan.ts';

/** A transition worth a line. */
export type ReconcilerEvent =
  | { type: 'applied'; commit: string; plan: Plan; stalled: number }
  /** Resources that went out of service with a commit, and those that have another name now. */
  | { type: 'removed'; commit: string; resources: ResourceId[]; moved: { from: ResourceId; to: ResourceId }[] }
  | { type: 'problem'; problem: Problem }
  | { type: 'instance'; id: string; state: string; problem?: Problem }
  /** `message` has the server's own words, when a check failed. */
  | { type: 'health'; id: string; state: string; message?: string }
  /** Somebody has suspended or resumed a server, or everything. */
  | { type: 'suspended' | 'resumed'; server?: string };

/** An event as it is kept: `sequence` counts from 1 since the daemon's start, `time` is ISO 8601. */
export type TimedEvent = ReconcilerEvent & { sequence: number; time: string };

/** The newest events, in bounded memory. */
export interface EventRing {
  add(event: ReconcilerEvent, time: string): void;
  /** Those after a sequence number, oldest first; 0 gives all that are kept. */
  since(sequence: number): TimedEvent[];
  /** Called after each event. Returns the way to stop listening. */
  onEvent(listener: () => void): () => void;
}

const MAX_EVENTS = 1_000;

/** @param limit how many events are kept */
export function createEventRing(limit = MAX_EVENTS): EventRing {
  const ring: TimedEvent[] = [];
  const listeners = new Set<() => void>();
  let sequence = 0;
  return {
    add(event, time) {
      sequence += 1;
      ring.push({ sequence, time, ...event });
      if (ring.length > limit) ring.shift();
      for (const listener of [...listeners]) listener();
    },
    since: after => ring.filter(event => event.sequence > after),
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
