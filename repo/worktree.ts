import {
  classify,
  isRead,
  type ParsedFile,
  ProblemError,
  patchedFiles,
  problem,
  refuseUnread,
  untriedPatches,
  withOutcome,
} from '../schema/index.ts';
import { parseUnread, readBlobs, rootTree, withoutContent } from './commit-files.ts';
import { findRepository } from './find-repository.ts';
import { blobOid, type FolderFile, listFolder, lookAt, readLink, withFile } from './folder-files.ts';
import { type Objects, openObjects } from './objects.ts';
import { type Look, openParsedCache, type ParsedCache } from './parsed-cache.ts';
import { openPastFiles } from './past-files.ts';
import { type TreeFile, treeChanges } from './tree-changes.ts';

/** Where everything is known already, nothing that parses is loaded. */
const parser = () => import('../schema/parser.ts');

/**
 * Read a folder's files as they are on disk, whether it is a git working tree or not, and parse those of the
 * repository format. Symbolic links are reported, not followed. In code-unit order of the paths.
 * Throws a ProblemError: REMOTE_NOT_FOUND when there is no such folder, READ_FAILED when a file cannot be read.
 * @param env for mcpctl's home, where what was parsed is kept; left out, nothing is
 */
export async function readWorktree(
  root: string,
  env?: Readonly<Record<string, string | undefined>>,
): Promise<ParsedFile[]> {
  const cache = env && (await openParsedCache(root, env));
  const files = (await listFolder(root, isOurs)).filter(({ path }) => classify(path).kind !== 'ignored');
  const isPatched = patchedFiles(files.map(({ path }) => path));
  const parsed: ParsedFile[] = [];
  for (const file of files) {
    const { path, mode } = file;
    // Before it is opened: should it change meanwhile, what is kept does not look like it any more.
    const look = cache && mode === '100644' ? lookAt(root, path) : undefined;
    const same = look && cache?.unchanged(path, look, isPatched(path));
    parsed.push(same ?? (await parseOnDisk(root, file, look && cache && { look, cache }, isPatched)));
  }
  const tried = cache ? await tryPatches(parsed, cache) : parsed;
  await cache?.save();
  return tried;
}

/** Find out what patches make of their files, and keep it with what was parsed of them. */
export async function tryPatches(
  files: readonly ParsedFile[],
  { amend }: Pick<KnownFiles, 'amend'>,
): Promise<ParsedFile[]> {
  const untried = amend ? untriedPatches(files) : [];
  if (untried.length === 0) return [...files];
  const { patchFile } = await parser();
  const tried = new Map(untried.map(pair => [pair.file, withOutcome(pair, patchFile)]));
  amend?.([...tried.values()]);
  return files.map(file => tried.get(file) ?? file);
}

function isOurs(folder: string): boolean {
  return classify(`${folder}/x`).kind !== 'ignored';
}

async function parseOnDisk(
  root: string,
  { path, mode }: FolderFile,
  kept: { cache: ParsedCache; look: Look } | undefined,
  isPatched: (path: string) => boolean,
): Promise<ParsedFile> {
  if (mode === '120000') {
    const oid = blobOid(await readLink(root, path));
    return withoutContent({ path, mode, oid }, refuseUnread({ path, mode }, 0));
  }
  const unread = { path, mode, oid: '' };
  if (!isPlainName(path)) {
    const fault = 'its name is not UTF-8 text without control characters';
    return parseUnread({ ...unread, fault }) ?? withoutContent(unread, []);
  }
  if (mode !== '100644') return withoutContent(unread, refuseUnread({ path, mode }, 0));
  const found = withFile(root, path, file => {
    const refused = refuseUnread({ path, mode }, file.size);
    if (refused.length > 0 || !isRead(path)) return withoutContent(unread, refused);
    const bytes = file.read();
    return { bytes, entry: { path, mode: file.executable ? '100755' : mode, oid: blobOid(bytes) } };
  });
  if (!('bytes' in found)) return found;
  const { bytes, entry } = found;
  const whole = isPatched(path);
  const parsed = kept?.cache.parsed(entry, whole) ?? (await parser()).parseFile(entry, bytes);
  kept?.cache.keep(kept.look, entry.mode, parsed, whole);
  return parsed;
}

function isPlainName(path: string): boolean {
  return !/[\p{Cc}\ufffd\u2028\u2029]/u.test(path);
}

/**
 * Read a folder's files as a commit has them, from the git repository around the folder, and parse them.
 * Throws a ProblemError: REMOTE_NOT_FOUND when no repository is around it, REF_INVALID, REF_NOT_FOUND,
 * REPOSITORY_MISSING when the commit has no such folder, READ_FAILED.
 * @param folder the repository's root folder, or the same of a bare repository
 * @param revision whatever names a commit: `HEAD~1`, `main`, `v1.0.0`, an id
 * @param env for PATH, and for mcpctl's home, where what was parsed of the working tree is kept
 */
export async function readCommit(
  folder: string,
  revision: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ParsedFile[]> {
  if (!/^[^-:\p{Cc}\s][^:\p{Cc}\s]{0,249}$/u.test(revision)) {
    throw new ProblemError(problem('REF_INVALID', `\`${revision}\` does not name a commit`));
  }
  return readObjects({ ...(await findRepository(folder, env)), folder }, `${revision}^{commit}`, env);
}

/**
 * The same, of a commit or tree in a repository that was found before.
 * @param place `folder`: whose cache of parsed files is used, and what messages name
 * @param name an object's id, or a name that passed our own grammar
 */
export async function readObjects(
  place: { gitDir: string; path: string; folder: string },
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ParsedFile[]> {
  const objects = openObjects(place.gitDir, env);
  try {
    const [now, past] = await Promise.all([openParsedCache(place.folder, env), openPastFiles(place, env)]);
    const known: KnownFiles = {
      parsed: (file, whole) => now.parsed(file, whole) ?? past.parsed(file),
      keep: past.keep,
      amend: now.amend,
    };
    const files = await readTree(objects, place, name, known);
    await past.save();
    return files;
  } finally {
    objects.close();
  }
}

/**
 * The same, through a connection that is open already.
 * @param part only these files, and folders that may have some of them
 */
export async function readTree(
  objects: Objects,
  { path, folder }: { path: string; folder: string },
  name: string,
  cache: KnownFiles,
  part: TreePart = wholeTree,
): Promise<ParsedFile[]> {
  try {
    const found = await objects.info(name);
    if (!found) {
      const shown = name.replace('^{commit}', '');
      throw new ProblemError(problem('REF_NOT_FOUND', `${folder} has no commit \`${shown}\``));
    }
    const { changed } = await treeChanges(objects, undefined, await rootTree(objects, found.oid, path), part.folder);
    const wanted = changed.filter(file => part.file(file.path));
    const parsed = await tryPatches(await parseTreeFiles(objects, wanted, cache), cache);
    return parsed.sort((a, b) => (a.path < b.path ? -1 : 1));
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new ProblemError(problem('READ_FAILED', `${folder} could not be read: ${words}`), { cause: error });
  }
}

/** A part of a tree, by paths below the root folder. */
export interface TreePart {
  file(path: string): boolean;
  folder(path: string): boolean;
}

const wholeTree: TreePart = { file: () => true, folder: () => true };

/** What was parsed before; with `keep`, and `amend`, also what is parsed now is kept. */
export type KnownFiles = Pick<ParsedCache, 'parsed'> & Partial<Pick<ParsedCache, 'keep' | 'amend'>>;

/**
 * Read and parse files by their blobs, in no particular order.
 * @param cache what was parsed of the same bytes at the same path is not read again
 */
export async function parseTreeFiles(
  objects: Objects,
  files: readonly TreeFile[],
  cache: KnownFiles,
): Promise<ParsedFile[]> {
  const isPatched = patchedFiles(files.map(({ path }) => path));
  const parsed: ParsedFile[] = [];
  const unread = files.filter(file => {
    const known = parseUnread(file) ?? cache.parsed(file, isPatched(file.path));
    if (known) parsed.push(known);
    return known === undefined;
  });
  for await (const blob of readBlobs(objects, unread)) {
    if ('refused' in blob) {
      parsed.push(withoutContent(blob.file, blob.refused));
      continue;
    }
    const { file, bytes } = blob;
    const one = (await parser()).parseFile(file, bytes);
    cache.keep?.(undefined, file.mode, one, isPatched(file.path));
    parsed.push(one);
  }
  return parsed;
}
