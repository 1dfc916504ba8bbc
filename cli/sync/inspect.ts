import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProblemError, problem } from '../../schema/index.ts';
import { applyStep } from './apply.ts';
import { readWhole } from './found-again.ts';
import { underLock } from './lock.ts';
import { findEdits, findExtras, isEdited, sha256Of, statsOf } from './look.ts';
import { observe } from './observe.ts';
import { placesIn } from './places.ts';
import { type InstalledSkill, writeState } from './state.ts';
import { bundleFolder, readManifest } from './store.ts';

/** One installed skill, as people ask for it. */
export interface SkillStatus {
  id: string;
  scope: string;
  path: string;
  version: string | undefined;
  /** The release it is of, or none where the branch counts. */
  release: string | undefined;
  signedBy: string | undefined;
  commit: string;
  digest: string;
  state: 'ok' | 'edited' | 'gone' | 'foreign';
  /** Files that differ from the release, with how. */
  differs: { path: string; how: 'changed' | 'missing' | 'added' }[];
  /** Pristine files in the store whose bytes are not what they were. */
  damaged: string[];
  lastSynced: string;
}

/**
 * What is installed on this machine. @param thorough hash every file, also those that look as they did
 * @throws ProblemError SKILLS_STATE_UNUSABLE
 */
export async function inspectSkills(home: string, thorough: boolean): Promise<SkillStatus[]> {
  const places = placesIn(home);
  const { skills } = readWhole(places);
  const observed = observe(places, [], skills);
  const found: SkillStatus[] = [];
  for (const skill of skills) {
    const { id, scope, path, version, release, signedBy, commit, digest, lastSynced, live, files } = skill;
    const { entry, gone = true } = observed.get(path) ?? {};
    const edits = gone ? undefined : findEdits(live, files, thorough);
    const differs = [
      ...(edits?.changed ?? []).map(file => ({ path: file, how: 'changed' as const })),
      ...(edits?.missing ?? []).map(file => ({ path: file, how: 'missing' as const })),
      ...(gone ? [] : [...findExtras(live, files).keys()].filter(file => !skill.made?.[file])).map(file => ({
        path: file,
        how: 'added' as const,
      })),
    ];
    const edited = edits !== undefined && isEdited(edits);
    const state = entry?.kind === 'foreign' ? 'foreign' : gone || entry?.kind === 'absent' ? 'gone' : 'ok';
    found.push({
      ...{ id, scope, path, version, release, signedBy, commit, digest, lastSynced, differs },
      state: state === 'ok' && edited ? 'edited' : state,
      damaged: thorough ? await damagedIn(home, skill) : [],
    });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function damagedIn(home: string, { digest }: InstalledSkill): Promise<string[]> {
  const places = placesIn(home);
  const manifest = readManifest(places, digest);
  if (!manifest) return ['files.json'];
  const folder = bundleFolder(places, digest);
  return Object.keys(manifest).filter(path => sha256Of(join(folder, path)) !== manifest[path]?.sha256);
}

/** A file of a skill as the release has it and as it is here; undefined where it is not. */
export interface SkillFileChange {
  path: string;
  before: Buffer | undefined;
  after: Buffer | undefined;
  executable: boolean;
}

/** What people changed in a skill. @throws ProblemError RESOURCE_NOT_FOUND, SKILLS_STATE_UNUSABLE */
export async function changedFiles(home: string, name: string, cwd: string): Promise<SkillFileChange[]> {
  const places = placesIn(home);
  const skill = findSkill(readWhole(places).skills, name, cwd);
  const { changed, missing } = findEdits(skill.live, skill.files, true);
  const added = [...findExtras(skill.live, skill.files).keys()].filter(path => {
    return skill.made?.[path] === undefined && statsOf(join(skill.live, path))?.isFile();
  });
  const pristine = bundleFolder(places, skill.digest);
  const read = (folder: string, path: string) =>
    existsSync(join(folder, path)) ? readFileSync(join(folder, path)) : undefined;
  return [...changed, ...missing, ...added].sort().map(path => ({
    path,
    before: Object.hasOwn(skill.files, path) ? read(pristine, path) : undefined,
    after: missing.includes(path) ? undefined : read(skill.live, path),
    executable: ((statsOf(join(skill.live, path))?.mode ?? 0) & 0o100) !== 0,
  }));
}

/** What is installed under a name. @throws ProblemError RESOURCE_NOT_FOUND, SKILLS_STATE_UNUSABLE */
export function installedSkill(
  home: string,
  name: string,
  cwd: string,
): Pick<InstalledSkill, 'id' | 'commit' | 'release'> {
  return findSkill(readWhole(placesIn(home)).skills, name, cwd);
}

/** Put the release back, and keep a copy of what it replaces. @returns where that is */
export async function restoreSkill(home: string, name: string, cwd: string, signal: AbortSignal): Promise<string[]> {
  const places = placesIn(home);
  return underLock(places, signal, async () => {
    const state = readWhole(places);
    const { id, path, folder, scope, name: own, digest, fingerprint, ...facts } = findSkill(state.skills, name, cwd);
    const observed = observe(
      places,
      [],
      state.skills.filter(one => one.path === path),
    );
    const load = () => Promise.reject(new Error('its pristine copy is gone; sync with --force'));
    const offered = new Map([[id, { id, name: own, scope, fingerprint, facts: { ...facts, digest }, load }]]);
    const { commit, release: called, signedBy = '' } = facts;
    const release = called === undefined ? undefined : { name: called, signedBy };
    const applied = await applyStep(
      {
        ...{ places, state, observed, offered, commit, release, now: Date.now() },
        beforeRemoval: () => Promise.resolve([]),
      },
      {
        ...{ op: 'restore', id, name: own, path, because: 'it was asked for' },
        desired: { id, name: own, scope, folder, path, digest },
      },
    );
    await writeState(places, state);
    if (applied.error) throw new ProblemError(applied.error);
    return applied.warnings.map(({ message }) => message);
  });
}

/**
 * By name or id; of several with one name those whose folder is around `cwd`, else the global ones. Of those in several
 * clients’ folders, one that was edited.
 */
function findSkill(skills: readonly InstalledSkill[], name: string, cwd: string): InstalledSkill {
  const found = skills.filter(skill => skill.name === name || skill.id === name);
  const near = found.filter(({ scope, folder }) => scope !== 'global' && isAround(folder, cwd));
  const global = found.filter(({ scope }) => scope === 'global');
  const meant = near.length > 0 ? near : global.length > 0 ? global : found;
  const skill = meant.find(({ live, files }) => isEdited(findEdits(live, files))) ?? meant[0];
  if (skill) return skill;
  const hint = '`mcpctl skills status` lists what there is.';
  throw new ProblemError(problem('RESOURCE_NOT_FOUND', `no skill \`${name}\` is installed here`, { hint }));
}

/** `<folder>/.claude/skills` is a project’s. */
function isAround(skillsFolder: string, cwd: string): boolean {
  const project = join(skillsFolder, '..', '..');
  return cwd === project || cwd.startsWith(`${project}/`);
}
