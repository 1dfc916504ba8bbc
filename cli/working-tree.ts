import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { readWorktree } from '../repo/index.ts';
import {
  assemble,
  type Catalog,
  classify,
  compareProblems,
  link,
  type ParsedFile,
  type Problem,
  parseFile,
  type ResourceFiles,
  type ResourceId,
  type Scope,
  sortProblems,
} from '../schema/index.ts';
import { repositoryRoot } from './repository-root.ts';
import { type FileChange, readContent } from './write-files.ts';

/** A working tree as it is on disk, to be changed. */
export interface WorkingTree {
  /** Absolute, without symbolic links. */
  root: string;
  files: readonly ParsedFile[];
}

/**
 * Read the working tree around a folder.
 * @throws ProblemError REPOSITORY_MISSING, READ_FAILED
 */
export async function openWorkingTree(cwd: string, dir: string): Promise<WorkingTree> {
  const root = await realpath(repositoryRoot(cwd, dir));
  return { root, files: await readWorktree(root) };
}

/**
 * The files that declare a resource; none when it is not declared. Of a bundle, every file of its folder.
 * @throws ProblemError FILE_NOT_REGULAR
 */
export async function filesOf({ root, files }: WorkingTree, id: ResourceId): Promise<ResourceFiles> {
  const main = files.find(file => file.id === id)?.path;
  if (main === undefined) return new Map();
  const folder = main.endsWith('/SKILL.md') ? main.slice(0, -'SKILL.md'.length) : undefined;
  const paths = files.map(({ path }) => path);
  const own = folder === undefined ? [main] : paths.filter(path => path.startsWith(folder)).sort();
  const found = new Map();
  for (const path of own) {
    const content = await readContent(root, path);
    if (content) found.set(path, content);
  }
  return found;
}

/** The folder of the project or agent of a scope, where it is declared. */
export function ownerFolder({ files }: WorkingTree, scope: Scope): string | undefined {
  const owner = files.find(({ id }) => id === scope);
  return owner?.path.slice(0, owner.path.lastIndexOf('/'));
}

/** The catalog of a working tree, and all that is wrong with it. */
export function checkFiles(files: readonly ParsedFile[]): { catalog: Catalog; problems: Problem[] } {
  const whole = assemble(files);
  const resources = whole.flatMap(({ resource }) => resource ?? []);
  const broken = whole.flatMap(({ id, resource }) => (id !== undefined && !resource ? [id] : []));
  const { catalog, problems } = link(resources, broken);
  return { catalog, problems: sortProblems([...whole.flatMap(file => file.problems), ...problems]) };
}

/**
 * What changes would bring about: every problem of the files changed, and those that others would have and have not
 * now.
 */
export function problemsOf({ files }: WorkingTree, changes: readonly FileChange[]): Problem[] {
  const changed = new Map(changes.map(change => [change.path, change]));
  const kept = files.filter(({ path }) => !changed.has(path));
  const after = changes.flatMap(({ path, after: content }) => {
    if (!content || classify(path).kind === 'ignored') return [];
    return parseFile({ path, mode: content.mode, oid: blobOid(content.bytes) }, content.bytes);
  });
  const before = checkFiles(files).problems;
  return checkFiles([...kept, ...after]).problems.filter(
    found => changed.has(found.at?.file ?? '') || !before.some(one => compareProblems(one, found) === 0),
  );
}

function blobOid(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}
