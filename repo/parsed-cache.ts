import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ensurePrivateDir, mcpctlHome, readPrivateFile, writeAtomic } from '../host/index.ts';
import type { ParsedFile } from '../schema/index.ts';
import { parserFingerprint } from './parser-fingerprint.ts';

const MAX_BYTES = 64 * 1024 * 1024;
/** Of how many repository roots something is kept. */
const MAX_ROOTS = 32;
/** A file changed so shortly before it was read may change once more without its times telling; FAT counts 2 s. */
const SETTLED_AFTER_MS = 2_000;

/** What is kept of a file: how it looked on disk, whether that can be relied on, git's mode, what was parsed. */
type Entry = [signature: string, settled: boolean, mode: string, parsed: ParsedFile];

/** How a file looks on disk without being read. */
export interface Look {
  /** Everything that changes when the file does. */
  signature: string;
  /** The later of the file's times, in milliseconds of the wall clock. */
  touchedAt: number;
}

/** What was parsed of a folder's files, from one process to the next. */
export interface ParsedCache {
  /** What was parsed of a file that looks as it did, and surely is what it was. */
  unchanged(path: string, look: Look): ParsedFile | undefined;
  /** What was parsed of the same bytes at the same path. */
  parsed(file: { path: string; mode: string; oid: string }): ParsedFile | undefined;
  /** Keep what a file gave. */
  keep(look: Look, mode: string, parsed: ParsedFile): void;
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
  const folder = join(home, 'cache', 'parsed');
  const file = join(folder, `${sha256(resolve(root)).slice(0, 32)}.json`);
  const before = (await isOurs(home)) ? await load(file) : undefined;
  const known = before ?? new Map<string, Entry>();
  const kept: Entry[] = [];
  let changed = false;
  return {
    unchanged(path, { signature }) {
      const entry = known.get(path);
      if (!entry?.[1] || entry[0] !== signature) return undefined;
      kept.push(entry);
      return entry[3];
    },
    parsed({ path, mode, oid }) {
      const entry = known.get(path);
      return entry?.[2] === mode && entry[3].oid === oid ? entry[3] : undefined;
    },
    keep({ signature, touchedAt }, mode, parsed) {
      kept.push([signature, isSettled(touchedAt, now), mode, parsed]);
      changed = true;
    },
    amend(files) {
      const amended = new Map(files.map(file => [file.path, file]));
      for (const [index, [signature, settled, mode, { path }]] of kept.entries()) {
        const file = amended.get(path);
        if (file) kept[index] = [signature, settled, mode, file];
      }
      changed = true;
    },
    async save() {
      if (!changed && kept.length === known.size) return;
      await store(home, folder, file, kept).catch(() => undefined);
    },
  };
}

/** Whether a file's times are so far back that a later change must show in them. Both in milliseconds. */
export function isSettled(touchedAt: number, readAt: number): boolean {
  return touchedAt < readAt - SETTLED_AFTER_MS;
}

/** The first line says of what the rest is: the parser it is from, and the digest of its bytes. */
async function load(file: string): Promise<Map<string, Entry> | undefined> {
  try {
    const bytes = await readPrivateFile(file, MAX_BYTES);
    const end = bytes.indexOf(0x0a);
    const body = bytes.subarray(end + 1);
    if (bytes.toString('latin1', 0, end + 1) !== header(body)) return undefined;
    const entries: Entry[] = JSON.parse(body.toString());
    return new Map(entries.map(entry => [entry[3].path, entry]));
  } catch {
    return undefined;
  }
}

async function store(home: string, folder: string, file: string, entries: readonly Entry[]): Promise<void> {
  if (!(await isOurs(home))) return;
  const body = Buffer.from(JSON.stringify(entries));
  const bytes = Buffer.concat([Buffer.from(header(body), 'latin1'), body]);
  if (bytes.length > MAX_BYTES) return;
  await ensurePrivateDir(join(home, 'cache'));
  await ensurePrivateDir(folder);
  await writeAtomic(file, bytes);
  await dropOldest(folder);
}

function header(body: Uint8Array): string {
  return `${parserFingerprint()} ${sha256(body)}\n`;
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Whether there is a home that nobody else can put something into. */
async function isOurs(home: string): Promise<boolean> {
  const stats = await stat(home).catch(() => undefined);
  return stats?.isDirectory() === true && (stats.mode & 0o022) === 0 && stats.uid === process.getuid?.();
}

async function dropOldest(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= MAX_ROOTS) return;
  const dated = await Promise.all(
    names.map(async name => ({ name, at: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  const oldest = dated.sort((a, b) => a.at - b.at).slice(0, -MAX_ROOTS);
  await Promise.all(oldest.map(({ name }) => rm(join(folder, name), { force: true })));
}
