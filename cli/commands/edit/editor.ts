import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProblemError, problem } from '../../../schema/index.ts';
import type { CliContext } from '../../context.ts';

/** A private copy of a file, for an editor. */
export interface EditedCopy {
  folder: string;
  path: string;
}

/** @param name what the copy is called, so that the editor knows what it is */
export async function makeCopy(name: string): Promise<EditedCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-edit-'));
  return { folder, path: join(folder, name) };
}

/**
 * Let somebody edit a text in $VISUAL, $EDITOR or vi, in this terminal, until the editor ends.
 * @returns what was saved
 * @throws ProblemError EDITOR_FAILED
 */
export async function editText(
  { env, signal }: Pick<CliContext, 'env' | 'signal'>,
  { path }: EditedCopy,
  text: string,
): Promise<string> {
  await writeFile(path, text, { mode: 0o600 });
  const editor = env.VISUAL || env.EDITOR || 'vi';
  // The variable is a piece of shell, as git and kubectl take it: it may have arguments.
  const argv = ['-c', `${editor} "$1"`, editor, path];
  const code = await new Promise<number | string>(resolve => {
    const child = spawn('/bin/sh', argv, { stdio: 'inherit', env: { ...env }, signal });
    child.on('error', error => resolve(error.message));
    child.on('exit', (status, by) => resolve(status ?? by ?? 1));
  });
  if (code !== 0) throw new ProblemError(problem('EDITOR_FAILED', `\`${editor}\` ended with ${code}`));
  return readFile(path, 'utf8').catch(cause => {
    const why = cause.code === 'ENOENT' ? 'removed the file' : `left what cannot be read: ${cause.code}`;
    const hint = 'Nothing was changed. Save the file to change a resource; `mcpctl delete KIND NAME` removes one.';
    throw new ProblemError(problem('EDITOR_FAILED', `\`${editor}\` ${why}`, { hint }), { cause });
  });
}

/**
 * Remove a copy, unless there is something in it that is nowhere else.
 * @param isKnown whether a text is
 * @returns whether it is still there
 */
export async function dropCopy({ folder, path }: EditedCopy, isKnown: (text: string) => boolean): Promise<boolean> {
  const keep = await readFile(path, 'utf8').then(
    text => !isKnown(text),
    error => error.code !== 'ENOENT',
  );
  if (!keep) await rm(folder, { recursive: true, force: true });
  return keep;
}
