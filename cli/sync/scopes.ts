import { createHash } from 'node:crypto';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { RemoteRef } from '../../repo/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import { type ClientFolder, clientFolders, type SkillsConfig, targets } from './config.ts';
import { settingsFile } from './hooks/settings-file.ts';
import { lookOf, statsOf } from './look.ts';
import { type ProjectHere, projectHere } from './project.ts';
import type { InstalledSkill, SettledScope, SkillsState } from './state.ts';

/** Into which folders what goes. */
export interface Scopes {
  project: ProjectHere | undefined;
  global: ClientFolder[];
  own: ClientFolder[];
  /** The same of every client, also of those that are no targets any more: what was put there for them goes. */
  every: { global: ClientFolder[]; own: ClientFolder[] };
}

/** Characters of what is kept as it is. */
const MAX_BASIS = 16 * 1024;

/** @throws ProblemError SKILLS_PROJECT_UNKNOWN; USAGE for a project in the folder of the global skills */
export function scopesOf(
  { env, cwd }: { env: Readonly<Record<string, string | undefined>>; cwd: string },
  config: SkillsConfig,
  named: string | undefined,
): Scopes {
  const project = projectHere(cwd, named);
  const global = clientFolders(env, config.targets, undefined);
  const own = project ? clientFolders(env, config.targets, project.folder) : [];
  const every = {
    global: clientFolders(env, targets, undefined),
    own: project ? clientFolders(env, targets, project.folder) : [],
  };
  // The two would remove each other’s skills, also where a link leads one to the other.
  const globals = global.map(({ folder }) => realPlace(folder));
  const same = own.find(({ folder }) => globals.includes(realPlace(folder)))?.folder;
  if (same === undefined) return { project, global, own, every };
  const hint = 'Put `.mcpctl-project` into the project’s own folder.';
  const message = `the project \`${project?.name}\` and the global skills would both be in ${same}`;
  throw new ProblemError(problem('USAGE', message, { hint }));
}

/** Where a folder really is, or would be. */
function realPlace(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    const parent = dirname(folder);
    return parent === folder ? folder : join(realPlace(parent), basename(folder));
  }
}

/** What is installed in the folders of the scopes. */
export function within({ skills }: SkillsState, { every }: Scopes): InstalledSkill[] {
  const folders = new Set([...every.global, ...every.own].map(({ folder }) => folder));
  return skills.filter(({ folder }) => folders.has(folder));
}

/** Settings files that hooks of skills stand in, with the folder of skills that each belongs to: Claude Code’s only. */
export function settingsFiles({ every }: Scopes): Map<string, string> {
  const files = (folders: readonly ClientFolder[], isProject: boolean) =>
    folders
      .filter(({ target }) => target === 'claude')
      .map(({ folder }) => [settingsFile(folder, isProject), folder] as const);
  return new Map([...files(every.global, false), ...files(every.own, true)]);
}

export function settledOf({ settled }: SkillsState, { project }: Scopes): SettledScope | undefined {
  return settled.find(({ folder }) => folder === (project?.folder ?? ''));
}

/** Everything that what a sync does depends on, besides the disk: as long as it is the same, there is nothing to do. */
export function basisOf(
  { from, gateway, ref, path, trust, pin, hookMarkers }: SkillsConfig,
  { project, global, own }: Scopes,
  refs: readonly RemoteRef[],
  home: string,
): string {
  const where = [from, gateway, ref, path, trust, pin, hookMarkers, project?.name, trustLook(home)];
  const what = [...global, ...own, ...refs];
  const all = JSON.stringify([where, what]);
  // To load what makes a digest takes longer than to compare.
  return all.length <= MAX_BASIS ? all : createHash('sha256').update(all).digest('hex');
}

/** Changes whenever what this machine trusts does. */
function trustLook(home: string): string {
  const folder = join(home, 'trust');
  const looks = (existsSync(folder) ? readdirSync(folder).sort() : []).flatMap(id =>
    ['root.json', 'mark.json'].map(name => {
      const stats = statsOf(join(folder, id, name));
      return stats ? `${id}/${name} ${lookOf(stats)}` : '';
    }),
  );
  return looks.join('\n');
}
