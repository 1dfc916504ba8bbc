import type { ProcessRecord, ProcessRecords } from '../../reconciler/runtimes/index.ts';

/** Records of processes in memory. */
export function processRecords(initial: ProcessRecord[] = []): ProcessRecords {
  const rows = new Map(initial.map(row => [row.id, row]));
  return {
    put: row => void rows.set(row.id, row),
    delete: id => void rows.delete(id),
    all: () => [...rows.values()],
  };
}
