import { join } from 'node:path';
import { ensurePrivateDir, mcpctlHome } from '../host/index.ts';
import type { ParsedFile } from '../schema/index.ts';
import { isOurs, rootName } from './parsed-cache.ts';
import { readKept, writeKept } from './parsed-files.ts';

type Env = Readonly<Record<string, string | undefined>>;
type Blob = { path: string; mode: string; oid: string };

/** Files of the past that are kept, those that were looked at last; of larger ones, fewer. */
const MAX_FILES = 500;
const MAX_BYTES = 2 * 1024 * 1024;

/**
 * What was parsed of files of the past, from one command to the next: a blob never changes. Nothing is loaded that
 * parses by whoever looks at what somebody has looked at.
 */
export interface PastFiles {
  parsed(file: Blob): ParsedFile | undefined;
  keep(look: undefined, mode: string, parsed: ParsedFile): void;
  /** Write what is new; without effect when it cannot be written. */
  save(): Promise<void>;
}

/** Nothing is known, and nothing kept. */
export const noPast: PastFiles = { parsed: () => undefined, keep: () => undefined, save: async () => undefined };

/**
 * Open what is kept for a repository in `cache/parsed/` of mcpctl's home. What is missing, damaged, from another version
 * of the parser or not private is as if it were empty. Nothing is kept on a machine that has no home of ours yet.
 */
export async function openPastFiles({ gitDir, path }: { gitDir: string; path: string }, env: Env): Promise<PastFiles> {
  const home = mcpctlHome(env);
  if (!isOurs(home)) return noPast;
  const folder = join(home, 'cache', 'parsed');
  const file = join(folder, `${rootName(join(gitDir, path))}.past.json`);
  const before = await readKept(file, '', (body): [string, ParsedFile][] => JSON.parse(body.toString()));
  const known = new Map(before?.content);
  let isNew = false;
  return {
    parsed: blob => known.get(keyOf(blob)),
    keep(_look, mode, parsed) {
      const key = keyOf({ ...parsed, mode });
      if (parsed.oid === '' || known.has(key)) return;
      known.set(key, parsed);
      isNew = true;
    },
    async save() {
      if (!isNew) return;
      isNew = false;
      try {
        await ensurePrivateDir(join(folder, '..'));
        await ensurePrivateDir(folder);
        await writeKept(file, newest([...known]), '');
      } catch {
        // What cannot be kept is parsed again.
      }
    },
  };
}

function keyOf({ path, mode, oid }: Blob): string {
  return `${mode} ${oid} ${path}`;
}

function newest(files: readonly [string, ParsedFile][]): Buffer {
  const body = Buffer.from(JSON.stringify(files.slice(-MAX_FILES)));
  return body.length <= MAX_BYTES ? body : newest(files.slice((files.length + 1) >> 1));
}
