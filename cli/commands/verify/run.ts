import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findRepository, openObjects, openObjectsAhead } from '../../../repo/index.ts';
import { MANIFEST_PATH, MAX_MANIFEST_BYTES, ROOT_FOLDER } from '../../../schema/index.ts';
import type { CliContext, ExitCode } from '../../context.ts';
import { findRoot } from '../../repository-root.ts';

export interface VerifyOptions extends CliContext {
  release?: string;
  files?: boolean;
  explain?: boolean;
  allowRollback?: boolean;
  output: 'text' | 'json';
}

/**
 * Check a release. stdout: every check with its verdict; exit 5 when one fails. Git is started before what judges is
 * loaded, with what that will nearly always ask for.
 */
export async function runVerify(options: VerifyOptions): Promise<ExitCode> {
  const { cwd, env, release = '' } = options;
  const root = findRoot(cwd, '.') ?? cwd;
  const { gitDir, path } = await repositoryAt(root, env);
  // Only a guess at the tag's name, of which nothing is believed.
  const version = path === '' ? /^(?:refs\/tags\/)?v?(\d[\w.-]*)$/.exec(release)?.[1] : undefined;
  const objects =
    version === undefined
      ? openObjects(gitDir, env)
      : openObjectsAhead(gitDir, env, namesOf(`refs/tags/v${version}`), MAX_AHEAD_BYTES);
  try {
    const { judge } = await import('./judge.ts');
    return await judge(options, { root, gitDir, path, objects });
  } finally {
    objects.close();
  }
}

const MAX_AHEAD_BYTES = MAX_MANIFEST_BYTES + 1024 * 1024;

/** More of them are asked for when they are needed. */
const FIRST_ROOTS = [1, 2, 3].map(version => `${ROOT_FOLDER}/${version}.json`);

/** What a release consists of but for its files, the roots that `HEAD` has, and once more where the tag is. */
function namesOf(ref: string): string[] {
  const commit = `${ref}^{commit}`;
  const roots = (at: string) => [...folders(ROOT_FOLDER), ...FIRST_ROOTS].map(path => `${at}:${path}`);
  const manifest = [...folders(dirname(MANIFEST_PATH)), MANIFEST_PATH].map(path => `${commit}:${path}`);
  return [ref, commit, `${commit}^{tree}`, ...roots(commit), ...manifest, 'HEAD^{tree}', ...roots('HEAD'), ref];
}

/** A folder and those it lies in, from the top. */
function folders(path: string): string[] {
  return path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
}

/** Nearly always the top folder of one's own working tree, which is seen without a process; git judges the others. */
async function repositoryAt(root: string, env: VerifyOptions['env']): Promise<{ gitDir: string; path: string }> {
  const gitDir = join(root, '.git');
  return isOwnFile(join(gitDir, 'HEAD')) ? { gitDir, path: '' } : findRepository(root, env);
}

/** What may not be looked at is left to git, which says why. */
function isOwnFile(path: string): boolean {
  try {
    const found = statSync(path);
    return found.isFile() && found.uid === process.getuid?.();
  } catch {
    return false;
  }
}
