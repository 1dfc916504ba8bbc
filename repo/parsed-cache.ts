import { createHash } from 'node:crypto';
import { type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { mcpctlHome } from '../host/index.ts';
import type { ParsedFile } from '../schema/index.ts';
import { type Entry, loadParsed, storeParsed } from './parsed-files.ts';

/** A file changed so shortly before it was read may change once more without its times telling; FAT counts 2 s. */
const SETTLED_AFTER_MS = 2_000;

/** How a file looks on disk without being read. */
export interface Look {
  /** Everything that changes when the file does. */
  signature: string;
  /** The later of the file's times, in milliseconds of the wall clock. */
  touchedAt: number;
}

/**
 * What was parsed of a folder's files, from one process to the next. What a file says (`written`) is kept only of those
 * that have patches, for which it is needed: `whole` asks for it.
 */
export interface ParsedCache {
  /** What was parsed of a file that looks as it did, and surely is what it was. */
  unchanged(path: string, look: Look, whole: boolean): ParsedFile | undefined;
  /** What was parsed of the same bytes at the same path; it is kept on. */
  parsed(file: { path: string; mode: string; oid: string }, whole: boolean): ParsedFile | undefined;
  /** Keep what a file gave. @param look left out for a blob, which never changes */
  keep(look: Look | undefined, mode: string, parsed: ParsedFile, whole: boolean): void;
  /** Keep more of files that are kept: what was found out about them since they were parsed. */
  amend(files: readonly ParsedFile[]): void;
  /** Write what was kept or found unchanged, and nothing else; without effect when it cannot be written. */
  save(): Promise<void>;
}

/**
 * Open what is kept for a folder in `cache/parsed/` of mcpctl's home, which may be deleted at any time. What is
 * missing, damaged, from another version of the parser or not private is as if it were empty. Nothing is kept on a
 * machine that has no home of ours yet.
 * @param now milliseconds of the wall clock, before the first file is looked at
 */
export async function openParsedCache(
  root: string,
  env: Readonly<Record<string, string | undefined>>,
  now = Date.now(),
): Promise<ParsedCache> {
  const home = mcpctlHome(env);
  return openCache(join(home, 'cache', 'parsed'), rootName(root), now, () => isOurs(home));
}

/**
 * The same for blobs: in the git repository that has them, so that what is staged, or what the branch has, need not be
 * parsed again by the next command. Nothing is relied on but files that are private.
 * @param place `path`: the repository's root folder, from the top
 * @param state one state of the repository whose blobs are kept, each with a file of its own
 */
export function openBlobCache(
  { gitDir, path }: { gitDir: string; path: string },
  state: 'staged' | 'main' | 'policy',
): Promise<ParsedCache> {
  const name = path === '' ? state : `${state}-${sha256(path).slice(0, 16)}`;
  return openCache(join(gitDir, 'mcpctl', 'parsed'), name, 0, () => true);
}

async function openCache(folder: string, name: string, now: number, isPlace: () => boolean): Promise<ParsedCache> {
  const before = isPlace() ? await loadParsed(folder, name) : undefined;
  const known = before?.entries ?? new Map<string, Entry>();
  const kept = new Map<string, Entry>();
  const made = new Set<string>();
  return {
    unchanged(path, { signature }, whole) {
      const entry = known.get(path);
      if (!entry?.settled || entry.signature !== signature || (whole && !entry.whole)) return undefined;
      kept.set(path, entry);
      return entry.parsed;
    },
    parsed({ path, mode, oid }, whole) {
      const entry = known.get(path);
      if (entry?.mode !== mode || entry.parsed.oid !== oid || (whole && !entry.whole)) return undefined;
      kept.set(path, entry);
      return entry.parsed;
    },
    keep(look, mode, { written, ...rest }, whole) {
      const parsed = whole && written !== undefined ? { ...rest, written } : rest;
      const { signature = '', touchedAt = now } = look ?? {};
      kept.set(rest.path, { signature, settled: isSettled(touchedAt, now), mode, whole, parsed });
      made.add(rest.path);
    },
    amend(files) {
      for (const parsed of files) {
        const entry = kept.get(parsed.path);
        if (!entry) continue;
        kept.set(parsed.path, { ...entry, parsed });
        made.add(parsed.path);
      }
    },
    async save() {
      if ((made.size === 0 && kept.size === known.size) || !isPlace()) return;
      await storeParsed(folder, name, { kept, made }, before).catch(() => undefined);
    },
  };
}

/** Whether a file's times are so far back that a later change must show in them. Both in milliseconds. */
export function isSettled(touchedAt: number, readAt: number): boolean {
  return touchedAt < readAt - SETTLED_AFTER_MS;
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/**
 * The name of a folder among others of which something is kept. Should two have one name, they only take each other's
 * place: what is kept is known by its content, or by what no two files have in common.
 */
export function rootName(root: string): string {
  const path = resolve(root);
  return `${crc32(path).toString(16).padStart(8, '0')}-${path.length}`;
}

/** Whether there is a home that nobody else can put something into. */
export function isOurs(home: string): boolean {
  let stats: Stats | undefined;
  try {
    stats = statSync(home);
  } catch {
    return false;
  }
  return stats.isDirectory() && (stats.mode & 0o022) === 0 && stats.uid === process.getuid?.();
}
