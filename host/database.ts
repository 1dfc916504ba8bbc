import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** The database was written by a newer version, or is damaged; nothing in it was changed. */
export class DatabaseUnusable extends Error {
  readonly code = 'DATABASE_UNUSABLE';
}

/**
 * Open (or make) a SQLite database readable by its owner only, and bring its schema up to date.
 * @param migrations SQL scripts in order; a database remembers how many it has had, in `user_version`
 * @throws DatabaseUnusable when the file is no database or has had more migrations than are known here
 */
export function openDatabase(path: string, migrations: readonly string[]): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    chmodSync(path, 0o600);
    // One process writes; a torn write is rolled back by the journal, and losing the last transaction on a power
    // failure is harmless because everything here can be found again.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF');
    migrate(database, path, migrations);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof DatabaseUnusable) throw error;
    throw new DatabaseUnusable(`${path}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

function migrate(database: DatabaseSync, path: string, migrations: readonly string[]): void {
  const row = database.prepare('PRAGMA user_version').get();
  const version = Number(row?.user_version ?? 0);
  if (version > migrations.length) {
    throw new DatabaseUnusable(`${path} was written by a newer version (schema ${version} > ${migrations.length})`);
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue;
    database.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}
