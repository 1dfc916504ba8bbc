import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { DatabaseUnusable, openDatabase } from '../../host/index.ts';
import { type AnyResource, type Problem, ProblemError, problem, type ResourceId } from '../../schema/index.ts';
import type { Good } from '../accept.ts';
import type { AttemptRecords, Attempts } from '../instances/index.ts';
import type { KeptRejection, KeptRejectionRecords } from '../rejections.ts';
import type { ProcessRecord, ProcessRecords } from '../runtimes/index.ts';
import type { SuspensionRecords } from '../suspensions.ts';
import { type MachineEventRecords, machineEventRecords, machineEventTable } from './machine-events.ts';

/**
 * What survives a restart: the last good revision of every resource, the processes that were started, the attempts to
 * start them, and what is suspended.
 */
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
  /**
   * What was in service, of which only the names count: a version of mcpctl wrote it whose resources have another shape.
   * Forgotten once a commit is accepted.
   */
  former(): Pick<AnyResource, 'id' | 'kind'>[];
  readonly inventory: InventoryRecords;
  /** The commit whose removals a person has allowed; forgotten once it is accepted. */
  allowedPrune(): string | undefined;
  /** @throws ProblemError STATE_UNUSABLE */
  allowPrune(commit: string): void;
  readonly processes: ProcessRecords;
  readonly attempts: AttemptRecords;
  /** What was given up for the spec before. */
  readonly rejections: KeptRejectionRecords;
  /** What people have suspended. */
  readonly suspensions: SuspensionRecords;
  /** What developers’ machines told of their skills. */
  readonly machineEvents: MachineEventRecords;
  close(): void;
}

/** An instance that was started, and that is ours until it is known to be gone. */
export interface InventoryEntry {
  id: string;
  server: string;
  /** Where it runs. */
  runtime: string;
}

/** The instances that are ours, whoever else may run something on this machine. Writing is best effort. */
export interface InventoryRecords {
  all(): InventoryEntry[];
  /** It is about to be started. */
  put(entry: InventoryEntry): void;
  /** It is gone. */
  delete(id: string): void;
}

/**
 * The shape of a resource in `good`. Raise it when a kind's `spec` changes so that older rows cannot be used: what they
 * were about is then only remembered (`former`), and the newest commit is read instead.
 */
const FORMAT = '2';

const ALLOWED = 'allowed prune';

const migrations = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE good (id TEXT PRIMARY KEY, "commit" TEXT NOT NULL, resource TEXT NOT NULL) STRICT;
   CREATE TABLE process (
     id TEXT PRIMARY KEY, spec_digest TEXT NOT NULL, pid INTEGER NOT NULL, start_time TEXT NOT NULL,
     boot_id TEXT NOT NULL, started_at INTEGER NOT NULL
   ) STRICT`,
  `CREATE TABLE attempts (id TEXT PRIMARY KEY, spec_digest TEXT NOT NULL, attempts TEXT NOT NULL) STRICT;
   CREATE TABLE suspended (what TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT`,
  'CREATE TABLE inventory (id TEXT PRIMARY KEY, server TEXT NOT NULL, runtime TEXT NOT NULL) STRICT',
  'CREATE TABLE rejected (server TEXT PRIMARY KEY, rejection TEXT NOT NULL) STRICT',
  machineEventTable,
  'CREATE TABLE former (id TEXT PRIMARY KEY, kind TEXT NOT NULL) STRICT',
];

/** @throws DatabaseUnusable when the file is damaged or of a newer version */
export function openStateStore(path: string): StateStore {
  const database = openDatabase(path, migrations);
  if (readMeta(database, 'format') !== FORMAT) {
    inTransaction(database, () => {
      database.exec(`INSERT OR REPLACE INTO former SELECT id, resource ->> 'kind' FROM good WHERE resource ->> 'kind' <> '';
        DELETE FROM good; DELETE FROM rejected`);
      writeMeta(database, 'format', FORMAT);
    });
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
      recorded(path, () =>
        inTransaction(database, () => {
          writeGood(database, before, after);
          database.exec('DELETE FROM former');
          if (readMeta(database, ALLOWED) === commit) database.prepare('DELETE FROM meta WHERE key = ?').run(ALLOWED);
          writeMeta(database, 'applied', commit);
        }),
      );
    },
    former: () =>
      database
        .prepare('SELECT id, kind FROM former ORDER BY id')
        .all()
        .map(row => ({ id: String(row.id), kind: String(row.kind) as AnyResource['kind'] })),
    inventory: inventoryRecords(database),
    allowedPrune: () => readMeta(database, ALLOWED),
    allowPrune: commit => recorded(path, () => writeMeta(database, ALLOWED, commit)),
    processes: processRecords(database),
    attempts: attemptRecords(database),
    rejections: rejectionRecords(database),
    suspensions: suspensionRecords(database),
    machineEvents: machineEventRecords(database),
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

/** @throws ProblemError STATE_UNUSABLE when it cannot be written */
function recorded(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const message = `${path}: ${error instanceof Error ? error.message : error}`;
    const hint = 'Check its disk space and rights; the commit is taken over as soon as it can be recorded.';
    throw new ProblemError(problem('STATE_UNUSABLE', message, { hint }), { cause: error });
  }
}

function inTransaction(database: DatabaseSync, write: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    write();
    database.exec('COMMIT');
  } catch (error) {
    // SQLite has rolled back by itself when the disk is full.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function writeGood(
  database: DatabaseSync,
  before: ReadonlyMap<ResourceId, Good>,
  after: ReadonlyMap<ResourceId, Good>,
): void {
  const put = database.prepare('INSERT OR REPLACE INTO good VALUES (?, ?, ?)');
  const drop = database.prepare('DELETE FROM good WHERE id = ?');
  for (const [id, entry] of after) {
    const last = before.get(id);
    const same = last?.commit === entry.commit && last.resource.digest === entry.resource.digest;
    if (!same) put.run(id, entry.commit, JSON.stringify(entry.resource));
  }
  for (const id of before.keys()) if (!after.has(id)) drop.run(id);
}

function inventoryRecords(database: DatabaseSync): InventoryRecords {
  const all = database.prepare('SELECT id, server, runtime FROM inventory ORDER BY id');
  const put = database.prepare('INSERT OR REPLACE INTO inventory VALUES (?, ?, ?)');
  const drop = database.prepare('DELETE FROM inventory WHERE id = ?');
  return {
    all: () => all.all().map(row => ({ id: String(row.id), server: String(row.server), runtime: String(row.runtime) })),
    put: ({ id, server, runtime }) => bestEffort(() => put.run(id, server, runtime)),
    // What is gone and still stands there is ended once more, which does nothing.
    delete: id => bestEffort(() => drop.run(id)),
  };
}

/**
 * The records of processes only help the next start, which also looks for them by their folders and believes no row
 * that names another process; those of attempts only spare it some. That the disk is full must neither end a server nor the daemon.
 */
function bestEffort(write: () => unknown): void {
  try {
    write();
  } catch {
    // Said above.
  }
}

function attemptRecords(database: DatabaseSync): AttemptRecords {
  const put = database.prepare('INSERT OR REPLACE INTO attempts VALUES (?, ?, ?)');
  const drop = database.prepare('DELETE FROM attempts WHERE id = ?');
  const one = database.prepare('SELECT attempts FROM attempts WHERE id = ? AND spec_digest = ?');
  return {
    get(id, specDigest) {
      const row = one.get(id, specDigest);
      return row === undefined ? undefined : readAttempts(String(row.attempts));
    },
    put: (id, specDigest, attempts) => bestEffort(() => put.run(id, specDigest, JSON.stringify(attempts))),
    delete: id => bestEffort(() => drop.run(id)),
  };
}

/** Without a row, the newest spec is tried again. */
function rejectionRecords(database: DatabaseSync): KeptRejectionRecords {
  const put = database.prepare('INSERT OR REPLACE INTO rejected VALUES (?, ?)');
  const drop = database.prepare('DELETE FROM rejected WHERE server = ?');
  const one = database.prepare('SELECT rejection FROM rejected WHERE server = ?');
  return {
    get(server) {
      const row = one.get(server);
      return row === undefined ? undefined : readRejection(String(row.rejection));
    },
    put: (server, rejection) => bestEffort(() => put.run(server, JSON.stringify(rejection))),
    delete: server => bestEffort(() => drop.run(server)),
  };
}

/** Its resources have the shape that `good` has; with that, rows are dropped. */
function readRejection(text: string): KeptRejection | undefined {
  try {
    return JSON.parse(text) as KeptRejection;
  } catch {
    return undefined;
  }
}

const Time = z.number().min(0).max(8.64e15).optional();
const KeptAttempts = z.object({
  attempt: z.int().min(0),
  failures: z.int().min(0),
  restarts: z.int().min(0),
  lastAttemptAt: Time,
  nextRetryAt: Time,
  diedAt: Time,
  error: z
    .looseObject({ code: z.string(), severity: z.string(), message: z.string(), hint: z.string() })
    .transform(found => found as unknown as Problem)
    .optional(),
});

/** A row that cannot be read costs a wait, not the start. */
function readAttempts(text: string): Attempts | undefined {
  try {
    return KeptAttempts.parse(JSON.parse(text)) as Attempts;
  } catch {
    return undefined;
  }
}

/** People are told when what they ask for cannot be kept. */
function suspensionRecords(database: DatabaseSync): SuspensionRecords {
  const put = database.prepare('INSERT OR IGNORE INTO suspended VALUES (?, ?)');
  const drop = database.prepare('DELETE FROM suspended WHERE what = ?');
  const all = database.prepare('SELECT what, since FROM suspended ORDER BY what');
  return {
    put: (what, since) => void orUnusable(() => put.run(what, since)),
    delete: what => void orUnusable(() => drop.run(what)),
    all: () => new Map(all.all().map(row => [String(row.what), Number(row.since)])),
  };
}

function orUnusable<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    const message = `the state cannot be written: ${error instanceof Error ? error.message : error}`;
    const hint = 'Check the disk space and rights of the state directory, then try again.';
    throw new ProblemError(problem('STATE_UNUSABLE', message, { hint }), { cause: error });
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
