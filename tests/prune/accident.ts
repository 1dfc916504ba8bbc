import { type Files, type TempRepository, tempRepository } from '../temp-repository.ts';
import { baseFiles, type Followed, type Scene } from './scene.ts';

/** Something that took things out of service elsewhere, and what it amounts to here. */
export interface Accident {
  /** What happens to the repository, or to how it is followed. */
  what: string;
  /** Where it was seen: project, reference, what happened there. */
  seen: string;
  /** Done by real git to a real repository. */
  steps(scene: Scene, url: string): void | Promise<void>;
  /** What status says: a problem's code, or the reason of a condition. */
  shows: string;
  /** What else the repository holds before. */
  more?: Files;
  followed?: Partial<Followed>;
}

/** The first of `count` files of a sort, removed. */
export function removed(folder: 'servers' | 'prompts', count: number): Files {
  const [stem, extension] = folder === 'servers' ? ['s', 'yaml'] : ['p', 'md'];
  return Object.fromEntries(
    Array.from({ length: count }, (_, number) => [`${folder}/${stem}${number}.${extension}`, null]),
  );
}

/** Each file of the base, changed. @param change gets path and text; undefined leaves a file as it is */
export function rewritten(url: string, change: (path: string, text: string) => string | Uint8Array | undefined): Files {
  const files: Files = {};
  for (const [path, text] of Object.entries(baseFiles(url))) {
    const now = change(path, text);
    if (now !== undefined) files[path] = now;
  }
  return files;
}

/** Each file of the base whose path changes, moved. */
export function renamed(url: string, change: (path: string) => string): Files {
  const files: Files = {};
  for (const [path, text] of Object.entries(baseFiles(url))) {
    const now = change(path);
    if (now === path) continue;
    files[path] = null;
    files[now] = text;
  }
  return files;
}

/** Run git in the working tree, then commit whatever it made of it, and push. */
export function commitAfter({ repository }: Scene, ...commands: string[][]): void {
  for (const command of commands) repository.git(...command);
  repository.commit({});
}

/** Replace what the branch holds by the history of another repository. */
export function replaceHistory({ repository }: Scene, files: Files): void {
  withOther(files, other => repository.git('push', '--quiet', '--force', repository.bare, `${fetched(other)}:main`));

  function fetched(other: TempRepository): string {
    repository.git('fetch', '--quiet', other.bare, 'main');
    return 'FETCH_HEAD';
  }
}

function withOther(files: Files, use: (other: TempRepository) => void): void {
  const other = tempRepository(files);
  try {
    use(other);
  } finally {
    other.remove();
  }
}
