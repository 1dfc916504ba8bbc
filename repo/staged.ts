import { resolve } from 'node:path';
import { classify, type ParsedFile, ProblemError, problem } from '../schema/index.ts';
import { parseUnread, withoutContent } from './commit-files.ts';
import { findRepository } from './find-repository.ts';
import { git, lastWords } from './git.ts';
import { openObjects } from './objects.ts';
import { openBlobCache, openParsedCache, type ParsedCache } from './parsed-cache.ts';
import type { TreeFile } from './tree-changes.ts';
import { type KnownFiles, parseTreeFiles, tryPatches } from './worktree.ts';

const MAX_INDEX_BYTES = 256 * 1024 * 1024;

/**
 * Read a folder's files as the index of the git repository around it has them, which is what the next commit will
 * have, and parse them. In code-unit order of the paths.
 * Throws a ProblemError: REMOTE_NOT_FOUND when no repository is around the folder, READ_FAILED.
 * @param folder the repository's root folder
 * @param env for PATH and mcpctl's home; its GIT_INDEX_FILE, which git sets for hooks, is the index that is meant
 * @param cwd from where GIT_INDEX_FILE is
 */
export async function readStaged(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Promise<ParsedFile[]> {
  const place = await findRepository(folder, env);
  const { gitDir } = place;
  const index: string | undefined = env.GIT_INDEX_FILE;
  const result = await git(['ls-files', '--stage', '-z'], {
    env,
    cwd: folder,
    maxOutputBytes: MAX_INDEX_BYTES,
    ...(index !== undefined && { extra: { GIT_INDEX_FILE: resolve(cwd, index) } }),
  });
  if (result.code !== 0) {
    throw new ProblemError(
      problem('READ_FAILED', `the index of ${folder} could not be read: ${lastWords(result, [])}`),
    );
  }
  const { files, unmerged } = parseIndex(result.stdout);
  const cache = await openBlobCache(place, 'staged');
  const objects = openObjects(gitDir, env);
  try {
    const known = await withWorktree(cache, folder, env, files);
    const parsed = await tryPatches(
      [...(await parseTreeFiles(objects, files, known)), ...unmerged.map(conflicted)],
      cache,
    );
    await cache.save();
    return parsed.sort((a, b) => (a.path < b.path ? -1 : 1));
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new ProblemError(problem('READ_FAILED', `the index of ${folder} could not be read: ${words}`), {
      cause: error,
    });
  } finally {
    objects.close();
  }
}

/** What was parsed in the working tree is looked at only where what was staged before is not enough. */
async function withWorktree(
  staged: ParsedCache,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  files: readonly TreeFile[],
): Promise<KnownFiles> {
  if (files.every(file => parseUnread(file) ?? staged.parsed(file, false))) return staged;
  const worktree = await openParsedCache(folder, env);
  return {
    ...staged,
    parsed(file, whole) {
      const own = staged.parsed(file, whole);
      if (own) return own;
      const other = worktree.parsed(file, whole);
      if (other) staged.keep(undefined, file.mode, other, whole);
      return other;
    },
  };
}

/** `<mode> SP <id> SP <stage> TAB <path> NUL`, repeated; see git-ls-files(1). */
function parseIndex(output: Buffer): { files: TreeFile[]; unmerged: TreeFile[] } {
  const files: TreeFile[] = [];
  const unmerged = new Map<string, TreeFile>();
  for (let start = 0; start < output.length; ) {
    const end = output.indexOf(0, start);
    const entry = output.subarray(start, end === -1 ? undefined : end);
    start = end === -1 ? output.length : end + 1;
    const tab = entry.indexOf(0x09);
    const [mode = '', oid = '', stage] = entry.subarray(0, tab).toString('latin1').split(' ');
    const path = entry.subarray(tab + 1).toString('utf8');
    if (classify(path).kind === 'ignored') continue;
    const file = { path, mode, oid, ...faultOf(path) };
    if (stage === '0') files.push(file);
    else unmerged.set(path, file);
  }
  return { files, unmerged: [...unmerged.values()] };
}

function faultOf(path: string): { fault?: string } {
  const readable = !/[\p{Cc}\ufffd\u2028\u2029]/u.test(path);
  return readable ? {} : { fault: 'its name is not UTF-8 text without control characters' };
}

function conflicted(file: TreeFile): ParsedFile {
  const declared = classify(file.path);
  const resource = declared.kind === 'resource' ? { resource: declared.id } : {};
  const found = problem('FILE_UNMERGED', `the index has several versions of \`${file.path}\``, {
    at: { file: file.path },
    ...resource,
  });
  return withoutContent(file, [found]);
}
