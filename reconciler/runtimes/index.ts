/** Where servers run: one interface, one adapter per place. */
export {
  openProcessRuntime,
  type ProcessRecord,
  type ProcessRecords,
  type ProcessRuntimeOptions,
} from './process/index.ts';
export type { Connection, EnsureResult, Exit, LaunchSpec, RunningInstance, Runtime } from './runtime.ts';
