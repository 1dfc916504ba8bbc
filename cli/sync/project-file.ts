import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The file that says which project’s skills a folder has: its name, on one line. */
export const PROJECT_FILE = '.mcpctl-project';

const MAX_BYTES = 256;

/** The nearest folder upwards that has a project file, also one that cannot be read. */
export function projectFolder(cwd: string): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (isThere(join(folder, PROJECT_FILE))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Also for what may not be looked at: that it is there counts, and is complained about later. */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}

/**
 * What a folder’s project file says; undefined when there is none. It may have come with a checkout and lead anywhere: no
 * more than a name’s worth is read, and a device or a pipe not at all. Nor is that of another user, who could have put it
 * above any folder of ours, as in /tmp.
 * @param user whoever reads it; the system’s own user may read everybody’s
 * @throws Error with the system’s code, or with what is wrong in its place
 */
export function readProjectFile(folder: string, user: number = process.getuid?.() ?? 0): string | undefined {
  let file: number;
  try {
    file = openSync(join(folder, PROJECT_FILE), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw refusal('it is no file');
    if (user !== 0 && stats.uid !== 0 && stats.uid !== user) throw refusal('it belongs to another user');
    const bytes = Buffer.alloc(MAX_BYTES);
    return bytes
      .subarray(0, readSync(file, bytes))
      .toString('utf8')
      .replace(/^\ufeff/, '')
      .trim();
  } finally {
    closeSync(file);
  }
}

function refusal(why: string): Error {
  return Object.assign(new Error(why), { code: why });
}
