import { mkdirSync } from 'node:fs';
import { type Problem, problem } from '../../schema/index.ts';
import type { OfferedSkill } from './desired.ts';
import { lookAtEntry, pointEntry, removeEntry } from './entry.ts';
import type { Places } from './places.ts';
import type { Observed, SyncStep } from './plan.ts';
import type { InstalledSkill, SkillsState } from './state.ts';
import { putBundle, readManifest } from './store.ts';
import { discard, liveFolder, makeWorkingCopy } from './working-copy.ts';

/** What the steps of one sync work on. */
export interface Applying {
  places: Places;
  state: SkillsState;
  observed: ReadonlyMap<string, Observed>;
  offered: ReadonlyMap<string, OfferedSkill>;
  commit: string;
  release?: { name: string; signedBy: string } | undefined;
  now: number;
  /** Run before a skill is removed; whatever comes of it, the skill goes. */
  beforeRemoval(skill: InstalledSkill): Promise<Problem[]>;
}

/** What became of one step. */
export interface Applied {
  step: SyncStep;
  /** What stands at the entry now. */
  installed?: InstalledSkill;
  warnings: Problem[];
  error?: Problem;
}

/**
 * Carry out one step. Whatever goes wrong is the one skill’s problem, but for a full disk.
 * @throws Error ENOSPC, EDQUOT, EROFS: nothing more can be done then
 */
export async function applyStep(applying: Applying, step: SyncStep): Promise<Applied> {
  try {
    return await carryOut(applying, step);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EROFS') throw error;
    const hint = code === 'DAMAGED' ? { hint: 'It was taken out of the store; the next sync fetches it again.' } : {};
    const failed = problem('SKILL_WRITE_FAILED', `\`${step.id}\`: ${message}`, { ...hint, resource: step.id });
    return { step, warnings: [], error: failed };
  }
}

function carryOut(applying: Applying, step: SyncStep): Promise<Applied> {
  switch (step.op) {
    case 'install':
    case 'update':
      return place(applying, step);
    case 'restore':
      return restore(applying, step);
    case 'remove':
    case 'forget':
      return remove(applying, step);
    default:
      return Promise.resolve({ step, warnings: [], ...keepRecord(applying, step) });
  }
}

/** Make a working copy of what is wanted, and let the entry lead to it. */
async function place(applying: Applying, step: SyncStep): Promise<Applied> {
  const { places, state, observed, offered, now } = applying;
  const { desired, path } = step;
  const skill = offered.get(step.id);
  if (!desired || !skill) throw new Error('it is not offered');
  const { facts, fingerprint, id, name, scope } = skill;
  const origin = skill.origin ?? applying.release;
  const before = observed.get(path);
  const former = before?.gone ? undefined : before?.installed;
  const stored = readManifest(places, facts.digest);
  const files = stored ? [] : await skill.load();
  const manifest = stored ?? (await putBundle(places, facts.digest, files));
  mkdirSync(liveFolder(places, desired.folder), { recursive: true, mode: 0o700 });
  const bytes = new Map(files.map(file => [file.path, file.bytes]));
  const where = { clientFolder: desired.folder, name, digest: facts.digest, bytes };
  let installed: InstalledSkill | undefined;
  const copy = await makeWorkingCopy(places, where, manifest, former, ({ live, files: written, made }) => {
    const { digest, version, postInstall, postInstallTimeoutSec, preUninstall, hooks, mcpServers } = facts;
    installed = {
      ...{ id, name, scope, folder: desired.folder, path, live, digest, fingerprint },
      ...(version !== undefined && { version }),
      ...(origin && { release: origin.name, signedBy: origin.signedBy }),
      commit: skill.origin?.commit ?? applying.commit,
      files: written,
      ...(Object.keys(made).length > 0 && { made }),
      ...(postInstall !== undefined && { postInstall }),
      ...(postInstallTimeoutSec !== undefined && { postInstallTimeoutSec }),
      ...(preUninstall !== undefined && { preUninstall }),
      ...(former?.postInstallHash !== undefined && { postInstallHash: former.postInstallHash }),
      ...(hooks && { hooks }),
      ...(mcpServers && { mcpServers }),
      lastSynced: new Date(now).toISOString(),
    };
    return installed;
  });
  // What was seen at the entry may be some time ago.
  const entry = lookAtEntry(places, path);
  if (entry.kind === 'foreign') throw new Error(`${entry.what} stands at ${path} by now`);
  pointEntry(path, copy.live, entry);
  const warnings: Problem[] = [];
  if (former) warnings.push(...(await retire(applying, step, former, copy.taken)));
  if (entry.kind === 'ours' && entry.live !== former?.live && entry.live !== copy.live) {
    // Nothing is known of it: all that is in it counts as the user’s.
    const unknown = { live: entry.live, name, files: {} };
    warnings.push(...kept(step.id, await discard(places, unknown, now)));
  }
  state.skills = state.skills.filter(one => one.path !== path);
  if (installed) state.skills.push(installed);
  return { step, warnings, ...(installed && { installed }) };
}

/** A copy that was edited is kept for the user; another one stays a while for the sessions that read it. */
async function retire(
  { places, state, observed, now }: Applying,
  step: SyncStep,
  { live, name, files }: InstalledSkill,
  taken: Record<string, string>,
): Promise<Problem[]> {
  const copy = { live, name, files, made: taken };
  if (observed.get(step.path)?.edited) return kept(step.id, await discard(places, copy, now));
  state.superseded.push({ ...copy, since: new Date(now).toISOString() });
  return [];
}

async function restore(applying: Applying, step: SyncStep): Promise<Applied> {
  const { places, observed } = applying;
  const before = observed.get(step.path);
  if (before?.edited || !before?.installed) return place(applying, step);
  const entry = lookAtEntry(places, step.path);
  if (entry.kind === 'foreign') throw new Error(`${entry.what} stands at ${step.path} by now`);
  pointEntry(step.path, before.installed.live, entry);
  return { step, warnings: [], ...keepRecord(applying, step) };
}

async function remove(applying: Applying, step: SyncStep): Promise<Applied> {
  const { places, state, observed, now } = applying;
  const installed = observed.get(step.path)?.installed;
  const warnings = installed && step.op === 'remove' ? await applying.beforeRemoval(installed) : [];
  removeEntry(places, step.path);
  const where = installed ? await discard(places, installed, now) : undefined;
  state.skills = state.skills.filter(one => one.path !== step.path);
  return { step, warnings: [...warnings, ...kept(step.id, where)] };
}

/** What was found again without the state is remembered from now on. */
function keepRecord({ state, observed }: Applying, { path }: SyncStep): { installed?: InstalledSkill } {
  const installed = observed.get(path)?.installed;
  if (!installed) return {};
  state.skills = [...state.skills.filter(one => one.path !== path), installed];
  return { installed };
}

export function kept(id: string, where: string | undefined): Problem[] {
  if (where === undefined) return [];
  return [problem('SKILL_KEPT', `what is not the release’s of \`${id}\` is in ${where}`, { resource: id })];
}
