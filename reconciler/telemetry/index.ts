/** What the loop tells of itself: metrics read off the status or counted, and one trace from a push to Ready. */
export { createLoopObserver, type LoopObserver } from './loop-observer.ts';
export { statusFamilies } from './status-families.ts';
export type { Telemetry } from './telemetry.ts';
