import type { OfferedSkill } from './desired.ts';
import type { Observed, SyncStep } from './plan.ts';
import type { SyncReport } from './report.ts';

/** What stands at an entry after a sync, as far as it makes something run. */
interface Standing {
  id: string;
  hooks: readonly string[];
  script: { sha256: string | undefined; last: string | undefined } | undefined;
}

/**
 * What would run if these steps were taken: scripts now, hooks later. A script whose bytes ran before would not.
 * @param isHooked whether hooks of skills at an entry are applied: only one client has such
 */
export async function rehearse(
  steps: readonly SyncStep[],
  offered: ReadonlyMap<string, OfferedSkill>,
  observed: ReadonlyMap<string, Observed>,
  { skip, isHooked }: { skip: boolean; isHooked(path: string): boolean },
): Promise<Pick<SyncReport, 'postInstallsRan' | 'postInstallsSkipped' | 'hooksApplied'>> {
  const ran: string[] = [];
  const skipped: string[] = [];
  const hooks: string[] = [];
  for (const step of steps) {
    const standing = await standingAfter(step, offered.get(step.id), observed.get(step.path));
    if (!standing) continue;
    const { id, script } = standing;
    if (isHooked(step.path)) hooks.push(...standing.hooks.map(event => `${id} ${event}`));
    if (script) (skip || (script.sha256 !== undefined && script.sha256 === script.last) ? skipped : ran).push(id);
  }
  return { postInstallsRan: ran, postInstallsSkipped: skipped, hooksApplied: hooks };
}

async function standingAfter(
  { op, id }: SyncStep,
  offered: OfferedSkill | undefined,
  observed: Observed | undefined,
): Promise<Standing | undefined> {
  const { installed } = observed ?? {};
  const last = installed?.postInstallHash;
  if (op === 'remove' || op === 'forget') return undefined;
  if (op === 'install' || op === 'update') {
    if (!offered) return undefined;
    const { hooks = {}, postInstall } = offered.facts;
    const files = postInstall === undefined ? [] : await offered.load();
    const sha256 = files.find(({ path }) => path === postInstall)?.sha256;
    return { id, hooks: Object.keys(hooks), script: postInstall === undefined ? undefined : { sha256, last } };
  }
  if (!installed) return undefined;
  const { hooks = {}, postInstall, files } = installed;
  const script = postInstall === undefined ? undefined : { sha256: files[postInstall]?.sha256, last };
  return { id, hooks: Object.keys(hooks), script };
}
