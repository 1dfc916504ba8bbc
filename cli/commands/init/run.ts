import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { readWorktree } from '../../../repo/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { findRoot } from '../../repository-root.ts';
import { done, paint } from '../../style.ts';
import { commitFirst } from './commit.ts';
import { idFrom, initialFiles, WORKFLOWS } from './files.ts';

export interface InitOptions extends CliContext {
  folder: string;
  git: boolean;
  lock?: boolean;
}

/**
 * Make a new repository. stdout: the files written, one a line, below the folder; stderr: the next commands.
 * @throws ProblemError FILE_EXISTS when the folder, or one around it, is a repository of ours already
 */
export async function runInit(options: InitOptions): Promise<ExitCode> {
  const { io, cwd, folder, git, lock } = options;
  const root = resolve(cwd, folder);
  await refuseOurs(root);
  const id = idFrom(basename(root));
  const written: string[] = [];
  for (const { path, content, optional } of initialFiles(id)) {
    if (optional && existsSync(join(root, path))) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content, { flag: 'wx' });
    written.push(path);
  }
  // GitHub reads them at the top of a git repository only.
  if (!liesInGit(dirname(root))) written.push(...(await copyWorkflows(options, root)));
  io.stdout(written.map(path => `${path}\n`).join(''));
  done(io, `a repository with the id ${id} in ${root}`);
  let code: ExitCode = ExitCodes.ok;
  if (lock === true) {
    const { runLock } = await import('../lock/run.ts');
    code = await runLock({ ...options, names: [], folder: root });
    if (code === ExitCodes.ok) written.push('locks');
  }
  if (git && (await commitFirst(options, root, written))) {
    const { installHooks } = await import('../hooks/install.ts');
    await installHooks({ ...options, dir: root, path: '', branch: 'main' });
    done(io, 'git checks what you commit and push; `mcpctl hooks uninstall` undoes that');
  }
  io.stderr(nextCommands(options, root));
  return code;
}

function liesInGit(folder: string): boolean {
  return existsSync(join(folder, '.git')) || (folder !== dirname(folder) && liesInGit(dirname(folder)));
}

async function copyWorkflows({ self }: InitOptions, root: string): Promise<string[]> {
  const [, script] = self ?? [];
  if (script === undefined) throw new Error('the command line was not told where it is');
  const missing = WORKFLOWS.filter(path => !existsSync(join(root, path)));
  await mkdir(join(root, '.github', 'workflows'), { recursive: true });
  for (const path of missing) await copyFile(join(dirname(script), '..', 'example-repo', path), join(root, path));
  return missing;
}

async function refuseOurs(root: string): Promise<void> {
  const around = findRoot(dirname(root), '.');
  if (around !== undefined) {
    throw new ProblemError(
      problem('FILE_EXISTS', `${root} lies in the repository ${around}`, {
        hint: 'Add to that one with `mcpctl create`, or name a folder outside of it.',
      }),
    );
  }
  if (!existsSync(root)) return;
  const [first, ...others] = await readWorktree(root);
  if (first === undefined) return;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  throw new ProblemError(
    problem('FILE_EXISTS', `${root} has files of the repository format already: ${first.path}${more}`, {
      hint: 'See what it is with `mcpctl validate`, or name another folder.',
    }),
  );
}

function nextCommands({ io, cwd, lock }: InitOptions, root: string): string {
  const below = relative(cwd, root);
  const enter = below.startsWith('..') ? root : below;
  const steps = [
    ...(enter === '' ? [] : [[`cd ${/^[\w./-]+$/.test(enter) ? enter : JSON.stringify(enter)}`, '']]),
    ['mcpctl validate', 'check every file'],
    ...(lock === true ? [] : [['mcpctl lock', 'pin what the server depends on, then commit']]),
    ['mcpctl up --once', 'does everything start?'],
    ['mcpctl up', 'follow the branch main, and serve it'],
  ];
  const lines = steps.map(([command = '', why = '']) => {
    return `  ${command.padEnd(18)}${why === '' ? '' : paint(io, 'dim', `# ${why}`)}`.trimEnd();
  });
  return `\nNext:\n${lines.join('\n')}\n`;
}
