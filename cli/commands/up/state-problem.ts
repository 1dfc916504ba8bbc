import { DatabaseUnusable, UnsafeFileError } from '../../../host/index.ts';
import { type Problem, problem } from '../../../schema/index.ts';

/** The next step for each way in which a file or folder can be unfit. */
const cures: Record<UnsafeFileError['code'], (path: string) => string> = {
  NOT_REGULAR: path => `Move ${path} away; it is made anew at the next start.`,
  NOT_DIRECTORY: () => 'Name a folder with `--state-dir`; a symbolic link to one is not followed.',
  WRONG_OWNER: () => 'Run mcpctl as its owner, or give another `--state-dir`.',
  WRONG_MODE: path => `Run \`chmod go-rwx ${path}\`, after a look at who may have read it.`,
  TOO_LARGE: path => `Move ${path} away; it is made anew at the next start.`,
};

/**
 * What keeps the state directory from being used, when that is what an error is about: a file that is unfit, a
 * damaged or newer database, or the system's own refusal (a full disk, a read-only file system, a missing right).
 */
export function stateProblem(error: unknown, stateDir: string): Problem | undefined {
  if (error instanceof UnsafeFileError) {
    return problem('STATE_UNUSABLE', error.message, { hint: cures[error.code](error.path) });
  }
  if (error instanceof DatabaseUnusable) {
    const hint = 'Use the version that wrote it, or move the file away: the newest commit is then read anew.';
    return problem('STATE_UNUSABLE', error.message, { hint });
  }
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const system = 'syscall' in error && !String(error.syscall).startsWith('spawn');
  if (system || error.code === 'ERR_SQLITE_ERROR') {
    const hint = 'Check its disk space and rights, or give another `--state-dir`.';
    return problem('STATE_UNUSABLE', `the state directory ${stateDir}: ${error.message}`, { hint });
  }
  return undefined;
}
