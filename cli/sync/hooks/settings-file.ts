import { dirname, join } from 'node:path';

/** The settings file that belongs to a client’s folder of skills: the user’s, or a project’s local one. */
export function settingsFile(skillsFolder: string, isProject: boolean): string {
  return join(dirname(skillsFolder), isProject ? 'settings.local.json' : 'settings.json');
}
