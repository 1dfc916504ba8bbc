import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ensurePrivateDir, writeAtomic } from '../../host/index.ts';
import type { Examined } from '../../reconciler/index.ts';
import type { Workspace } from '../../repo/forges/index.ts';

/** What a reviewer was last shown of a proposal: the commit, and what merging it would have done. */
const Seen = z.object({
  head: z.string(),
  planDigest: z.string(),
  /** What would have changed: id → digest after; null for what would have gone. */
  changes: z.record(z.string(), z.string().nullable()),
});
export type Seen = z.infer<typeof Seen>;

/** Remember what was shown, below the clone's git folder. */
export async function rememberSeen(workspace: Workspace, examined: Examined): Promise<void> {
  const folder = join(workspace.gitDir, 'mcpctl', 'seen');
  await ensurePrivateDir(folder);
  await writeAtomic(join(folder, `${examined.proposal.id}.json`), `${JSON.stringify(seenOf(examined))}\n`);
}

/** @param id of a proposal that was found; @returns undefined when it was never shown here */
export async function lastSeen(workspace: Workspace, id: string): Promise<Seen | undefined> {
  try {
    return Seen.parse(JSON.parse(await readFile(join(workspace.gitDir, 'mcpctl', 'seen', `${id}.json`), 'utf8')));
  } catch {
    return undefined;
  }
}

export function seenOf({ proposal, expected, preview }: Examined): Seen {
  const changes = preview.changes.map(({ id, after }) => [id, after ?? null] as const);
  return { head: proposal.head, planDigest: expected.planDigest, changes: Object.fromEntries(changes) };
}
