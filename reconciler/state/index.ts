/** What the daemon keeps across restarts, in one SQLite file in the state directory. */
export type { KeptMachineEvent, MachineEventRecords } from './machine-events.ts';
export { type InventoryEntry, type InventoryRecords, openStateStore, type StateStore } from './store.ts';
