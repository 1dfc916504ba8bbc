import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type Problem, problem } from '../schema/index.ts';

const LOOK_EVERY_MS = 200;
/** What a fetch leaves free for everything else on the disk. */
const KEEP_FREE_BYTES = 64 * 1024 * 1024;

export interface GrowthWatch {
  /** Aborts when too much came. */
  readonly signal: AbortSignal;
  /** Why it aborted. */
  readonly problem: Problem | undefined;
  stop(): void;
}

/** Watch what a fetch receives into a mirror, and end it before it fills the disk. */
export function watchGrowth(gitDir: string, maxBytes: number, display: string): GrowthWatch {
  const controller = new AbortController();
  const folder = join(gitDir, 'objects', 'pack');
  const before = packBytes(folder);
  let found: Problem | undefined;
  let looking = false;

  async function look(): Promise<void> {
    const grown = (await packBytes(folder)) - (await before);
    if (grown > maxBytes) {
      const limit = `${Math.round(maxBytes / 1024 ** 2)} MiB`;
      found ??= problem('REMOTE_TOO_LARGE', `The repository ${display} sent more than ${limit} in one fetch`);
    } else if ((await freeBytes(folder)) < KEEP_FREE_BYTES) {
      const message = `The repository ${display} could not be taken over: it would fill the state directory’s disk`;
      found ??= problem('STATE_UNUSABLE', message, { hint: 'Make room; the next poll tries again.' });
    }
    if (found) controller.abort();
  }

  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    look()
      .catch(() => undefined)
      .finally(() => {
        looking = false;
      });
  }, LOOK_EVERY_MS);
  return {
    signal: controller.signal,
    get problem() {
      return found;
    },
    stop: () => clearInterval(timer),
  };
}

/** How many bytes the packs of a repository have, received ones that are not complete among them. */
export async function packBytes(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = names.map(name =>
    stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
