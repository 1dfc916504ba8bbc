export type { ProcessRecord } from './instance.ts';
export { openProcessRuntime, type ProcessRecords, type ProcessRuntimeOptions } from './runtime.ts';
