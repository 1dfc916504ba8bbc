import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { lookAtEntry } from './entry.ts';
import { statsOf } from './look.ts';
import type { Places } from './places.ts';
import { type InstalledSkill, readRecord, type SkillsState } from './state.ts';

/** Every working copy on this disk, by its path, whatever is known of it. */
export function workingCopies({ live }: Places): string[] {
  return namesIn(live).flatMap(scope =>
    namesIn(join(live, scope))
      .filter(name => !name.startsWith('.') && !name.endsWith('.json'))
      .map(name => join(live, scope, name)),
  );
}

/**
 * Skills that a state does not know although their entries lead to working copies: it was lost, or a sync was killed.
 * What is written beside each copy says what it is.
 */
export function foundAgain(places: Places, { skills }: SkillsState): InstalledSkill[] {
  const known = new Set(skills.map(({ path }) => path));
  return workingCopies(places).flatMap(live => {
    const record = readRecord(live);
    if (!record || known.has(record.path)) return [];
    const entry = lookAtEntry(places, record.path);
    return entry.kind === 'ours' && entry.live === live ? [record] : [];
  });
}

function namesIn(folder: string): string[] {
  return statsOf(folder)?.isDirectory() ? readdirSync(folder) : [];
}
