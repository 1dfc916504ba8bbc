import { existsSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { acquireLock, ensurePrivateDir } from '../../host/index.ts';
import { type Problem, ProblemError, problem } from '../../schema/index.ts';
import { writeChecked } from './checked.ts';
import { readSkillsConfig, type SkillsConfig } from './config.ts';
import { hooksAreAsLeft } from './hooks/ledger.ts';
import { observe } from './observe.ts';
import { type Places, placesIn } from './places.ts';
import { emptyReport, type SyncOutcome } from './report.ts';
import { basisOf, patterns, type Scopes, scopesOf, settingsFiles, settledOf, within } from './scopes.ts';
import { type Asked, openSkillsSource, type Source } from './source.ts';
import { readState, type SettledScope, type SkillsState } from './state.ts';

export interface SyncRequest {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** mcpctl’s home. */
  home: string;
  signal: AbortSignal;
  /** Overrides of what this machine was told; they are remembered. */
  config: Partial<SkillsConfig>;
  project?: string;
  dryRun?: boolean;
  force?: boolean;
  keepOrphans?: boolean;
  skipPostInstall?: boolean;
  sandbox?: boolean;
  now?: number;
}

/** What a sync is about, once the remote has answered. */
export interface SyncTask {
  request: SyncRequest;
  places: Places;
  config: SkillsConfig;
  source: Source;
  scopes: Scopes;
  asked: Asked;
}

const LOCK_WAIT_MS = 30_000;
const LOCK_PAUSE_MS = 50;

/** Milliseconds since the process began; the usual clock is loaded with a dozen of Node’s modules when it is first read. */
const ticks = () => process.uptime() * 1000;

/**
 * Bring the skills on this disk to what the repository has. What concerns one skill is in the report; what concerns
 * all of them is thrown, and nothing was changed then. When there is nothing to do, nothing more is loaded than it
 * takes to see that.
 * @throws ProblemError
 */
export async function syncSkills(request: SyncRequest): Promise<SyncOutcome> {
  const { env, cwd, home, signal, now = Date.now() } = request;
  const places = placesIn(home);
  const config = chosenConfig(readSkillsConfig(places), request.config);
  const source = openSkillsSource(places, config, { env, cwd });
  // The longest wait comes first.
  const started = ticks();
  const asking = source.ask(patterns(source, home), signal);
  asking.catch(() => undefined);
  // One turn to connect, one to send: what is looked at here must not keep the remote from thinking.
  await nextTurn();
  await nextTurn();
  const scopes = scopesOf(request, config, request.project);
  const state = readState(places);
  const plain = !request.force && !request.dryRun && !request.keepOrphans && Object.keys(request.config).length === 0;
  const settled = settledOf(state, scopes);
  const local = plain && settled !== undefined && isAsLeft(places, state, scopes);
  // What is going to be needed is loaded while the remote thinks.
  const loading = local ? undefined : import('./carry-out.ts');
  loading?.catch(() => undefined);
  const asked = await asking;
  // A start and the rest of a session’s sync take their part of the budget, too.
  const slow = ticks() - started > config.budgetMs / 2;
  const same = local && settled.basis === basisOf(config, scopes, asked.refs, home);
  if (same) await sendQueued(places, env);
  const done = same
    ? unchanged(state, scopes, settled)
    : await underLock(places, signal, async () => {
        const { carryOut } = await (loading ?? import('./carry-out.ts'));
        return carryOut({ request, places, config, source, scopes, asked });
      });
  if (!request.dryRun) writeChecked(places, { asked: scopes.project?.folder ?? '', now, slow });
  return done;
}

/** What the gateway was not told because it was away. */
async function sendQueued(places: Places, env: SyncRequest['env']): Promise<void> {
  if (!existsSync(places.outbox) && !existsSync(places.sending)) return;
  const { postEvents } = await import('./outbox.ts');
  postEvents(places, env, []);
}

/** Of a repository and a gateway the one that was named last counts. */
function chosenConfig(known: SkillsConfig, chosen: Partial<SkillsConfig>): SkillsConfig {
  const { from, gateway, ...rest } = { ...known, ...chosen };
  if (chosen.from !== undefined || gateway === undefined) return { ...rest, ...(from !== undefined && { from }) };
  return { ...rest, gateway };
}

/** Nothing on the disk differs from what the last sync left. */
function isAsLeft(places: Places, state: SkillsState, scopes: Scopes): boolean {
  if (!hooksAreAsLeft(places, [...settingsFiles(scopes).keys()])) return false;
  return [...observe(places, [], within(state, scopes)).values()].every(
    ({ entry, edited, gone, installed }) => !edited && !gone && entry.kind === 'ours' && entry.live === installed?.live,
  );
}

function unchanged(state: SkillsState, scopes: Scopes, settled: SettledScope): SyncOutcome {
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

/** One sync at a time on a machine; the others wait. @throws ProblemError SKILLS_BUSY, SKILLS_STATE_UNUSABLE */
export async function underLock<T>(places: Places, signal: AbortSignal, use: () => Promise<T>): Promise<T> {
  const release = await takeLock(places, signal);
  try {
    return await use();
  } finally {
    release();
  }
}

async function takeLock(places: Places, signal: AbortSignal): Promise<() => void> {
  const deadline = ticks() + LOCK_WAIT_MS;
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
    if (ticks() > deadline) throw new ProblemError(problem('SKILLS_BUSY', 'another sync is under way'));
    await sleep(LOCK_PAUSE_MS);
  }
}
