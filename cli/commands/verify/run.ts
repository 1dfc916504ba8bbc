import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findRepository, openObjects } from '../../../repo/index.ts';
import { MANIFEST_PATH, MAX_MANIFEST_BYTES } from '../../../schema/index.ts';
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
 * loaded, so that it unpacks the manifest meanwhile.
 */
export async function runVerify(options: VerifyOptions): Promise<ExitCode> {
  const { cwd, env, release } = options;
  const root = findRoot(cwd, '.') ?? cwd;
  const { gitDir, path } = await repositoryAt(root, env);
  const objects = openObjects(gitDir, env);
  try {
    const file = path === '' ? MANIFEST_PATH : `${path}/${MANIFEST_PATH}`;
    // Only a guess at the tag's name, of which nothing is believed.
    const tag = /^v?(\d[\w.-]*)$/.exec(release ?? '')?.[1];
    const name = `refs/tags/v${tag}^{commit}:${file}`;
    const early = tag === undefined ? undefined : objects.contents(name, MAX_MANIFEST_BYTES);
    early?.catch(() => undefined);
    const { judge } = await import('./judge.ts');
    return await judge(options, { root, gitDir, path, objects, early });
  } finally {
    objects.close();
  }
}

/** Nearly always the top folder of one's own working tree, which is seen without a process; git judges the others. */
async function repositoryAt(root: string, env: VerifyOptions['env']): Promise<{ gitDir: string; path: string }> {
  const gitDir = join(root, '.git');
  const isTop = await stat(join(gitDir, 'HEAD')).then(
    found => found.isFile() && found.uid === process.getuid?.(),
    () => false,
  );
  return isTop ? { gitDir, path: '' } : findRepository(root, env);
}
