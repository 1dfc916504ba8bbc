import type { ParsedFile } from '../schema/index.ts';
import { type Objects, openObjects } from './objects.ts';
import { openBlobCache } from './parsed-cache.ts';
import { readTree, type TreePart } from './worktree.ts';

/** Commits and trees of one repository, read one after another: by one git process, and nothing parsed twice. */
export interface Snapshots {
  readonly objects: Objects;
  /**
   * All files, in code-unit order of their paths.
   * @param name an object's id, or a name that passed our own grammar
   * @throws ProblemError REF_NOT_FOUND, REPOSITORY_MISSING when it has no such folder, READ_FAILED
   */
  files(name: string): Promise<ParsedFile[]>;
  /**
   * The same of the branch that is followed: what was parsed of it is kept for the next process.
   * @param policy the part of it that decides about reviews, and nothing else; it is kept apart
   */
  mainFiles(commit: string, policy?: TreePart): Promise<ParsedFile[]>;
  close(): void;
}

/** @param place `folder`: what messages name */
export function openSnapshots(
  place: { gitDir: string; path: string; folder: string },
  env: Readonly<Record<string, string | undefined>>,
): Snapshots {
  const objects = openObjects(place.gitDir, env);
  let opened: ReturnType<typeof openBlobCache> | undefined;
  const opening = () => {
    opened ??= openBlobCache(place, 'main');
    return opened;
  };
  return {
    objects,
    async files(name) {
      const { parsed } = await opening();
      return readTree(objects, place, name, { parsed });
    },
    async mainFiles(commit, policy) {
      const cache = await (policy ? openBlobCache(place, 'policy') : opening());
      const files = await readTree(objects, place, commit, cache, policy);
      await cache.save();
      return files;
    },
    close: () => objects.close(),
  };
}

/** Do something with a repository's commits and trees. */
export async function withSnapshots<T>(
  place: { gitDir: string; path: string; folder: string },
  env: Readonly<Record<string, string | undefined>>,
  work: (snapshots: Snapshots) => Promise<T>,
): Promise<T> {
  const snapshots = openSnapshots(place, env);
  try {
    return await work(snapshots);
  } finally {
    snapshots.close();
  }
}
