import { existsSync } from 'node:fs';
import { lookAtEntry } from './entry.ts';
import { findEdits, isEdited } from './look.ts';
import type { Places } from './places.ts';
import type { Observed } from './plan.ts';
import { type InstalledSkill, readRecord } from './state.ts';

/**
 * What stands at entries of clients’ folders, and whether people edited it.
 * @param paths where skills belong
 * @param known what the state says of these folders
 */
export function observe(
  places: Places,
  paths: readonly string[],
  known: readonly InstalledSkill[],
): Map<string, Observed> {
  const byPath = new Map(known.map(skill => [skill.path, skill]));
  const observed = new Map<string, Observed>();
  for (const path of new Set([...paths, ...byPath.keys()]))
    observed.set(path, observeOne(places, path, byPath.get(path)));
  return observed;
}

function observeOne(places: Places, path: string, remembered: InstalledSkill | undefined): Observed {
  const entry = lookAtEntry(places, path);
  // The entry says more than the state: a sync may have been killed between the two, or the state be lost.
  const led = entry.kind === 'ours' && entry.live !== remembered?.live ? readRecord(entry.live) : undefined;
  const installed = led?.path === path ? led : remembered;
  const gone = installed !== undefined && !existsSync(installed.live);
  const edits = installed && !gone ? findEdits(installed.live, installed.files) : undefined;
  for (const [file, look] of edits?.touched ?? []) {
    const touched = installed?.files[file];
    if (touched) touched.look = look;
  }
  return { installed, entry, edited: edits !== undefined && isEdited(edits), gone };
}
