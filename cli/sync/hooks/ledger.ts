import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ensurePrivateDir, writeAtomic } from '../../../host/index.ts';
import { lookOf, statsOf } from '../look.ts';
import type { Places } from '../places.ts';
import type { Applied, HookEntry } from './settings.ts';

/** What was put into one settings file. */
export interface LedgerFile {
  applied: Applied;
  /** Of the file after that: as long as it looks so, it need not be read. */
  look: string;
  /** There was no such file before. */
  created?: boolean;
  /** Entries of mcpctl’s own, which come with no skill. */
  own?: HookEntry[];
  /** Being put there: true once the file has this digest. */
  next?: { sha256: string; applied: Applied; created: boolean };
}

/** A folder that was set up for a project, or from which a client was. */
export interface FolderSetup {
  folder: string;
  project: string;
  /** Entries in clients’ files that lead to the project’s gateway. */
  entries: { file: string; name: string; client: string }[];
  /** The file that names the project is ours. */
  projectFile?: boolean;
}

/**
 * Our own memory of what we put into clients’ settings and files, so that exactly that can be taken out again, also where
 * the entries carry no markers.
 */
export interface Ledger {
  schema: 1;
  files: Record<string, LedgerFile>;
  /** Left out when there are none. */
  setups?: FolderSetup[];
}

export function readLedger(places: Places): Ledger {
  try {
    const value = JSON.parse(readFileSync(places.ledger, 'utf8'));
    if (value?.schema === 1 && typeof value.files === 'object' && value.files !== null) return value;
  } catch {
    // Entries with markers are found again without it, as long as they are still wanted.
  }
  return { schema: 1, files: {} };
}

export async function writeLedger(places: Places, ledger: Ledger): Promise<void> {
  await ensurePrivateDir(places.home);
  await writeAtomic(places.ledger, JSON.stringify(ledger));
}

export function digestOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Whether every file looks as we left it. */
export function hooksAreAsLeft(places: Places, files: readonly string[]): boolean {
  const ledger = readLedger(places);
  return files.every(file => {
    const known = ledger.files[file];
    return !known || (!known.next && lookAt(file) === known.look);
  });
}

export function lookAt(file: string): string {
  const stats = statsOf(file);
  return stats ? `${stats.size} ${lookOf(stats)}` : '';
}
