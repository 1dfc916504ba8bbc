import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateDir, writeAtomic } from '../../host/index.ts';
import type { Examined } from '../../reconciler/index.ts';
import type { Workspace } from '../../repo/forges/index.ts';

/** What a reviewer was last shown of a proposal: the commit, and what merging it would have done. */
export interface Seen {
  head: string;
  planDigest: string;
  /** What would have changed: id → digest after; null for what would have gone. */
  changes: Record<string, string | null>;
}

/** Remember what was shown, below the clone's git folder. */
export async function rememberSeen(workspace: Workspace, examined: Examined): Promise<void> {
  const folder = join(workspace.gitDir, 'mcpctl', 'seen');
  await ensurePrivateDir(folder);
  await writeAtomic(join(folder, `${examined.proposal.id}.json`), `${JSON.stringify(seenOf(examined))}\n`);
}

/** @param id of a proposal that was found; @returns undefined when it was never shown here */
export async function lastSeen(workspace: Workspace, id: string): Promise<Seen | undefined> {
  try {
    const text = await readFile(join(workspace.gitDir, 'mcpctl', 'seen', `${id}.json`), 'utf8');
    const { head, planDigest, changes } = JSON.parse(text);
    const known = typeof head === 'string' && typeof planDigest === 'string' && typeof changes === 'object';
    return known && changes !== null ? { head, planDigest, changes } : undefined;
  } catch {
    return undefined;
  }
}

export function seenOf({ proposal, expected, preview, environments }: Examined): Seen {
  const own = preview.changes.map(({ id, after }) => [id, after ?? null] as const);
  const others = environments.flatMap(one =>
    one.changes.map(({ id, after }) => [`${id} in ${one.name}`, after ?? null] as const),
  );
  const changes = [...own, ...others];
  return { head: proposal.head, planDigest: expected.planDigest, changes: Object.fromEntries(changes) };
}
