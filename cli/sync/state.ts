import { readFileSync, renameSync } from 'node:fs';
import { ensurePrivateDir, writeAtomic } from '../../host/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import { statsOf } from './look.ts';
import type { Places } from './places.ts';

/** A file of a bundle as it was installed. */
export interface InstalledFile {
  sha256: string;
  size: number;
  /** What of its stats changes when somebody writes to it: a file that still looks so is not read again. */
  look: string;
}

/** A server that a skill asks for, as `skill.yaml` says. */
export interface WantedServer {
  name: string;
  fromTemplate?: string;
  project?: string;
}

/** One skill in one client’s folder. */
export interface InstalledSkill {
  /** `skill/review`, or `project/demo/skill/review`. */
  id: string;
  name: string;
  /** `global`, or `project/demo`. */
  scope: string;
  /** The client’s folder of skills; absolute. */
  folder: string;
  /** The entry in it: a symbolic link to the working copy. */
  path: string;
  live: string;
  /** As the release’s manifest says; none without releases. */
  version?: string;
  digest: string;
  /** Of the files’ paths, modes and object ids: equal ones need not be read again. */
  fingerprint: string;
  commit: string;
  release?: string;
  /** Who signed that, as the root names the key. */
  signedBy?: string;
  files: Record<string, InstalledFile>;
  /** What its scripts left in the working copy: path → look. */
  made?: Record<string, string>;
  postInstall?: string;
  postInstallTimeoutSec?: number;
  preUninstall?: string;
  /** sha256 of the script that ran last and succeeded. */
  postInstallHash?: string;
  hooks?: Record<string, unknown>;
  mcpServers?: WantedServer[];
  /** ISO 8601: when it was last put there. */
  lastSynced: string;
}

/** A working copy that an entry led to before; kept a while, for sessions that still read it. */
export interface Superseded {
  live: string;
  name: string;
  files: Record<string, InstalledFile>;
  made?: Record<string, string>;
  /** ISO 8601 */
  since: string;
}

/** What one sync of one folder settled. */
export interface SettledScope {
  /** `''` for the global skills, else the project’s folder. */
  folder: string;
  project?: string;
  /** What the answer depended on: the commit, the place, the clients’ folders. */
  basis: string;
  /** The release’s name, or the commit, for people. */
  at: string;
  attached: string[];
  hooks: string[];
  /** Told again whenever nothing changed. */
  problems: unknown[];
}

export interface SkillsState {
  schema: 1;
  /** The repository that the skills are of, by the id it gives itself. */
  repository?: string;
  /** git’s id of the file in which it does. */
  repositoryFile?: string;
  skills: InstalledSkill[];
  superseded: Superseded[];
  settled: SettledScope[];
}

const SCHEMA = 1;

function emptyState(): SkillsState {
  return { schema: SCHEMA, skills: [], superseded: [], settled: [] };
}

/**
 * What is installed on this machine. A damaged file counts as none, and is put aside when the next is written: what
 * stands on the disk is found again entry by entry. @throws ProblemError SKILLS_STATE_UNUSABLE for one that a newer version wrote
 */
export function readState(places: Places): SkillsState {
  let text: string;
  try {
    text = readFileSync(places.state, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return emptyState();
    throw unusable(places.state, error);
  }
  const value = parse(text);
  if (value && Number(value.schema) > SCHEMA) {
    const message = `${places.state} was written by a newer version of mcpctl`;
    throw new ProblemError(problem('SKILLS_STATE_UNUSABLE', message, { hint: 'Update mcpctl.' }));
  }
  return isWhole(value) ? value : emptyState();
}

/** What of a skill is read as text wherever it is used. */
const SKILL_TEXTS = ['id', 'name', 'scope', 'folder', 'path', 'live', 'digest', 'commit'];

/** Whether it has the form that a state has, as far as reading it takes for granted. */
function isWhole(value: unknown): value is SkillsState {
  const { schema, skills, superseded, settled } = (value ?? {}) as Record<string, unknown>;
  return (
    schema === SCHEMA &&
    areLike(skills, SKILL_TEXTS, ['files']) &&
    areLike(superseded, ['live', 'name', 'since'], ['files']) &&
    areLike(settled, ['folder', 'basis', 'at'], ['attached', 'hooks'])
  );
}

function areLike(list: unknown, texts: readonly string[], objects: readonly string[]): boolean {
  const isObject = (value: unknown) => typeof value === 'object' && value !== null;
  const isLike = (one: Record<string, unknown> | null) =>
    isObject(one) &&
    texts.every(name => typeof one?.[name] === 'string') &&
    objects.every(name => isObject(one?.[name]));
  return Array.isArray(list) && list.every(isLike);
}

/** Whether the file is there, but does not say what is installed. */
export function isDamaged({ state }: Places): boolean {
  return statsOf(state) !== undefined && !isWhole(parse(readFileSync(state, 'utf8')));
}

/** @throws ProblemError SKILLS_STATE_UNUSABLE */
export async function writeState(places: Places, state: SkillsState): Promise<void> {
  try {
    await ensurePrivateDir(places.home);
    if (isDamaged(places)) renameSync(places.state, `${places.state}.damaged`);
    await writeAtomic(places.state, `${JSON.stringify(state)}\n`);
  } catch (error) {
    throw unusable(places.state, error);
  }
}

/**
 * What is installed is also written beside each working copy: a sync that is killed between an entry and the state
 * leaves enough to go on from.
 */
export function recordFile(live: string): string {
  return `${live}.json`;
}

/** What was installed as a working copy, as is written beside it. */
export function readRecord(live: string): InstalledSkill | undefined {
  try {
    const value = parse(readFileSync(recordFile(live), 'utf8')) as unknown as InstalledSkill | undefined;
    return value?.live === live && areLike([value], SKILL_TEXTS, ['files']) ? value : undefined;
  } catch {
    return undefined;
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function unusable(file: string, cause: unknown): ProblemError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ProblemError(problem('SKILLS_STATE_UNUSABLE', `${file}: ${why}`), { cause });
}
