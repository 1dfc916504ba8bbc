import { existsSync } from 'node:fs';
import { lstat, opendir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Something in mcpctl's own folder. */
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
  'skills.json': { what: 'from where skills are synced', ours: false },
  'skills-state.json': { what: 'which skills were synced', ours: false },
  'hooks.json': { what: 'what was put into settings of AI clients', ours: false },
  'skills.lock': { what: 'lock of `mcpctl skills sync`', ours: false },
  store: { what: 'synced skills, to which entries of AI clients lead', ours: false },
  live: { what: 'synced skills, to which entries of AI clients lead', ours: false },
  kept: { what: 'skills as you had changed them', ours: false },
  skills: { what: 'logs of the scripts of skills', ours: true },
  sync: { what: 'copy of the repository that skills are synced from', ours: true },
  secrets: { what: 'secrets that you wrote', ours: false },
  'git-credentials': { what: 'credentials that you wrote', ours: false },
};

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
