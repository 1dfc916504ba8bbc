import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ThinCopy } from '../../repo/index.ts';
import { type MachineEvent, type Problem, ProblemError, problem } from '../../schema/index.ts';
import { applyStep, kept } from './apply.ts';
import { type SkillsConfig, writeSkillsConfig } from './config.ts';
import { chooseContent } from './content.ts';
import { type Offer, readOffer } from './desired.ts';
import { foundAgain } from './found-again.ts';
import { applyHookFiles, type HooksOutcome } from './hooks/apply-hooks.ts';
import type { HookEntry } from './hooks/settings.ts';
import { wantedHooks } from './hooks/wanted-hooks.ts';
import { underLock } from './lock.ts';
import { observe } from './observe.ts';
import { eventOf, postEvents } from './outbox.ts';
import type { Places } from './places.ts';
import { type DesiredSkill, type Observed, planSync, type SyncStep } from './plan.ts';
import { emptyReport, type SyncOutcome, type SyncReport } from './report.ts';
import { basisOf, type Scopes, settingsFiles, within } from './scopes.ts';
import { runScript } from './scripts/run-script.ts';
import { failed, isPending, runPostInstalls } from './scripts/scripts.ts';
import { attachedServers } from './servers.ts';
import { type InstalledSkill, readState, type SettledScope, type SkillsState, writeState } from './state.ts';
import { pristineFiles, tidyStore } from './store.ts';
import type { SyncTask } from './sync.ts';
import { discard, isOutdated, tidyLive } from './working-copy.ts';

/** Do what a sync has to do, with the machine’s lock held. @throws ProblemError; nothing was changed then */
export function carryOut(task: SyncTask): Promise<SyncOutcome> {
  return underLock(task.places, task.request.signal, async () => {
    const copy = await task.asked.open();
    try {
      return await work(task, copy);
    } finally {
      await copy.close();
    }
  });
}

async function work(task: SyncTask, copy: ThinCopy): Promise<SyncOutcome> {
  const { request, places, config, source, scopes, asked } = task;
  const { refs, path } = asked;
  const { signal, dryRun = false, force = false, keepOrphans = false, now = Date.now() } = request;
  const state = readState(places);
  // Lost: whichever folders skills are in, this sync is the one that remembers them.
  if (state.skills.length === 0) state.skills = foundAgain(places, state);
  const choosing = chooseContent({ ...source, path }, config, { copy, home: places.home, refs, now, signal });
  choosing.catch(() => undefined);
  // What parses takes as long to load as the remote to answer: one turn, and it is asked.
  await nextTurn();
  await import('./parse-contents.ts');
  const content = await choosing;
  const { commit, manifest, release } = content;
  const project = scopes.project?.name;
  const { repository: id, repositoryFile: oid } = state;
  const repository = id !== undefined && oid !== undefined ? { id, oid } : undefined;
  const pristine = (skill: InstalledSkill) => pristineFiles(places, skill.digest);
  const offer = await readOffer(copy, {
    commit,
    path,
    project,
    known: state.skills,
    repository,
    pristine,
    manifest,
    signal,
  });
  const heldBack = await heldBackIn(offer, copy, content.terms, state.skills);
  const at = release?.name ?? commit.slice(0, 7);
  refuseOther(state, offer, request.config.from !== undefined || request.config.gateway !== undefined);

  const desired = desiredFrom(offer, scopes);
  const observed = observe(
    places,
    desired.map(({ path }) => path),
    within(state, scopes),
  );
  const steps = planSync(desired, withoutRefused(observed, offer), { force, keepOrphans });
  const { attached, warnings } = attachedServers(offer);
  warnings.push(...content.warnings);
  const report = emptyReport();
  report.mcpServersAttached = attached;
  report.errors.push(...offer.refused.values(), ...heldBack);
  const offered = new Map(offer.skills.map(skill => [skill.id, skill]));
  if (dryRun) {
    for (const step of steps) count(report, step);
    const hooked = new Set(settingsFiles(scopes).values());
    const { rehearse } = await import('./rehearse.ts');
    const terms = { skip: request.skipPostInstall === true, isHooked: (at: string) => hooked.has(dirname(at)) };
    Object.assign(report, await rehearse(steps, offered, observed, terms));
    return { report, warnings: [...warnings, ...steps.flatMap(preserved)], changed: false, at };
  }

  await content.accept();
  const events: MachineEvent[] = [];
  const scripts = {
    ...{ places, env: request.env, project, signal },
    sandbox: request.sandbox === true,
    skip: request.skipPostInstall === true,
  };
  const beforeRemoval = async (skill: InstalledSkill): Promise<Problem[]> => {
    if (skill.preUninstall === undefined || scripts.skip) return [];
    const result = await runScript({ ...scripts, skill, kind: 'preUninstall' });
    events.push(eventOf(skill, 'preUninstall', now, result));
    if (result.trouble !== undefined) report.errors.push(failed(skill, 'preUninstall', result));
    return [];
  };
  const applying = { places, state, observed, offered, commit, release, now, beforeRemoval };
  try {
    for (const step of steps) {
      signal.throwIfAborted();
      const applied = await applyStep(applying, step);
      if (applied.error) report.errors.push(applied.error);
      else {
        count(report, step);
        events.push(...stepEvents(step, applied.installed ?? observed.get(step.path)?.installed, now));
      }
      warnings.push(...preserved(step), ...applied.warnings);
    }
    const hooks = await placeHooks(places, state, scopes, config);
    report.hooksApplied = hooks.applied;
    warnings.push(...hooks.warnings, ...(await tidy(places, state, now)));
    state.repository = offer.repository.id;
    state.repositoryFile = offer.repository.oid;
    const mine = within(state, scopes);
    // A script may take its time, or take this process down.
    if (mine.some(isPending)) await writeState(places, state);
    const ran = await runPostInstalls(mine, scripts);
    report.postInstallsRan = ran.ran;
    report.postInstallsSkipped = ran.skipped;
    report.errors.push(...ran.errors);
    for (const { skill, kind, result } of ran.results) events.push(eventOf(skill, kind, now, result));
    const nothingFailed = report.errors.every(error => heldBack.includes(error));
    // What was left alone may be gone by the next sync, which then has to look, and to do what this one did not.
    const nothingLeft = report.preserved.length === 0 && !hooks.left;
    const whole = !keepOrphans && nothingFailed && nothingLeft && !mine.some(isPending);
    settle(state, scopes, whole, {
      basis: basisOf(config, scopes, refs, places.home),
      at,
      attached,
      hooks: hooks.applied,
      problems: [...heldBack, ...warnings.filter(({ code }) => code !== 'SKILL_KEPT')],
    });
  } finally {
    postEvents(places, request.env, events);
    // Also what was done before a full disk or an impatient person is remembered.
    await writeState(places, state);
  }
  if (Object.keys(request.config).length > 0) await writeSkillsConfig(places, config);
  const changed = [report.installed, report.updated, report.removed].some(list => list.length > 0);
  return { report, warnings, changed, at };
}

/** See `holdBack`; most take every skill as it is. */
async function heldBackIn(...given: Parameters<typeof import('./held-back.ts').holdBack>): Promise<Problem[]> {
  const ranges = given[0].project?.spec.versions?.skills ?? {};
  return Object.keys(ranges).length === 0 ? [] : (await import('./held-back.ts')).holdBack(...given);
}

async function placeHooks(
  places: Places,
  state: SkillsState,
  scopes: Scopes,
  { hookMarkers }: SkillsConfig,
): Promise<HooksOutcome> {
  const wanted = new Map<string, readonly HookEntry[]>();
  const warnings: Problem[] = [];
  for (const [file, folder] of settingsFiles(scopes)) {
    const hooks = wantedHooks(
      state.skills.filter(skill => skill.folder === folder),
      hookMarkers,
    );
    wanted.set(file, hooks.entries);
    warnings.push(...hooks.warnings);
  }
  const outcome = await applyHookFiles(places, wanted);
  return { ...outcome, warnings: [...warnings, ...outcome.warnings] };
}

function refuseOther(state: SkillsState, { repository }: Offer, chosen: boolean): void {
  if (chosen || state.repository === undefined || state.repository === repository.id) return;
  const message = `the repository is \`${repository.id}\` now, and was \`${state.repository}\``;
  const hint = 'If that is meant, say so once: `mcpctl skills sync --from REPO`.';
  throw new ProblemError(problem('REPOSITORY_OTHER', message, { hint }));
}

function desiredFrom(offer: Offer, { global, own }: Scopes): DesiredSkill[] {
  return offer.skills.flatMap(({ id, name, scope, facts }) =>
    (scope === 'global' ? global : own).map(({ folder }) => ({
      ...{ id, name, scope, folder, path: join(folder, name) },
      digest: facts.digest,
    })),
  );
}

/** A skill that is there but cannot be installed is not an orphan. */
function withoutRefused(observed: ReadonlyMap<string, Observed>, { refused }: Offer): Map<string, Observed> {
  return new Map([...observed].filter(([, { installed }]) => !installed || !refused.has(installed.id)));
}

function stepEvents({ op }: SyncStep, skill: InstalledSkill | undefined, now: number): MachineEvent[] {
  const actions = { install: 'install', update: 'update', restore: 'update', remove: 'remove' } as const;
  const action = op in actions ? actions[op as keyof typeof actions] : undefined;
  return action && skill ? [eventOf(skill, action, now)] : [];
}

function count(report: SyncReport, { op, id }: SyncStep): void {
  if (op === 'install') report.installed.push(id);
  else if (op === 'update' || op === 'restore') report.updated.push(id);
  else if (op === 'skip') report.skipped.push(id);
  else if (op === 'preserve') report.preserved.push(id);
  else report.removed.push(id);
}

function preserved({ op, id, path, because }: SyncStep): Problem[] {
  if (op !== 'preserve') return [];
  const code = because.includes('edited') ? 'SKILL_EDITED' : 'SKILL_FOREIGN';
  return [problem(code, `\`${id}\` was left as it is in ${path}: ${because}`, { resource: id })];
}

/** What a killed sync left, and working copies that no session reads any more. */
async function tidy(places: Places, state: SkillsState, now: number): Promise<Problem[]> {
  const warnings: Problem[] = [];
  const known = new Set([...state.skills, ...state.superseded].map(({ live }) => live));
  const leftovers = await tidyLive(places, known, now);
  warnings.push(...leftovers.kept.flatMap(where => kept('a skill that was being replaced', where)));
  const since = new Date(now).toISOString();
  for (const { live, name, files } of leftovers.lost) state.superseded.push({ live, name, files, since });
  for (const copy of state.superseded.filter(one => isOutdated(one, now))) {
    warnings.push(...kept(copy.name, await discard(places, copy, now)));
    state.superseded = state.superseded.filter(one => one !== copy);
  }
  await tidyStore(places, new Set(state.skills.map(({ digest }) => digest)), now);
  return warnings;
}

/** Remember that all is as the repository wants it, where it is: the next sync that finds the same needs not look. */
function settle(
  state: SkillsState,
  { project }: Scopes,
  done: boolean,
  settled: Pick<SettledScope, 'basis' | 'at' | 'attached' | 'hooks' | 'problems'>,
): void {
  const folder = project?.folder ?? '';
  state.settled = state.settled.filter(one => one.folder !== folder);
  if (!done) return;
  state.settled.push({ folder, ...(project && { project: project.name }), ...settled });
}
