import type { Clock } from '../host/index.ts';
import type { Problem } from '../schema/index.ts';
import { createEventRing, type EventRing, type ReconcilerEvent } from './events.ts';

/** Where the loop tells what happened: kept for `mcpctl events`, and passed on as it happens. */
export interface Journal extends Pick<EventRing, 'since' | 'onEvent'> {
  log(event: ReconcilerEvent): void;
  /** Log the problems that are new. */
  report(now: readonly Problem[], before?: readonly Problem[]): void;
}

/** @param tell told about every event */
export function createJournal(clock: Clock, tell?: (event: ReconcilerEvent) => void): Journal {
  const ring = createEventRing();

  function log(event: ReconcilerEvent): void {
    ring.add(event, new Date(clock.now()).toISOString());
    tell?.(event);
  }

  return {
    since: ring.since,
    onEvent: ring.onEvent,
    log,
    report(now, before = []) {
      const known = new Set(before.map(found => JSON.stringify(found)));
      for (const found of now) if (!known.has(JSON.stringify(found))) log({ type: 'problem', problem: found });
    },
  };
}
