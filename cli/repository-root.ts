import { existsSync, globSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ProblemError, problem } from '../schema/index.ts';

/**
 * A folder that a command line names. One that is not there must not mean the repository above it: a typing error would
 * change and commit what nobody named.
 * @param option how it was named
 * @returns an absolute path
 * @throws ProblemError USAGE
 */
export function namedFolder(cwd: string, dir: string, option: string): string {
  const folder = resolve(cwd, dir);
  const why = whyNoFolder(folder);
  if (why === undefined) return folder;
  const hint = 'Name a folder that is there; `mcpctl init DIR` makes one.';
  throw new ProblemError(problem('USAGE', `\`${option} ${dir}\`: ${why}`, { hint }));
}

function whyNoFolder(folder: string): string | undefined {
  try {
    return statSync(folder).isDirectory() ? undefined : `${folder} is not a folder`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    return missing ? `there is no folder ${folder}` : `${folder} cannot be opened: ${code}`;
  }
}

/**
 * The folder that has `mcpctl.yaml`: the one given or the nearest above it, as git finds its working tree.
 * @param dir absolute, or from `cwd`
 * @returns an absolute path, or undefined when no folder up to the root has one
 */
export function findRoot(cwd: string, dir: string): string | undefined {
  for (let folder = resolve(cwd, dir); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'mcpctl.yaml'))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** @throws ProblemError REPOSITORY_MISSING when no folder up to the root has `mcpctl.yaml` */
export function repositoryRoot(cwd: string, dir: string): string {
  const root = findRoot(cwd, dir);
  if (root !== undefined) return root;
  const [below] = globSync('*/mcpctl.yaml', { cwd: resolve(cwd, dir) }).sort();
  const hint =
    below === undefined
      ? 'Name a folder of a working tree with -C DIR, or make a repository with `mcpctl init DIR`.'
      : `A folder in it has one: add \`-C ${join(dir, dirname(below))}\`.`;
  const message = `there is no \`mcpctl.yaml\` in ${resolve(cwd, dir)}, nor in a folder above it`;
  throw new ProblemError(problem('REPOSITORY_MISSING', message, { hint }));
}

/** The folder whose history is meant: the nearest that has `mcpctl.yaml`, or the one given, as in a bare repository. */
export function historyFolder(cwd: string, dir: string): string {
  return findRoot(cwd, dir) ?? resolve(cwd, dir);
}
