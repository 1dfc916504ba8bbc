import type { DatabaseSync } from 'node:sqlite';
import type { MachineEvent } from '../../schema/index.ts';

/** An event as it is kept: `sequence` counts from 1. */
export type KeptMachineEvent = MachineEvent & { sequence: number };

/** What developers’ machines told of their skills. */
export interface MachineEventRecords {
  /** @returns how many were new */
  add(events: readonly MachineEvent[]): number;
  /** Those after a sequence number, oldest first, at most so many. */
  since(sequence: number, limit: number): KeptMachineEvent[];
}

/** The newest are kept; an audit that needs more collects them elsewhere. */
const MAX_EVENTS = 100_000;

export const machineEventTable =
  'CREATE TABLE machine_event (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, event TEXT NOT NULL) STRICT';

export function machineEventRecords(database: DatabaseSync): MachineEventRecords {
  const put = database.prepare('INSERT INTO machine_event (id, event) VALUES (?, ?) ON CONFLICT (id) DO NOTHING');
  const trim = database.prepare(
    'DELETE FROM machine_event WHERE sequence <= (SELECT MAX(sequence) FROM machine_event) - ?',
  );
  const after = database.prepare(
    'SELECT sequence, event FROM machine_event WHERE sequence > ? ORDER BY sequence LIMIT ?',
  );
  return {
    add(events) {
      let added = 0;
      database.exec('BEGIN IMMEDIATE');
      try {
        for (const event of events) added += Number(put.run(event.id, JSON.stringify(event)).changes);
        trim.run(MAX_EVENTS);
        database.exec('COMMIT');
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
      return added;
    },
    since: (sequence, limit) =>
      after.all(sequence, limit).map(row => ({ ...JSON.parse(String(row.event)), sequence: Number(row.sequence) })),
  };
}
