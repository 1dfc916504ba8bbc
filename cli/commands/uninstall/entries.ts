import { existsSync } from 'node:fs';
import { lstat, opendir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { placedByUs } from '../../sync/index.ts';

/** Something in mcpctl's own folder, or that it put elsewhere. */
export interface Entry {
  path: string;
  bytes: number;
  what: string;
  /** Whether mcpctl put it there; the rest is left. */
  ours: boolean;
}

/** What mcpctl writes into its folder, and what people do. */
const known: Readonly<Record<string, { what: string; ours: boolean }>> = {
  state: { what: 'state of daemons: mirrors, tokens, made-up secrets, files of servers', ours: true },
  packages: { what: 'installed npm packages', ours: true },
  trust: { what: 'pinned roots of trust and high-water marks', ours: true },
  cache: { what: 'compiled code and parsed files', ours: true },
  'config.yaml': { what: 'contexts', ours: true },
  tokens: { what: 'tokens of contexts', ours: true },
  ssh: { what: 'pinned keys of ssh hosts', ours: true },
  'skills.json': { what: 'from where skills are synced', ours: true },
  'skills-state.json': { what: 'which skills were synced', ours: true },
  'skills-state.json.damaged': { what: 'which skills were synced, as it was when it could not be read', ours: true },
  'hooks.json': { what: 'what was put into settings of AI clients', ours: true },
  'skills.lock': { what: 'lock of `mcpctl skills sync`', ours: true },
  store: { what: 'synced skills as they were released', ours: true },
  live: { what: 'working copies of synced skills', ours: true },
  kept: { what: 'skills as you had changed them', ours: false },
  skills: { what: 'logs of the scripts of skills', ours: true },
  sync: { what: 'copy of the repository that skills are synced from', ours: true },
  secrets: { what: 'secrets that you wrote', ours: false },
  'git-credentials': { what: 'credentials that you wrote', ours: false },
};

/** The paths in mcpctl’s own folder that are mcpctl’s to remove, whether or not they are there. */
export function ownPaths(home: string): string[] {
  return Object.keys(known).flatMap(name => (known[name]?.ours ? [join(home, name)] : []));
}

/** What lies in mcpctl's own folder, sorted by path; nothing when there is no such folder. */
export async function entriesOf(home: string): Promise<Entry[]> {
  if (!existsSync(home)) return [];
  const names = (await readdir(home)).sort();
  return Promise.all(
    names.map(async name => {
      const path = join(home, name);
      const { what, ours } = known[name] ?? { what: 'not written by mcpctl', ours: false };
      return { path, what, ours, bytes: await sizeOf(path) };
    }),
  );
}

/** What skills put into the folders of AI clients and of projects, sorted by path. */
export async function entriesOutside(home: string): Promise<Entry[]> {
  const placed = placedByUs(home).sort((a, b) => (a.path < b.path ? -1 : 1));
  return Promise.all(
    placed.map(async ({ path, what }) => ({
      ...{ path, what, ours: true },
      bytes: existsSync(path) ? await sizeOf(path) : 0,
    })),
  );
}

/** Bytes of a file or of all files below a folder; symbolic links are not followed. */
async function sizeOf(path: string): Promise<number> {
  const stats = await lstat(path);
  if (!stats.isDirectory()) return stats.size;
  let bytes = 0;
  for await (const entry of await opendir(path, { recursive: true })) {
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
