import { createHash } from 'node:crypto';
import { bundleDanger, type Problem, problem } from '../../schema/index.ts';

/** A file of a verified bundle. */
export interface BundleContent {
  /** Below the skill’s folder. */
  path: string;
  executable: boolean;
  sha256: string;
  bytes: Buffer;
}

/** What a skill may come to on a disk. */
const MAX_FILES = 1_000;
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Why a bundle is not written to a disk: a name that some system misreads, too many files or bytes.
 * @param file the skill’s folder in the repository, for the message
 */
export function refusedBundle(
  id: string,
  folder: string,
  files: readonly { path: string; size: number }[],
): Problem | undefined {
  const refuse = (path: string, why: string) =>
    problem('SKILL_REFUSED', `\`${id}\` is not installed: ${why}`, { at: { file: `${folder}/${path}` }, resource: id });
  const danger = bundleDanger(files.map(({ path }) => path));
  if (danger) return refuse(danger.path, `\`${danger.path}\`: ${danger.why}`);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (files.length > MAX_FILES) return refuse('', `it has ${files.length} files; ${MAX_FILES} are allowed`);
  if (bytes > MAX_BYTES) return refuse('', `it has ${bytes} bytes; ${MAX_BYTES} are allowed`);
  return undefined;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
