import { relative, resolve } from 'node:path';
import { localRefs, type TreeChanges, type Workspace } from '../../../repo/forges/index.ts';
import { classify, type FileContent, ProblemError, problem } from '../../../schema/index.ts';
import type { CliContext, ExitCode } from '../../context.ts';
import { type ForgeOptions, openForge } from '../../proposals/open-forge.ts';
import { propose } from '../../proposals/propose.ts';
import { readContent } from '../../write-files.ts';

export interface ProposeOptions extends CliContext, ForgeOptions {
  paths: readonly string[];
  message?: string;
  reason?: string;
  session?: string;
  amend?: string;
}

/**
 * Propose what the working tree has and the branch has not: everything since both were the same, committed or not.
 * @throws ProblemError PROPOSAL_INVALID when that is nothing, and those of `propose`
 */
export async function runPropose(options: ProposeOptions): Promise<ExitCode> {
  const { cwd, env, paths, message, reason, session = env.MCPCTL_SESSION_ID, amend } = options;
  const open = await openForge(options, options);
  const { root, workspace } = open;
  const wanted = paths.map(path => relative(root, resolve(cwd, path)));
  const base = await commonBase(workspace);
  const changes = await changesSince(root, workspace, base, wanted);
  if (changes.size === 0) {
    const hint = 'Change something first; files outside of the repository format are not proposed.';
    throw new ProblemError(problem('PROPOSAL_INVALID', `nothing differs from ${workspace.branch}`, { hint }));
  }
  const title = message ?? titleFor([...changes.keys()]);
  return propose(options, open, { changes, base, title, reason, session }, amend);
}

async function commonBase(workspace: Workspace): Promise<string> {
  const result = await workspace.git(['merge-base', 'HEAD', localRefs.main]);
  const base = result.stdout.toString().trim();
  if (result.code === 0 && base !== '') return base;
  const hint = 'Start from what is there: `git fetch` and `git checkout -b change origin/main`.';
  throw new ProblemError(
    problem('PROPOSAL_INVALID', `HEAD and ${workspace.branch} have no commit in common`, { hint }),
  );
}

/** Files of the format that differ from a commit, as they are on disk. */
async function changesSince(
  root: string,
  workspace: Workspace,
  base: string,
  wanted: readonly string[],
): Promise<TreeChanges> {
  const place = [`--work-tree=${root}`, '--literal-pathspecs'];
  const lists = await Promise.all([
    workspace.git([...place, 'diff', '--name-only', '-z', '--no-renames', '--relative', base, '--', '.']),
    workspace.git([...place, 'ls-files', '--others', '--exclude-standard', '-z', '--', '.']),
  ]);
  const names = lists.flatMap(({ stdout }) => stdout.toString().split('\0')).filter(path => path !== '');
  const changes = new Map<string, FileContent | null>();
  for (const path of [...new Set(names)].sort()) {
    if (wanted.length > 0 && !wanted.some(one => one === '' || path === one || path.startsWith(`${one}/`))) continue;
    if (classify(path).kind === 'ignored') continue;
    changes.set(path, (await readContent(root, path)) ?? null);
  }
  return changes;
}

function titleFor(paths: readonly string[]): string {
  return paths.length === 1 ? `Change ${paths[0]}` : `Change ${paths.length} files, ${paths[0]} first`;
}
