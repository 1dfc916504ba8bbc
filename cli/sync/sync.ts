import { existsSync } from 'node:fs';
import { basisOf, lookHere, unchanged } from './as-left.ts';
import { writeChecked } from './checked.ts';
import { readSkillsConfig, type SkillsConfig } from './config.ts';
import { type Places, placesIn } from './places.ts';
import type { SyncOutcome } from './report.ts';
import type { Scopes } from './scopes.ts';
import { type Asked, openSkillsSource, patterns, type Source } from './source.ts';
import { ticks } from './ticks.ts';

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
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
  const here = lookHere(request, config, places);
  const { scopes } = here;
  const plain = !request.force && !request.dryRun && !request.keepOrphans && Object.keys(request.config).length === 0;
  const settled = plain ? here.settled : undefined;
  const loading = settled ? undefined : import('./carry-out.ts');
  loading?.catch(() => undefined);
  const asked = await asking;
  // A start and the rest of a session’s sync take their part of the budget, too.
  const slow = ticks() - started > config.budgetMs / 2;
  const same = settled?.basis === basisOf(config, scopes, asked.refs, home);
  if (same) await sendQueued(places, env);
  const done =
    settled && same
      ? unchanged(here, settled)
      : await (loading ?? import('./carry-out.ts')).then(({ carryOut }) =>
          carryOut({ request, places, config, source, scopes, asked }),
        );
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
