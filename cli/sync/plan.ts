import type { Entry } from './entry.ts';
import type { InstalledSkill } from './state.ts';

/** A skill that belongs into a client’s folder. */
export interface DesiredSkill {
  id: string;
  name: string;
  scope: string;
  folder: string;
  path: string;
  digest: string;
}

/** What is found at one entry, and remembered of it. */
export interface Observed {
  installed: InstalledSkill | undefined;
  entry: Entry;
  /** The working copy differs from what was installed. */
  edited: boolean;
  /** The working copy is not there any more. */
  gone: boolean;
}

export type StepKind = 'install' | 'update' | 'restore' | 'skip' | 'remove' | 'preserve' | 'forget';

/** What one sync does to one entry, and why. */
export interface SyncStep {
  op: StepKind;
  id: string;
  name: string;
  path: string;
  because: string;
  desired?: DesiredSkill;
}

export interface PlanOptions {
  force: boolean;
  keepOrphans: boolean;
}

/** What a sync does, entry by entry, in the order of their paths. Pure. */
export function planSync(
  desired: readonly DesiredSkill[],
  observed: ReadonlyMap<string, Observed>,
  options: PlanOptions,
): SyncStep[] {
  const steps = desired.map(skill => stepFor(skill, observed.get(skill.path), options));
  const wanted = new Set(desired.map(({ path }) => path));
  for (const [path, one] of observed) {
    if (!wanted.has(path) && one.installed) steps.push(orphanStep(one.installed, one, options));
  }
  return steps.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

function stepFor(desired: DesiredSkill, observed: Observed | undefined, { force }: PlanOptions): SyncStep {
  const { id, name, path } = desired;
  const step = (op: StepKind, because: string): SyncStep => ({ op, id, name, path, because, desired });
  const { entry, installed, edited, gone } = observed ?? none;
  if (entry.kind === 'foreign') return step('preserve', `${entry.what} stands there that mcpctl did not put there`);
  if (!installed || gone) return step('install', installed ? 'its working copy is gone' : 'it is new');
  if (edited && !force) return step('preserve', 'it was edited here');
  if (installed.digest !== desired.digest || installed.id !== id) return step('update', 'it changed in the repository');
  if (edited) return step('restore', 'it was edited here, and --force puts the release back');
  if (entry.kind === 'absent') return step('restore', 'its entry is gone');
  return step('skip', 'it is up to date');
}

function orphanStep(installed: InstalledSkill, observed: Observed, { force, keepOrphans }: PlanOptions): SyncStep {
  const { id, name, path } = installed;
  const step = (op: StepKind, because: string): SyncStep => ({ op, id, name, path, because });
  if (keepOrphans) return step('skip', 'it is not wanted any more, and --keep-orphans keeps it');
  // Whatever stands there now is somebody else’s; only what is remembered goes.
  if (observed.entry.kind === 'foreign') return step('forget', 'something else stands there now');
  if (observed.edited && !force) return step('preserve', 'it is not wanted any more, but was edited here');
  return step('remove', 'it is not wanted any more');
}

const none: Observed = { installed: undefined, entry: { kind: 'absent' }, edited: false, gone: false };
