import { localRefs, type Workspace } from '../../repo/forges/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import type { CliContext, ExitCode } from '../context.ts';
import type { Trailer } from '../trailers.ts';
import type { FileChange } from '../write-files.ts';
import { openForge } from './open-forge.ts';
import { propose } from './propose.ts';

/**
 * Propose changes that a command worked out, instead of writing them.
 * @param root the folder that has `mcpctl.yaml`
 * @param trailers what the change says about itself, kept in the proposal's commit
 * @throws ProblemError FILE_CHANGED when the branch has another content than the working tree, and those of `propose`
 */
export async function proposeChanges(
  context: CliContext,
  root: string,
  files: readonly FileChange[],
  title: string,
  trailers: readonly Trailer[] = [],
): Promise<ExitCode> {
  const open = await openForge(context, { dir: root, remote: 'origin', branch: 'main' });
  for (const { path, before } of files) {
    const there = await contentOnMain(open.workspace, path);
    const same = before ? there?.equals(Buffer.from(before.bytes)) === true : there === undefined;
    if (same) continue;
    const hint = 'Bring the working tree up to date (`git pull`), or propose all of it with `mcpctl propose`.';
    const message = `\`${path}\` is not the same in the working tree and on main`;
    throw new ProblemError(problem('FILE_CHANGED', message, { at: { file: path }, hint }));
  }
  const [subject = title, ...rest] = title.split('\n');
  const changes = new Map(files.map(({ path, after }) => [path, after]));
  const reason = rest.join(' ').trim();
  return propose(context, open, {
    changes,
    title: subject,
    reason,
    session: context.env.MCPCTL_SESSION_ID,
    trailers: trailers.map(({ key, value }) => [key, value] as const),
  });
}

async function contentOnMain(workspace: Workspace, path: string): Promise<Buffer | undefined> {
  const full = workspace.path === '' ? path : `${workspace.path}/${path}`;
  const result = await workspace.git(['cat-file', 'blob', `${localRefs.main}:${full}`]);
  return result.code === 0 ? result.stdout : undefined;
}
