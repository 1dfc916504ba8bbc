/** Instances that exist only in memory. */
export { createMachine, type Machine } from './machine.ts';
export { pretend } from './pretend.ts';
export type { Program, Programs } from './program.ts';
export { openMemoryRuntime } from './runtime.ts';
