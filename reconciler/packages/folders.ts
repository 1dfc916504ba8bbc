import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { identify } from '../../host/index.ts';

/** Longer than any install may take. */
const ABANDONED_MS = 60 * 60_000;
/** `.tmp-<pid>-<start time>-<random>`: whose it is, so that it can be told when nobody needs it. */
const TEMPORARY = /^\.tmp-(\d+)-([^-]*)-/;

/** A new folder beside the finished ones, on the same file system. */
export async function makeTemporary(dir: string): Promise<string> {
  const owner = identify(process.pid);
  const start = owner?.startTime.replace(/[^0-9A-Za-z]/g, '_') ?? '';
  const path = join(dir, `.tmp-${process.pid}-${start}-${randomBytes(6).toString('hex')}`);
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
}

/** Remove what processes left behind that are no more. */
export async function removeAbandoned(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  await Promise.all(
    names.map(async name => {
      const [, pid, start] = TEMPORARY.exec(name) ?? [];
      if (pid === undefined) return;
      const path = join(dir, name);
      const lives = identify(Number(pid))?.startTime.replace(/[^0-9A-Za-z]/g, '_') === start;
      const old = await stat(path).then(
        stats => Date.now() - stats.mtimeMs > ABANDONED_MS,
        () => false,
      );
      if (!lives || old) await rm(path, { recursive: true, force: true });
    }),
  );
}

/**
 * Make a temporary folder the finished one. When another process was faster, its folder stays; one that is not whole
 * (`isWhole`) is put aside.
 */
export async function finish(temporary: string, final: string, isWhole: () => Promise<boolean>): Promise<void> {
  if (await renamed(temporary, final)) return;
  if (!(await isWhole())) {
    const aside = `${temporary}-old`;
    await renamed(final, aside);
    await rm(aside, { recursive: true, force: true });
    if (await renamed(temporary, final)) return;
  }
  await rm(temporary, { recursive: true, force: true });
}

/** False when the target is there already (or the source is gone). */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}
