import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Places } from './places.ts';

/** When the remote was asked, for those who ask before each session. It may be deleted at any time. */
export interface Checked {
  /** How often in a row it did not answer within the budget. */
  misses: number;
  /** `''` for the global skills, else a project’s folder → milliseconds of the wall clock. */
  folders: Record<string, number>;
}

const MAX_FOLDERS = 256;
/** So often in a row the remote may let people wait in vain; then they are not made to wait any more. */
export const MAX_MISSES = 2;
/** For how long an answer counts, unless the configuration says otherwise. */
export const FRESHNESS_SEC = 60;

export function readChecked({ checked }: Places): Checked {
  try {
    const { misses, folders } = JSON.parse(readFileSync(checked, 'utf8'));
    if (Number.isInteger(misses) && typeof folders === 'object' && folders !== null) return { misses, folders };
  } catch {
    // Never asked, then.
  }
  return { misses: 0, folders: {} };
}

/** Remember that the remote answered (slower than anybody should wait for it, or not), or that it did not. Best effort. */
export function writeChecked(
  places: Places,
  change: { asked: string; now: number; slow: boolean } | { missed: true },
): void {
  const { misses, folders } = readChecked(places);
  const value: Checked =
    'missed' in change
      ? { misses: misses + 1, folders }
      : { misses: change.slow ? misses : 0, folders: newest({ ...folders, [change.asked]: change.now }) };
  try {
    mkdirSync(dirname(places.checked), { recursive: true, mode: 0o700 });
    writeFileSync(`${places.checked}.tmp`, JSON.stringify(value), { mode: 0o600 });
    renameSync(`${places.checked}.tmp`, places.checked);
  } catch {
    // The next time it is asked once more than needed.
  }
}

function newest(folders: Record<string, number>): Record<string, number> {
  const entries = Object.entries(folders);
  if (entries.length <= MAX_FOLDERS) return folders;
  return Object.fromEntries(entries.sort((a, b) => b[1] - a[1]).slice(0, MAX_FOLDERS));
}
