import { assemble, link, principalsOf } from '../../schema/index.ts';
import type { Oid } from '../types.ts';
import { parseTreeFiles } from '../worktree.ts';
import { filesAt } from './files.ts';
import type { History } from './history.ts';

/** Whose key is whose at a commit, and which repository it is. */
export async function peopleAt(
  history: History,
  commit: Oid,
): Promise<{ repository: string | undefined; holderOf(key: string): string | undefined }> {
  const found = await Promise.all(['mcpctl.yaml', 'access'].map(path => filesAt(history, commit, path)));
  const parsed = await parseTreeFiles(history.objects, found.flat(), { parsed: () => undefined });
  const { catalog } = link(assemble(parsed).flatMap(({ resource }) => resource ?? []));
  return { repository: catalog.repository?.spec.id, holderOf: principalsOf(catalog).byKey };
}
