/**
 * The room that makes the machine agree with the repository: fetch, read, decide what goes into service, plan, apply;
 * runtimes, packages, secrets and connections to the servers that run.
 */
export type { Accepted, Good, Refused } from './accept.ts';
export type { DriftPolicy } from './drift.ts';
export type { ReconcilerEvent, TimedEvent } from './events.ts';
export { backoffOf, createPrepare, type InstanceDetail, type LogPage } from './instances/index.ts';
export type { McpObject, RequestOptions, Surface, Upstream } from './mcp/index.ts';
export { openPackageStore } from './packages/index.ts';
export type { Item, Plan, PlanStep } from './plan.ts';
export { type Preview, preview, type Revision } from './preview.ts';
export { createReconciler, type Reconciler } from './reconciler.ts';
export {
  compareProposal,
  createDesk,
  type Desk,
  type Draft,
  decide,
  declaredLogin,
  type Examined,
  examine,
  gatePush,
  type PushedRef,
  policyOf,
  prepareMerge,
  publishDraft,
  reportOf,
  type Standing,
  standing,
} from './review/index.ts';
export { applyObjects, type DeclaredObject, openRuntimes, type RuntimeName } from './runtimes/index.ts';
export type { SecretSources } from './secrets/index.ts';
export { type MachineEventRecords, openStateStore } from './state/index.ts';
export type { Condition, InstanceStatus, ProjectStatus, ServerStatus, Status } from './status.ts';
export { holds } from './summarize.ts';
export type { Telemetry } from './telemetry/index.ts';
export type { ReconcilerView, ServedProject, ServedPrompt, ServedServer } from './view.ts';
