export type { ProcessRecord } from './instance.ts';
export { openProcessRuntime, type ProcessRecords } from './runtime.ts';
