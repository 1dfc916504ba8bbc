import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../../host/index.ts';
import type { AnyResource, ResourceId } from '../../schema/index.ts';
import type { Good } from '../accept.ts';
import type { ProcessRecord, ProcessRecords } from '../runtimes/index.ts';

/** What survives a restart: the last good revision of every resource, and the processes that were started. */
export interface StateStore {
  /** The newest commit that was accepted. */
  applied(): string | undefined;
  /** What was in service when it was. */
  good(): Map<ResourceId, Good>;
  /** Remember an accepted commit; only rows that differ from `before` are written, in one transaction. */
  accept(commit: string, before: ReadonlyMap<ResourceId, Good>, after: ReadonlyMap<ResourceId, Good>): void;
  readonly processes: ProcessRecords;
  close(): void;
}

/**
 * The shape of a resource in `good`. Raise it when a kind's `spec` changes so that older rows cannot be used: they
 * are then dropped, and the newest commit is read instead.
 */
const FORMAT = '1';

const migrations = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE good (id TEXT PRIMARY KEY, "commit" TEXT NOT NULL, resource TEXT NOT NULL) STRICT;
   CREATE TABLE process (
     id TEXT PRIMARY KEY, spec_digest TEXT NOT NULL, pid INTEGER NOT NULL, start_time TEXT NOT NULL,
     boot_id TEXT NOT NULL, started_at INTEGER NOT NULL
   ) STRICT`,
];

/** @throws DatabaseUnusable when the file is damaged or of a newer version */
export function openStateStore(path: string): StateStore {
  const database = openDatabase(path, migrations);
  if (readMeta(database, 'format') !== FORMAT) {
    database.exec('DELETE FROM good');
    writeMeta(database, 'format', FORMAT);
  }
  return {
    applied: () => readMeta(database, 'applied'),
    good: () => readGood(database),
    accept: (commit, before, after) => writeGood(database, commit, before, after),
    processes: processRecords(database),
    close: () => database.close(),
  };
}

function readMeta(database: DatabaseSync, key: string): string | undefined {
  const row = database.prepare('SELECT value FROM meta WHERE key = ?').get(key);
  return row === undefined ? undefined : String(row.value);
}

function writeMeta(database: DatabaseSync, key: string, value: string): void {
  database.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value').run(key, value);
}

function readGood(database: DatabaseSync): Map<ResourceId, Good> {
  const good = new Map<ResourceId, Good>();
  for (const row of database.prepare('SELECT id, "commit", resource FROM good').iterate()) {
    const resource = JSON.parse(String(row.resource)) as AnyResource;
    good.set(String(row.id), { resource, commit: String(row.commit) });
  }
  return good;
}

function writeGood(
  database: DatabaseSync,
  commit: string,
  before: ReadonlyMap<ResourceId, Good>,
  after: ReadonlyMap<ResourceId, Good>,
): void {
  const put = database.prepare('INSERT OR REPLACE INTO good VALUES (?, ?, ?)');
  const drop = database.prepare('DELETE FROM good WHERE id = ?');
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const [id, entry] of after) {
      const last = before.get(id);
      const same = last?.commit === entry.commit && last.resource.digest === entry.resource.digest;
      if (!same) put.run(id, entry.commit, JSON.stringify(entry.resource));
    }
    for (const id of before.keys()) if (!after.has(id)) drop.run(id);
    writeMeta(database, 'applied', commit);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function processRecords(database: DatabaseSync): ProcessRecords {
  const put = database.prepare('INSERT OR REPLACE INTO process VALUES (?, ?, ?, ?, ?, ?)');
  const drop = database.prepare('DELETE FROM process WHERE id = ?');
  const all = database.prepare('SELECT * FROM process ORDER BY id');
  return {
    put: row => void put.run(row.id, row.specDigest, row.pid, row.startTime, row.bootId, row.startedAt),
    delete: id => void drop.run(id),
    all: () =>
      all.all().map(
        (row): ProcessRecord => ({
          id: String(row.id),
          specDigest: String(row.spec_digest),
          pid: Number(row.pid),
          startTime: String(row.start_time),
          bootId: String(row.boot_id),
          startedAt: Number(row.started_at),
        }),
      ),
  };
}
