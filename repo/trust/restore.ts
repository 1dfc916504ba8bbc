import { rootTree } from '../commit-files.ts';
import { openObjects } from '../objects.ts';
import type { Oid } from '../types.ts';
import { listTree } from './read-release.ts';
import { type NewCommit, type Workshop, writeCommit } from './release-objects.ts';

/**
 * Write a commit on top of another with the content of a third: every file of the repository format is as it is there.
 * The root of trust is not content, and stays; so do files that are nobody's.
 * @returns its id, or undefined when it would change nothing
 */
export async function writeRestored(
  workshop: Workshop,
  { parent, content, ...rest }: Omit<NewCommit, 'changes'> & { content: Oid },
): Promise<Oid | undefined> {
  const { gitDir, path, env } = workshop;
  const objects = openObjects(gitDir, env);
  const changes = new Map<string, { mode: string; oid: Oid } | undefined>();
  const prefix = path === '' ? '' : `${path}/`;
  try {
    const [now = [], then = []] = await Promise.all(
      [parent, content].map(async commit => listTree(objects, await rootTree(objects, commit, path))),
    );
    const before = new Map(now.map(file => [file.path, file]));
    for (const { path: file, mode, oid } of then) {
      const was = before.get(file);
      before.delete(file);
      if (file.startsWith('trust/') || (was?.oid === oid && was.mode === mode)) continue;
      changes.set(prefix + file, { mode, oid });
    }
    for (const file of before.keys()) if (!file.startsWith('trust/')) changes.set(prefix + file, undefined);
  } finally {
    objects.close();
  }
  return changes.size === 0 ? undefined : writeCommit(workshop, { ...rest, parent, changes });
}
