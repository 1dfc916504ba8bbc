import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ensurePrivateDir, readPrivateFile, writeAtomic } from '../host/index.ts';
import type { ParsedFile } from '../schema/index.ts';
import { packEntries, unpackEntries } from './packed-entries.ts';
import { parserFingerprint } from './parser-fingerprint.ts';

/** What is kept of a file. */
export interface Entry {
  /** How it looked on disk. */
  signature: string;
  /** Whether that can be relied on. */
  settled: boolean;
  /** git's. */
  mode: string;
  /** Whether what it says is among what was parsed. */
  whole: boolean;
  parsed: ParsedFile;
}

/** What differs from the whole; a path is of a file that is gone. */
type Change = Entry | string;

/** What was kept of one root: a file that holds all of it, and a small one of what is different since. */
export interface Kept {
  entries: ReadonlyMap<string, Entry>;
  /** What stands in the larger file. */
  base: { entries: ReadonlyMap<string, Entry>; digest: string; bytes: number };
  /** The paths of the smaller one. */
  changed: ReadonlySet<string>;
}

/** What is to be kept now, and which of it was not kept before. */
export interface Keeping {
  kept: ReadonlyMap<string, Entry>;
  made: ReadonlySet<string>;
}

const MAX_BYTES = 64 * 1024 * 1024;
/** Of how many repository roots something is kept. */
const MAX_ROOTS = 32;
/** The whole is written again once the changes come to this part of it; a small one always is. */
const APART_BELOW = 1 / 8;
const APART_FROM_BYTES = 256 * 1024;

/** @param name of the root, as a file's */
export async function loadParsed(folder: string, name: string): Promise<Kept | undefined> {
  const base = await readKept(join(folder, `${name}.json`), '', unpackEntries);
  if (!base) return undefined;
  const { digest, bytes } = base;
  const entries = new Map(base.content.map(entry => [entry.parsed.path, entry]));
  const kept = { entries, base: { entries, digest, bytes }, changed: new Set<string>() };
  if (bytes < APART_FROM_BYTES) return kept;
  const changes = await readKept(join(folder, `${name}.changes.json`), digest, changesIn);
  return changes ? withChanges(kept, changes.content) : kept;
}

function withChanges({ base }: Kept, changes: readonly Change[]): Kept {
  const entries = new Map(base.entries);
  const changed = new Set<string>();
  for (const change of changes) {
    const path = typeof change === 'string' ? change : change.parsed.path;
    changed.add(path);
    if (typeof change === 'string') entries.delete(path);
    else entries.set(path, change);
  }
  return { entries, base, changed };
}

/** Keep entries: all of them, or next to what is kept already only what is different. */
export async function storeParsed(
  folder: string,
  name: string,
  keeping: Keeping,
  before: Kept | undefined,
): Promise<void> {
  await ensurePrivateDir(join(folder, '..'));
  await ensurePrivateDir(folder);
  const changes = before && before.base.bytes >= APART_FROM_BYTES ? changesSince(before, keeping) : undefined;
  if (before && changes && changes.length < keeping.kept.size * APART_BELOW) {
    await writeKept(join(folder, `${name}.changes.json`), Buffer.from(JSON.stringify(changes)), before.base.digest);
    return;
  }
  await writeKept(join(folder, `${name}.json`), packEntries([...keeping.kept.values()]), '');
  await rm(join(folder, `${name}.changes.json`), { force: true });
  await dropOldest(folder);
}

function changesSince({ base, changed }: Kept, { kept, made }: Keeping): Change[] {
  const entries = [...new Set([...changed, ...made])].flatMap(path => kept.get(path) ?? []);
  const added = entries.filter(({ parsed }) => !base.entries.has(parsed.path)).length;
  if (kept.size - added === base.entries.size) return entries;
  return [...entries, ...[...base.entries.keys()].filter(path => !kept.has(path))];
}

function changesIn(body: Buffer): Change[] {
  return JSON.parse(body.toString());
}

/** The first line says of what the rest is: the parser it is from, a checksum, and that of what it is beside. */
export async function readKept<T>(
  file: string,
  beside: string,
  unpack: (body: Buffer) => T,
): Promise<{ content: T; digest: string; bytes: number } | undefined> {
  try {
    const bytes = await readPrivateFile(file, MAX_BYTES);
    const end = bytes.indexOf(0x0a);
    const body = bytes.subarray(end + 1);
    const digest = checksum(body);
    if (bytes.toString('latin1', 0, end + 1) !== header(digest, beside)) return undefined;
    return { content: unpack(body), digest, bytes: bytes.length };
  } catch {
    return undefined;
  }
}

/** The other way round; nothing is written that would be too large to be read. */
export async function writeKept(file: string, body: Buffer, beside: string): Promise<void> {
  const bytes = Buffer.concat([Buffer.from(header(checksum(body), beside), 'latin1'), body]);
  if (bytes.length <= MAX_BYTES) await writeAtomic(file, bytes);
}

function header(digest: string, beside: string): string {
  return `${parserFingerprint()} ${digest} ${beside}\n`;
}

/** Finds what was cut off or damaged. Nobody else can write here, and a digest takes longer than all the rest. */
function checksum(bytes: Buffer): string {
  return `${bytes.length.toString(16)}-${crc32(bytes).toString(16)}`;
}

async function dropOldest(folder: string): Promise<void> {
  const roots = Map.groupBy(await readdir(folder), name => name.split('.')[0] ?? name);
  if (roots.size <= MAX_ROOTS) return;
  const dated = await Promise.all(
    [...roots.values()].map(async names => {
      const times = names.map(async name => (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0);
      return { names, at: Math.max(...(await Promise.all(times))) };
    }),
  );
  const oldest = dated.sort((a, b) => a.at - b.at).slice(0, -MAX_ROOTS);
  await Promise.all(oldest.flatMap(({ names }) => names.map(name => rm(join(folder, name), { force: true }))));
}
