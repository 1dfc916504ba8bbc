/**
 * Take a lock that this machine's kernel gives back when the process ends, however it ends: an exclusive SQLite
 * transaction held open, so there is no stale lock to guess about.
 * @returns the way to release it, or undefined while another process (or holder) has it
 */
export function acquireLock(path: string): (() => void) | undefined {
  // Loaded when a lock is taken: most commands take none.
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return () => {
    if (database.isOpen) database.close();
  };
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}
