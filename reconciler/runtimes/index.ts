/** Where servers run: one interface, one adapter per place. */
export { openDockerRuntime } from './docker/index.ts';
export { howItEnded } from './exit-words.ts';
export {
  applyObjects,
  type DeclaredObject,
  type KubernetesRuntimeOptions,
  openKubernetesRuntime,
} from './kubernetes/index.ts';
export {
  createMachine,
  type Machine,
  openMemoryRuntime,
  type Program,
  type Programs,
} from './memory/index.ts';
export { notIgnored } from './not-ignored.ts';
export { openRuntimes, type RuntimeName } from './open.ts';
export { openProcessRuntime, type ProcessRecord, type ProcessRecords } from './process/index.ts';
export type {
  Connection,
  Difference,
  Exit,
  LaunchSpec,
  Observed,
  RunningInstance,
  Runtime,
  RuntimeEvent,
} from './runtime.ts';
export { LIST_MS, REMOVE_MS } from './runtime.ts';
