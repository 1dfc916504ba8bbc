/** Where servers run: one interface, one adapter per place. */
export { openProcessRuntime, type ProcessRecord, type ProcessRecords } from './process/index.ts';
export type { Connection, Exit, LaunchSpec, RunningInstance, Runtime } from './runtime.ts';
