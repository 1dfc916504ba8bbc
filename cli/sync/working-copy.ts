import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  futimesSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { copyFile, link, lstat, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from './bundle.ts';
import { findEdits, findExtras, lookOf, statsOf } from './look.ts';
import { isOurs, type Places } from './places.ts';
import { type InstalledFile, type InstalledSkill, readRecord, recordFile, type Superseded } from './state.ts';
import { bundleFolder, dropBundle, type Manifest } from './store.ts';

/** Every file of a working copy begins with this time, so that whatever is written to it later looks different. */
const BEGINNING = new Date('2000-01-01T00:00:00Z');
/** A working copy that was replaced stays for sessions that read it. In milliseconds. */
const KEEP_SUPERSEDED_MS = 24 * 3600 * 1000;

export interface WorkingCopy {
  live: string;
  files: Record<string, InstalledFile>;
  /** What a script had made in the former copy, as it looks now. */
  made: Record<string, string>;
  /** What of the former copy’s extras is in both now, so that removing that copy loses nothing. */
  taken: Record<string, string>;
}

/** The copy that a new one takes the place of. */
type Former = Pick<InstalledSkill, 'live' | 'files' | 'made'>;

/** The folder of a scope’s working copies: one for each client’s folder. */
export function liveFolder(places: Places, clientFolder: string): string {
  return join(places.live, createHash('sha256').update(clientFolder).digest('hex').slice(0, 12));
}

/**
 * Make a working copy of a bundle from the store; the two share nothing. Its bytes are checked on the way, unless they are
 * at hand because they were checked and put into the store just now. What is not the bundle’s own is taken over from the copy before by hard links, so that neither loses it.
 * @param record what is written beside the copy, before it is in its place
 * @throws Error with the system’s code, or DAMAGED when the store’s files are not what they were
 */
export async function makeWorkingCopy(
  places: Places,
  where: { clientFolder: string; name: string; digest: string; bytes?: ReadonlyMap<string, Buffer> | undefined },
  manifest: Manifest,
  former: Former | undefined,
  record: (copy: WorkingCopy) => InstalledSkill,
): Promise<WorkingCopy> {
  const { clientFolder, name, digest, bytes: atHand } = where;
  const parent = liveFolder(places, clientFolder);
  const staged = join(parent, `.${randomBytes(6).toString('hex')}.tmp`);
  const source = bundleFolder(places, digest);
  try {
    const folders = new Set(Object.keys(manifest).map(path => dirname(join(staged, path))));
    mkdirSync(staged, { recursive: true, mode: 0o700 });
    for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 0o755 });
    chmodSync(staged, 0o755);
    const files: Record<string, InstalledFile> = {};
    for (const [path, { sha256: expected, size, executable }] of Object.entries(manifest)) {
      const bytes = atHand?.get(path) ?? readPristine(join(source, path), expected);
      if (bytes === undefined) {
        await dropBundle(places, digest);
        throw Object.assign(new Error(`${join(source, path)} is damaged`), { code: 'DAMAGED' });
      }
      const look = writeWorking(join(staged, path), bytes, executable ? 0o755 : 0o644);
      files[path] = { sha256: expected, size, look };
    }
    const along = former ? await takeAlong(former, staged, files) : { made: {}, taken: {} };
    const live = freeName(parent, `${name}-${digest.slice(7, 19)}`);
    const copy = { live, files, ...along };
    writeFileSync(recordFile(live), JSON.stringify(record(copy)), { mode: 0o600 });
    renameSync(staged, live);
    return copy;
  } catch (error) {
    await rm(staged, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

function freeName(parent: string, name: string): string {
  for (let number = 0; ; number++) {
    const path = join(parent, number === 0 ? name : `${name}-${number}`);
    if (!existsSync(path)) return path;
  }
}

/** Write a new file, and tell how it looks. All of it by one opened file: looking up its name is what takes time. */
function writeWorking(path: string, bytes: Buffer, mode: number): string {
  const file = openSync(path, 'wx', mode);
  try {
    writeFileSync(file, bytes);
    // Whatever the umask is.
    fchmodSync(file, mode);
    futimesSync(file, BEGINNING, BEGINNING);
    return lookOf(fstatSync(file));
  } finally {
    closeSync(file);
  }
}

/** Undefined for one that is missing, or has other bytes. */
function readPristine(path: string, expected: string): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    return sha256(bytes) === expected ? bytes : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What stands where the new bundle has a file of its own, or cannot be linked, is left. */
async function takeAlong(
  { live, files: formerFiles, made: formerMade = {} }: Former,
  staged: string,
  files: Readonly<Record<string, InstalledFile>>,
): Promise<Pick<WorkingCopy, 'made' | 'taken'>> {
  const made: Record<string, string> = {};
  const taken: Record<string, string> = {};
  for (const [path, look] of findExtras(live, formerFiles)) {
    if (Object.hasOwn(files, path)) continue;
    const to = join(staged, path);
    if (look === 'empty folder') await mkdir(to, { recursive: true });
    else if (!(await takeOne(join(live, path), to))) continue;
    taken[path] = look === 'empty folder' ? look : inode(lookOfExtra(join(live, path)));
    if (formerMade[path] === look) made[path] = look === 'empty folder' ? look : lookOfExtra(to);
  }
  return { made, taken };
}

async function takeOne(from: string, to: string): Promise<boolean> {
  try {
    await mkdir(dirname(to), { recursive: true });
    const stats = await lstat(from);
    if (stats.isSymbolicLink()) await symlink(await readlink(from), to);
    else if (stats.isFile()) await link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_EXCL));
    else return false;
    return true;
  } catch {
    return false;
  }
}

function lookOfExtra(path: string): string {
  const stats = statsOf(path);
  return stats ? `${stats.size} ${lookOf(stats)}` : '';
}

/** The last part of a look: a linked file is the same one under both names, whatever is written to it. */
function inode(look: string): string {
  return look.slice(look.lastIndexOf(' '));
}

/**
 * Remove a working copy that no entry leads to, unless there is something of the user’s in it: then it is moved to
 * `kept/`. @returns where it is kept
 */
export async function discard(
  places: Places,
  copy: Omit<Superseded, 'since'>,
  now: number,
): Promise<string | undefined> {
  const { live, name, files, made = {} } = copy;
  if (!statsOf(live)) return undefined;
  if (!isOurs(places, live)) return undefined;
  // Out of everybody’s way first: what is written until then is seen by the look that follows.
  const aside = join(dirname(live), `.${randomBytes(6).toString('hex')}.old`);
  await rename(live, aside);
  await rm(recordFile(live), { force: true });
  const extras = [...findExtras(aside, files)].filter(([path, look]) => {
    const known = made[path];
    return known === undefined || (known !== look && known !== inode(look));
  });
  const { changed } = findEdits(aside, files);
  if (changed.length === 0 && extras.length === 0) {
    await rm(aside, { recursive: true, force: true });
    return undefined;
  }
  return keep(places, aside, name, now);
}

/** Move a folder to `kept/`, under a name that tells what it was and when. @returns where it is */
async function keep(places: Places, folder: string, name: string, now: number): Promise<string> {
  await mkdir(places.kept, { recursive: true, mode: 0o700 });
  const time = new Date(now).toISOString().replace(/[:.]/g, '-');
  const kept = freeName(places.kept, `${name}-${time}`);
  await rename(folder, kept);
  return kept;
}

export function isOutdated({ since }: Superseded, now: number): boolean {
  return now - Date.parse(since) > KEEP_SUPERSEDED_MS;
}

/** What a sync that was killed left behind. */
export interface Leftovers {
  /** Working copies that nothing remembers. */
  lost: InstalledSkill[];
  /** Where what was being put aside is kept. */
  kept: string[];
}

/** Remove half-made working copies, keep what was being put aside, and find copies that the state does not know. */
export async function tidyLive(places: Places, known: ReadonlySet<string>, now: number): Promise<Leftovers> {
  const found: Leftovers = { lost: [], kept: [] };
  for (const scope of await readdir(places.live).catch(() => [])) {
    const names: string[] = await readdir(join(places.live, scope)).catch(() => []);
    for (const name of names) {
      const path = join(places.live, scope, name);
      if (name.startsWith('.') && name.endsWith('.tmp')) await rm(path, { recursive: true, force: true });
      else if (name.startsWith('.') && name.endsWith('.old'))
        found.kept.push(await keep(places, path, 'unfinished', now));
      else if (name.endsWith('.json') && !names.includes(name.slice(0, -5))) await rm(path, { force: true });
      else if (!name.endsWith('.json') && !known.has(path)) {
        const record = readRecord(path);
        if (record) found.lost.push(record);
      }
    }
  }
  return found;
}
