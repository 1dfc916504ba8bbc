import type { DatabaseSync } from 'node:sqlite';
import { DatabaseUnusable, openDatabase } from '../../host/index.ts';
import { type AnyResource, ProblemError, problem, type ResourceId } from '../../schema/index.ts';
import type { Good } from '../accept.ts';
import type { ProcessRecord, ProcessRecords } from '../runtimes/index.ts';

/** What survives a restart: the last good revision of every resource, and the processes that were started. */
export interface StateStore {
  /** The newest commit that was accepted. */
  applied(): string | undefined;
  /** What was in service when it was. */
  good(): Map<ResourceId, Good>;
  /**
   * Remember an accepted commit; only rows that differ from `before` are written, in one transaction.
   * @throws ProblemError STATE_UNUSABLE when that fails; nothing is changed then
   */
  accept(commit: string, before: ReadonlyMap<ResourceId, Good>, after: ReadonlyMap<ResourceId, Good>): void;
  readonly processes: ProcessRecords;
  close(): void;
}

/**
 * The shape of a resource in `good`. Raise it when a kind's `spec` changes so that older rows cannot be used: they
 * are then dropped, and the newest commit is read instead.
 */
const FORMAT = '2';

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
    good() {
      try {
        return readGood(database);
      } catch (error) {
        throw new DatabaseUnusable(`${path}: ${error instanceof Error ? error.message : error}`, { cause: error });
      }
    },
    accept(commit, before, after) {
      try {
        writeGood(database, commit, before, after);
      } catch (error) {
        const message = `${path}: ${error instanceof Error ? error.message : error}`;
        const hint = 'Check its disk space and rights; the commit is taken over as soon as it can be recorded.';
        throw new ProblemError(problem('STATE_UNUSABLE', message, { hint }), { cause: error });
      }
    },
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
    // SQLite has rolled back by itself when the disk is full.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/**
 * The records of processes only help the next start, which also looks for them by their folders and believes no row
 * that names another process: that the disk is full must neither end a server nor the daemon.
 */
function bestEffort(write: () => unknown): void {
  try {
    write();
  } catch {
    // Said above.
  }
}

function processRecords(database: DatabaseSync): ProcessRecords {
  const put = database.prepare('INSERT OR REPLACE INTO process VALUES (?, ?, ?, ?, ?, ?)');
  const drop = database.prepare('DELETE FROM process WHERE id = ?');
  const all = database.prepare('SELECT * FROM process ORDER BY id');
  return {
    put: row => bestEffort(() => put.run(row.id, row.specDigest, row.pid, row.startTime, row.bootId, row.startedAt)),
    delete: id => bestEffort(() => drop.run(id)),
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
