import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { InstalledFile } from './state.ts';

/** How a working copy differs from what was installed. */
export interface Edits {
  /** Files of the bundle whose bytes are others. */
  changed: string[];
  /** Files of the bundle that are gone, or are no files any more. */
  missing: string[];
  /** Files that look different but have the same bytes: path → their present look. */
  touched: Map<string, string>;
}

const CHUNK = 256 * 1024;

/** What stands at a path itself; undefined when nothing does, or can. */
export function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** What of a file’s stats changes when somebody writes to it. */
export function lookOf({ mtimeMs, ctimeMs, ino }: Stats): string {
  return `${mtimeMs} ${ctimeMs} ${ino}`;
}

/** Compare a working copy with what was installed: by looks, and by sha256 where those differ. Modes do not count. */
export function findEdits(live: string, files: Readonly<Record<string, InstalledFile>>, thorough = false): Edits {
  const edits: Edits = { changed: [], missing: [], touched: new Map() };
  for (const path in files) {
    const file = files[path];
    if (!file) continue;
    // Put together as they are: there are hundreds, and most of the time would go into taking paths apart.
    const stats = statsOf(`${live}/${path}`);
    if (!stats?.isFile()) edits.missing.push(path);
    else if (stats.size !== file.size) edits.changed.push(path);
    else {
      const look = lookOf(stats);
      if (look === file.look && !thorough) continue;
      if (sha256Of(join(live, path)) !== file.sha256) edits.changed.push(path);
      else if (look !== file.look) edits.touched.set(path, look);
    }
  }
  return edits;
}

export function isEdited({ changed, missing }: Edits): boolean {
  return changed.length > 0 || missing.length > 0;
}

/** Of a regular file’s bytes, in hex; empty for one that is not there, or no regular file. */
export function sha256Of(path: string): string {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch {
    return '';
  }
  try {
    if (!fstatSync(file).isFile()) return '';
    const hash = createHash('sha256');
    const buffer = Buffer.alloc(CHUNK);
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) {
      hash.update(buffer.subarray(0, read));
    }
    return hash.digest('hex');
  } finally {
    closeSync(file);
  }
}

/**
 * Everything in a working copy that the bundle did not bring: files, links and odder things by path, with their looks.
 * A folder counts only for what is in it, unless it is empty.
 */
export function findExtras(live: string, files: Readonly<Record<string, unknown>>): Map<string, string> {
  const extras = new Map<string, string>();
  const folders = new Set<string>();
  for (const path in files) {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) folders.add(path.slice(0, end));
  }
  const pending = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const entries = readdirSync(join(live, folder), { withFileTypes: true });
    if (entries.length === 0 && folder !== '' && !folders.has(folder)) extras.set(folder, 'empty folder');
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) pending.push(path);
      if (entry.isDirectory() || (entry.isFile() && Object.hasOwn(files, path))) continue;
      const stats = statsOf(join(live, path));
      // A name that is no Unicode cannot be asked for; it is there all the same.
      extras.set(path, stats ? `${stats.size} ${lookOf(stats)}` : 'unreadable');
    }
  }
  return extras;
}
