/** Instances of servers: each one supervised, restarted with backoff, and found by server. */
export { type Backoff, defaultBackoff } from './backoff.ts';
export { createFleet, type Fleet } from './fleet.ts';
export type { LogPage } from './logbook.ts';
export { createPrepare, type Prepare } from './prepare.ts';
