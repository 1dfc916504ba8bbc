import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock, ensurePrivateDir } from '../../host/index.ts';
import type { RemoteRef } from '../../repo/index.ts';
import { type Problem, ProblemError, problem } from '../../schema/index.ts';
import { type Applied, applyStep, kept } from './apply.ts';
import { type ClientFolder, clientFolders, readSkillsConfig, type SkillsConfig, writeSkillsConfig } from './config.ts';
import { chooseContent, patterns, trustLook } from './content.ts';
import { type Offer, readOffer } from './desired.ts';
import { applyHookFiles, type HooksOutcome, hooksAreAsLeft } from './hooks/apply-hooks.ts';
import type { HookEntry } from './hooks/settings.ts';
import { settingsFile, wantedHooks } from './hooks/wanted-hooks.ts';
import { observe } from './observe.ts';
import { type Places, placesIn } from './places.ts';
import { type DesiredSkill, type Observed, planSync, type SyncStep } from './plan.ts';
import { type ProjectHere, projectHere } from './project.ts';
import { emptyReport, type SyncOutcome, type SyncReport } from './report.ts';
import { runScript } from './scripts/run-script.ts';
import { failed, isPending, runPostInstalls } from './scripts/scripts.ts';
import { attachedServers } from './servers.ts';
import { openSkillsSource, type Source } from './source.ts';
import { type InstalledSkill, readState, type SettledScope, type SkillsState, writeState } from './state.ts';
import { tidyStore } from './store.ts';
import { discard, isOutdated, tidyLive } from './working-copy.ts';

export interface SyncRequest {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** mcpctl’s home. */
  home: string;
  signal: AbortSignal;
  /** Overrides of what this machine was told; `from` and what belongs to it are remembered. */
  config: Partial<SkillsConfig>;
  project?: string;
  dryRun?: boolean;
  force?: boolean;
  keepOrphans?: boolean;
  skipPostInstall?: boolean;
  sandbox?: boolean;
  now?: number;
}

/** Into which folders what goes. */
interface Scopes {
  project: ProjectHere | undefined;
  global: ClientFolder[];
  own: ClientFolder[];
}

const LOCK_WAIT_MS = 30_000;
const LOCK_PAUSE_MS = 50;

/**
 * Bring the skills on this disk to what the repository has. What concerns one skill is in the report; what concerns
 * all of them is thrown, and nothing was changed then.
 * @throws ProblemError
 */
export async function syncSkills(request: SyncRequest): Promise<SyncOutcome> {
  const { env, cwd, home, signal } = request;
  const places = placesIn(home);
  const config: SkillsConfig = { ...readSkillsConfig(places), ...request.config };
  const source = openSkillsSource(places, config, { env, cwd });
  try {
    // The longest wait comes first.
    const asked = source.copy.ask(patterns(source, home), signal);
    asked.catch(() => undefined);
    const project = projectHere(cwd, request.project);
    const scopes: Scopes = {
      project,
      global: clientFolders(env, config.targets, undefined),
      own: project ? clientFolders(env, config.targets, project.folder) : [],
    };
    refuseSameFolder(scopes);
    const state = readState(places);
    const plain = !request.force && !request.dryRun && !request.keepOrphans && Object.keys(request.config).length === 0;
    const local = plain && isAsLeft(places, state, scopes);
    const refs = await asked;
    const settled = settledOf(state, scopes);
    if (local && settled?.basis === basisOf(config, scopes, refs, home)) return unchanged(state, scopes, settled);
    return await underLock(places, signal, () => work(request, places, config, source, scopes, refs));
  } finally {
    source.copy.close();
  }
}

/** Nothing on the disk differs from what the last sync left. */
function isAsLeft(places: Places, state: SkillsState, scopes: Scopes): boolean {
  const known = within(state, scopes);
  const observed = observe(places, [], known);
  if (!hooksAreAsLeft(places, [...settingsFiles(scopes).keys()])) return false;
  return [...observed.values()].every(
    ({ entry, edited, gone, installed }) => !edited && !gone && entry.kind === 'ours' && entry.live === installed?.live,
  );
}

function unchanged(state: SkillsState, scopes: Scopes, settled: SettledScope): SyncOutcome {
  const report = emptyReport();
  report.skipped = within(state, scopes).map(({ id }) => id);
  report.mcpServersAttached = settled.attached;
  report.hooksApplied = settled.hooks;
  report.postInstallsSkipped = within(state, scopes).flatMap(({ id, postInstall }) =>
    postInstall === undefined ? [] : [id],
  );
  return { report, warnings: settled.warnings as Problem[], changed: false, at: settled.at };
}

async function work(
  request: SyncRequest,
  places: Places,
  config: SkillsConfig,
  source: Source,
  scopes: Scopes,
  refs: readonly RemoteRef[],
): Promise<SyncOutcome> {
  const { signal, dryRun = false, force = false, keepOrphans = false, now = Date.now() } = request;
  const state = readState(places);
  const content = await chooseContent(source, config, { env: request.env, home: places.home, refs, now, signal });
  const { commit, manifest, release } = content;
  const { path } = source;
  const project = scopes.project?.name;
  const offer = await readOffer(source.copy, { commit, path, project, known: state.skills, manifest, signal });
  const at = release?.name ?? commit.slice(0, 7);
  refuseOther(state, offer, request.config.from !== undefined);

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
  report.errors.push(...offer.refused.values());
  if (dryRun) {
    for (const step of steps) count(report, step);
    return { report, warnings: [...warnings, ...steps.flatMap(preserved)], changed: false, at };
  }

  const offered = new Map(offer.skills.map(skill => [skill.id, skill]));
  await content.accept();
  const scripts = {
    ...{ places, env: request.env, project, signal },
    sandbox: request.sandbox === true,
    skip: request.skipPostInstall === true,
  };
  const beforeRemoval = async (skill: InstalledSkill): Promise<Problem[]> => {
    if (skill.preUninstall === undefined || scripts.skip) return [];
    const result = await runScript({ ...scripts, skill, kind: 'preUninstall' });
    if (result.trouble !== undefined) report.errors.push(failed(skill, 'preUninstall', result));
    return [];
  };
  const applying = { places, state, observed, offered, commit, release, now, beforeRemoval };
  const all: Applied[] = [];
  try {
    for (const step of steps) {
      signal.throwIfAborted();
      const applied = await applyStep(applying, step);
      all.push(applied);
      if (applied.error) report.errors.push(applied.error);
      else count(report, step);
      warnings.push(...preserved(step), ...applied.warnings);
    }
    const hooks = await placeHooks(places, state, scopes, config);
    report.hooksApplied = hooks.applied;
    warnings.push(...hooks.warnings, ...(await tidy(places, state, now)));
    state.repository = offer.repository;
    const mine = within(state, scopes);
    // A script may take its time, or take this process down.
    if (mine.some(isPending)) await writeState(places, state);
    const ran = await runPostInstalls(mine, scripts);
    report.postInstallsRan = ran.ran;
    report.postInstallsSkipped = ran.skipped;
    report.errors.push(...ran.errors);
    const whole = !keepOrphans && report.errors.length === 0 && !mine.some(isPending);
    settle(state, scopes, whole, {
      basis: basisOf(config, scopes, refs, places.home),
      at,
      attached,
      hooks: hooks.applied,
      warnings: warnings.filter(({ code }) => code !== 'SKILL_KEPT'),
    });
  } finally {
    // Also what was done before a full disk or an impatient person is remembered.
    await writeState(places, state);
  }
  if (Object.keys(request.config).length > 0) await writeSkillsConfig(places, config);
  const changed = [report.installed, report.updated, report.removed].some(list => list.length > 0);
  return { report, warnings, changed, at };
}

/** Settings files that hooks of skills stand in, with the folder of skills that each belongs to: Claude Code’s only. */
function settingsFiles({ global, own }: Scopes): Map<string, string> {
  const files = (folders: readonly ClientFolder[], isProject: boolean) =>
    folders
      .filter(({ target }) => target === 'claude')
      .map(({ folder }) => [settingsFile(folder, isProject), folder] as const);
  return new Map([...files(global, false), ...files(own, true)]);
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
  return { applied: outcome.applied, warnings: [...warnings, ...outcome.warnings] };
}

/** A project’s folder must not be the global one: the two would remove each other’s skills. */
function refuseSameFolder({ global, own, project }: Scopes): void {
  const same = own.find(({ folder }) => global.some(other => other.folder === folder))?.folder;
  if (same === undefined) return;
  const hint = 'Put `.mcpctl-project` into the project’s own folder.';
  const message = `the project \`${project?.name}\` and the global skills would both be in ${same}`;
  throw new ProblemError(problem('USAGE', message, { hint }));
}

function refuseOther(state: SkillsState, { repository }: Offer, chosen: boolean): void {
  if (chosen || state.repository === undefined || state.repository === repository) return;
  const message = `the repository is \`${repository}\` now, and was \`${state.repository}\``;
  const hint = 'If that is meant, say so once: `mcpctl skills sync --from REPO`.';
  throw new ProblemError(problem('REPOSITORY_OTHER', message, { hint }));
}

function within({ skills }: SkillsState, { global, own }: Scopes): InstalledSkill[] {
  const folders = new Set([...global, ...own].map(({ folder }) => folder));
  return skills.filter(({ folder }) => folders.has(folder));
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
  settled: Pick<SettledScope, 'basis' | 'at' | 'attached' | 'hooks' | 'warnings'>,
): void {
  const folder = project?.folder ?? '';
  state.settled = state.settled.filter(one => one.folder !== folder);
  if (!done) return;
  state.settled.push({ folder, ...(project && { project: project.name }), ...settled });
}

function settledOf({ settled }: SkillsState, { project }: Scopes): SettledScope | undefined {
  return settled.find(({ folder }) => folder === (project?.folder ?? ''));
}

function basisOf(
  { from, ref, path, trust, pin, hookMarkers }: SkillsConfig,
  { project, global, own }: Scopes,
  refs: readonly RemoteRef[],
  home: string,
): string {
  const where = [from, ref, path, trust, pin, hookMarkers, project?.name, trustLook(home)];
  const what = [...global, ...own, ...refs];
  return createHash('sha256')
    .update(JSON.stringify([where, what]))
    .digest('hex');
}

/** One sync at a time on a machine; the others wait. @throws ProblemError SKILLS_BUSY, SKILLS_STATE_UNUSABLE */
async function underLock<T>(places: Places, signal: AbortSignal, use: () => Promise<T>): Promise<T> {
  const release = await takeLock(places, signal);
  try {
    return await use();
  } finally {
    release();
  }
}

async function takeLock(places: Places, signal: AbortSignal): Promise<() => void> {
  const deadline = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    signal.throwIfAborted();
    let release: (() => void) | undefined;
    try {
      await ensurePrivateDir(places.home);
      release = acquireLock(places.lock);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ProblemError(problem('SKILLS_STATE_UNUSABLE', `${places.lock}: ${why}`), { cause });
    }
    if (release) return release;
    if (performance.now() > deadline) throw new ProblemError(problem('SKILLS_BUSY', 'another sync is under way'));
    await sleep(LOCK_PAUSE_MS);
  }
}
