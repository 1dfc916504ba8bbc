import { join, resolve } from 'node:path';
import { ProblemError, problem } from '../../schema/index.ts';
import { PROJECT_FILE, projectFolder, readProjectFile } from './project-file.ts';

/** A project and the folder whose clients get its skills. */
export interface ProjectHere {
  name: string;
  folder: string;
}

/**
 * The project meant by `--project`, else by the nearest `.mcpctl-project` file upwards. Its folder is that file’s; for
 * a project named on the command line where no file is, the current one.
 * @throws ProblemError SKILLS_PROJECT_UNKNOWN for a file that cannot be read or names no project
 */
export function projectHere(cwd: string, named: string | undefined): ProjectHere | undefined {
  const folder = projectFolder(cwd);
  if (named !== undefined) return { name: checked(named, '--project'), folder: folder ?? resolve(cwd) };
  if (folder === undefined) return undefined;
  return { name: checked(projectIn(folder) ?? '', join(folder, PROJECT_FILE)), folder };
}

/** What a folder’s project file says. @throws ProblemError SKILLS_PROJECT_UNKNOWN for one that cannot be read */
export function projectIn(folder: string): string | undefined {
  try {
    return readProjectFile(folder);
  } catch (error) {
    throw unknown(`${join(folder, PROJECT_FILE)} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function checked(name: string, where: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?$/.test(name)) return name;
  throw unknown(`${where} does not name a project`);
}

function unknown(message: string): ProblemError {
  return new ProblemError(problem('SKILLS_PROJECT_UNKNOWN', message));
}
