import { spawn } from 'node:child_process';
import { asProblem } from '../../../schema/index.ts';
import { readChecked, writeChecked } from '../checked.ts';
import { readSkillsConfig } from '../config.ts';
import type { Places } from '../places.ts';
import { syncSkills } from '../sync.ts';

export interface HookRequest {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  places: Places;
  /** Take all the time there is; nobody waits. */
  background: boolean;
  /** The file of the program itself. */
  program: string;
}

/** So often in a row the remote may let people wait in vain; then they are not made to wait any more. */
const MAX_MISSES = 2;
/** A sync in the background ends by itself. */
const BACKGROUND_MS = 10 * 60_000;
/** What a PATH that a desktop program hands on may lack: where git is. */
const USUAL_PATHS = ['/usr/local/bin', '/opt/homebrew/bin', '/usr/bin', '/bin'];

const RELOAD = { hookSpecificOutput: { hookEventName: 'SessionStart', reloadSkills: true } };

/** Sync before a session, within the budget. @returns what the client is told; nothing unless something changed */
export async function runHook(request: HookRequest): Promise<string> {
  const { places, background } = request;
  const { budgetMs, from } = readSkillsConfig(places);
  if (from === undefined) return '';
  if (background) {
    await sync(request, AbortSignal.timeout(BACKGROUND_MS));
    return '';
  }
  if (budgetMs === 0 || readChecked(places).misses >= MAX_MISSES) {
    continueInBackground(request);
    return '';
  }
  // The budget counts from the start of this process: that is what people wait for.
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), Math.max(1, budgetMs - performance.now()));
  const missed = new Promise<'missed'>(resolve => {
    waiting.signal.addEventListener('abort', () => resolve('missed'), { once: true });
  });
  const work = sync(request, waiting.signal, () => clearTimeout(timer)).catch(error =>
    isNetwork(error) ? ('missed' as const) : false,
  );
  const result = await Promise.race([work, missed]);
  clearTimeout(timer);
  if (result === 'missed') {
    writeChecked(places, { missed: true });
    continueInBackground(request);
    return '';
  }
  return result ? `${JSON.stringify(RELOAD)}\n` : '';
}

/** @returns whether something changed */
async function sync({ env, cwd, places }: HookRequest, signal: AbortSignal, onAnswered?: () => void): Promise<boolean> {
  const paths = (env.PATH ?? '').split(':').filter(path => path !== '');
  const PATH = [...new Set([...paths, ...(process.platform === 'win32' ? [] : USUAL_PATHS)])].join(':');
  const { changed } = await syncSkills({
    ...{ env: { ...env, PATH }, cwd, home: places.home, signal, config: {} },
    ...(onAnswered && { onAnswered }),
  });
  return changed;
}

function isNetwork(error: unknown): boolean {
  return ['REMOTE_TIMEOUT', 'REMOTE_UNREACHABLE'].includes(asProblem(error).code);
}

/** A process of its own, which nobody waits for and which outlives this one. */
function continueInBackground({ env, cwd, program }: HookRequest): void {
  const child = spawn(process.execPath, [program, '--background'], {
    ...{ cwd, env, detached: true, stdio: 'ignore' },
  });
  child.on('error', () => undefined);
  child.unref();
}
