import { randomBytes } from 'node:crypto';
import { type Dirent, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BundleContent } from './bundle.ts';
import { statsOf } from './look.ts';
import type { Places } from './places.ts';

/** What a bundle in the store consists of: path → sha256, size and whether it may be run. */
export type Manifest = Record<string, { sha256: string; size: number; executable: boolean }>;

/** Beside the bundle, so that no bundle can bring it along. */
const MANIFEST = 'files.json';
const BUNDLE = 'bundle';
/** Bundles that nothing leads to any more are kept for a quick way back. In milliseconds. */
const KEEP_UNUSED_MS = 7 * 24 * 3600 * 1000;

/** The folder of a bundle’s pristine files. @param digest `sha256:…` */
export function bundleFolder(places: Places, digest: string): string {
  return join(places.store, nameOf(digest), BUNDLE);
}

/** What the store has of a bundle; undefined when it is not there. */
export function readManifest(places: Places, digest: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(places.store, nameOf(digest), MANIFEST), 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Put a bundle into the store, by one rename. One that is there is left, if it is as it should be.
 * The files were checked: paths by `refusedBundle`, bytes against the digest.
 */
export async function putBundle(places: Places, digest: string, files: readonly BundleContent[]): Promise<Manifest> {
  const manifest: Manifest = {};
  for (const { path, sha256, bytes, executable } of files) {
    manifest[path] = { sha256, size: bytes.length, executable };
  }
  const target = join(places.store, nameOf(digest));
  if (readManifest(places, digest) && isIntact(places, digest, manifest)) return manifest;
  const staged = `${target}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const folders = new Set(files.map(({ path }) => dirname(join(staged, BUNDLE, path))));
    // One system call after the other: waiting for a thread each time takes several times as long.
    for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const { path, bytes, executable } of files) {
      writeFileSync(join(staged, BUNDLE, path), bytes, { mode: executable ? 0o500 : 0o400, flag: 'wx' });
    }
    writeFileSync(join(staged, MANIFEST), JSON.stringify(manifest), { mode: 0o400 });
    // Only a damaged one can be in the way.
    rmSync(target, { recursive: true, force: true });
    renameSync(staged, target);
  } catch (error) {
    await rm(staged, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
  return manifest;
}

/** The files of a bundle, as far as they can be read; whether they are what they were is for whoever uses them. */
export function* pristineFiles(places: Places, digest: string): Generator<Buffer> {
  const folder = bundleFolder(places, digest);
  for (const entry of readEntries(folder)) {
    try {
      if (entry.isFile()) yield readFileSync(join(entry.parentPath, entry.name));
    } catch {
      // It is fetched, then.
    }
  }
}

function readEntries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
}

/** Whether every pristine file has its size; what its bytes are is checked when it is copied. */
function isIntact(places: Places, digest: string, manifest: Manifest): boolean {
  const folder = bundleFolder(places, digest);
  return Object.entries(manifest).every(([path, { size }]) => {
    const stats = statsOf(join(folder, path));
    return stats?.isFile() === true && stats.size === size;
  });
}

/** Take a damaged bundle out of the store, so that it is fetched anew. */
export async function dropBundle(places: Places, digest: string): Promise<void> {
  await rm(join(places.store, nameOf(digest)), { recursive: true, force: true });
}

/** Remove what a killed sync left, and bundles that nothing has led to for a while. Best effort. */
export async function tidyStore(places: Places, used: ReadonlySet<string>, now: number): Promise<void> {
  const names = await readdir(places.store).catch(() => []);
  const wanted = new Set([...used].map(nameOf));
  for (const name of names) {
    const path = join(places.store, name);
    const old = async () => now - ((await stat(path).catch(() => undefined))?.mtimeMs ?? now) > KEEP_UNUSED_MS;
    if (name.endsWith('.tmp') || (/^[0-9a-f]{64}$/.test(name) && !wanted.has(name) && (await old()))) {
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

function nameOf(digest: string): string {
  const name = digest.replace(/^sha256:/, '');
  if (!/^[0-9a-f]{64}$/.test(name)) throw new Error(`not a digest: ${digest}`);
  return name;
}
