import { z } from 'zod';
import type { FileContent, ResourceFiles } from './document.ts';
import { compareText, type Problem, problem } from './problem.ts';
import { quoted } from './quote.ts';

/** One file of a bundle, in a document. */
export interface BundledFile {
  /** Below the bundle's folder. */
  path: string;
  mode: FileContent['mode'];
  /** base64. */
  content: string;
}

const BundledFiles = z.array(
  z.strictObject({
    path: z.string().max(1024).refine(isPlainPath, 'must be a path inside the bundle, other than that of a `SKILL.md`'),
    mode: z.enum(['100644', '100755']),
    content: z.base64('must be base64'),
  }),
);

/** The files of a bundle besides the one that declares it, sorted by path. */
export function bundleFiles(files: ResourceFiles, main: string): BundledFile[] {
  const folder = main.slice(0, main.lastIndexOf('/') + 1);
  return [...files]
    .filter(([path]) => path !== main && path.startsWith(folder))
    .sort(([a], [b]) => compareText(a, b))
    .map(([path, { bytes, mode }]) => {
      return { path: path.slice(folder.length), mode, content: Buffer.from(bytes).toString('base64') };
    });
}

/**
 * Add a bundle's further files to what is written.
 * @param listed `spec.files` as somebody gave it; undefined leaves the files as they are
 * @returns what is wrong with them
 */
export function writeBundle(
  files: Map<string, FileContent | null>,
  listed: unknown,
  previous: ResourceFiles,
  main: string,
): Problem[] {
  const folder = main.slice(0, main.lastIndexOf('/') + 1);
  const parsed = BundledFiles.optional().safeParse(listed);
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => {
      return problem('FIELD_INVALID', `\`spec.files${path.map(step => `[${String(step)}]`).join('')}\` ${message}`);
    });
  }
  for (const [path, content] of previous) if (path !== main) files.set(path, parsed.data ? null : content);
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const { path, mode, content } of parsed.data ?? []) {
    if (seen.has(path)) problems.push(problem('FIELD_INVALID', `\`spec.files\` has ${quoted(path)} twice`));
    seen.add(path);
    files.set(folder + path, { bytes: Buffer.from(content, 'base64'), mode });
  }
  return problems;
}

function isPlainPath(path: string): boolean {
  const parts = path.split('/');
  if (/[\p{Cc}\\]/u.test(path) || !path.isWellFormed() || parts.at(-1) === 'SKILL.md') return false;
  return parts.every(part => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git');
}
