import { asProblem } from '../../../schema/index.ts';
import { writeChecked } from '../checked.ts';
import { readSkillsConfig } from '../config.ts';
import type { Places } from '../places.ts';
import { syncSkills } from '../sync.ts';
import { continueInBackground } from './background.ts';

export interface HookRequest {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  places: Places;
  /** Take all the time there is; nobody waits. */
  background: boolean;
  /** The file of the program itself. */
  program: string;
}

/** A sync in the background ends by itself. */
const BACKGROUND_MS = 10 * 60_000;
/** What a PATH that a desktop program hands on may lack: where git is. */
const USUAL_PATHS = ['/usr/local/bin', '/opt/homebrew/bin', '/usr/bin', '/bin'];

const RELOAD = { hookSpecificOutput: { hookEventName: 'SessionStart', reloadSkills: true } };

/** Sync before a session, within the budget. @returns what the client is told; nothing unless something changed */
export async function runHook(request: HookRequest): Promise<string> {
  const { places, background } = request;
  const { budgetMs, from, gateway } = readSkillsConfig(places);
  if ((from ?? gateway) === undefined) return '';
  if (background) {
    await sync(request, AbortSignal.timeout(BACKGROUND_MS));
    return '';
  }
  // The budget counts from the start of this process, and bounds all that people wait for: also what this machine does.
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), Math.max(1, budgetMs - process.uptime() * 1000));
  const missed = new Promise<'missed'>(resolve => {
    waiting.signal.addEventListener('abort', () => resolve('missed'), { once: true });
  });
  const work = sync(request, waiting.signal).catch(error => (isNetwork(error) ? ('missed' as const) : false));
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
async function sync({ env, cwd, places }: HookRequest, signal: AbortSignal): Promise<boolean> {
  const paths = (env.PATH ?? '').split(':').filter(path => path !== '');
  const PATH = [...new Set([...paths, ...(process.platform === 'win32' ? [] : USUAL_PATHS)])].join(':');
  const { changed } = await syncSkills({
    ...{ env: { ...env, PATH }, cwd, home: places.home, signal, config: {} },
  });
  return changed;
}

function isNetwork(error: unknown): boolean {
  return ['REMOTE_TIMEOUT', 'REMOTE_UNREACHABLE'].includes(asProblem(error).code);
}
