import type { Problem } from '../../schema/index.ts';
import type { SkillsConfig } from './config.ts';
import { hooksAreAsLeft } from './hooks/ledger.ts';
import { observe } from './observe.ts';
import type { Places } from './places.ts';
import { emptyReport, type SyncOutcome } from './report.ts';
import { type Scopes, scopesOf, settingsFiles, settledOf, within } from './scopes.ts';
import { readState, type SettledScope, type SkillsState } from './state.ts';
import type { SyncRequest } from './sync.ts';

export { basisOf } from './scopes.ts';

/** This machine, as far as it decides whether a sync has anything to do. */
export interface Here {
  scopes: Scopes;
  state: SkillsState;
  /** What the last sync settled, where nothing differs from what it left; else undefined. */
  settled: SettledScope | undefined;
}

/** Look at this machine's disk. @throws ProblemError SKILLS_PROJECT_UNKNOWN, SKILLS_STATE_UNUSABLE, USAGE */
export function lookHere(request: SyncRequest, config: SkillsConfig, places: Places): Here {
  const scopes = scopesOf(request, config, request.project);
  const state = readState(places);
  const settled = settledOf(state, scopes);
  return { scopes, state, settled: settled && isAsLeft(places, state, scopes) ? settled : undefined };
}

/** Nothing on the disk differs from what the last sync left. */
function isAsLeft(places: Places, state: SkillsState, scopes: Scopes): boolean {
  if (!hooksAreAsLeft(places, [...settingsFiles(scopes).keys()])) return false;
  return [...observe(places, [], within(state, scopes)).values()].every(
    ({ entry, edited, gone, installed }) => !edited && !gone && entry.kind === 'ours' && entry.live === installed?.live,
  );
}

/** What a sync reports that found nothing to do. */
export function unchanged({ state, scopes }: Here, settled: SettledScope): SyncOutcome {
  const report = emptyReport();
  const mine = within(state, scopes);
  report.skipped = mine.map(({ id }) => id);
  report.mcpServersAttached = settled.attached;
  report.hooksApplied = settled.hooks;
  report.postInstallsSkipped = mine.flatMap(({ id, postInstall }) => (postInstall === undefined ? [] : [id]));
  const problems = (settled.problems ?? []) as Problem[];
  report.errors = problems.filter(({ severity }) => severity === 'error');
  const warnings = problems.filter(({ severity }) => severity !== 'error');
  return { report, warnings, changed: false, at: settled.at };
}
