/** Instances of servers: each one supervised, restarted with backoff, checked, replaced, and found by server. */
export type { AttemptRecords } from './attempts.ts';
export { type Backoff, backoffOf, defaultBackoff } from './backoff.ts';
export { createFleet, type Fleet } from './fleet.ts';
export type { InstanceDetail } from './instance-status.ts';
export type { LogPage } from './logbook.ts';
export type { Attempts } from './machine.ts';
export { createPrepare, type Prepare } from './prepare.ts';
export type { Rejection, RejectionRecords } from './rejections.ts';
export { type Supervision, supervisionOf } from './supervision.ts';
