import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The file that says which project’s skills a folder has: its name, on one line. */
export const PROJECT_FILE = '.mcpctl-project';

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
    readFileSync(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}
