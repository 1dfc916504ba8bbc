import { existsSync, readFileSync, statSync } from 'node:fs';
import module from 'node:module';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { mcpctlHome } from '../../../host/index.ts';
import { FRESHNESS_SEC, MAX_MISSES, readChecked } from '../checked.ts';
import { type Places, placesIn } from '../places.ts';
import { projectFolder } from '../project-file.ts';
import { continueInBackground } from './background.ts';

// The program that a SessionStart hook of Claude Code runs: what it prints is read by the client, whatever happens it
// exits with 0, and where nobody is to be waited for it is done here, before anything else is loaded.
const { env } = process;
const cwd = env.CLAUDE_PROJECT_DIR || process.cwd();
const places = placesIn(mcpctlHome(env));
const program = process.argv[1] ?? '';
const background = process.argv.includes('--background');
const sends = process.argv.includes('--send');

if (sends) {
  const { sendEvents } = await import('./send-events.ts');
  await sendEvents(places, env, cwd).catch(() => undefined);
} else {
  const patience = background ? 'wait' : patienceOf(places, cwd);
  if (background) giveWay();
  if (patience === 'leave') continueInBackground({ env, cwd, program });
  if (patience === 'wait') {
    keepCompiled(places.home);
    const { runHook } = await import('./run-hook.ts');
    const text = await runHook({ env, cwd, places, background, program }).catch(() => '');
    if (text === '') endNow();
    process.stdout.write(text, () => endNow());
  } else endNow();
}

/** Whether the last answer still counts, and if not, whether the remote may let people wait. */
function patienceOf(where: Places, folder: string): 'fresh' | 'leave' | 'wait' {
  try {
    const { freshnessSec = FRESHNESS_SEC, budgetMs, from, gateway } = JSON.parse(readFileSync(where.config, 'utf8'));
    const { folders, misses } = readChecked(where);
    const age = Date.now() - (folders[projectFolder(folder) ?? ''] ?? 0);
    if (age >= 0 && age < freshnessSec * 1000) return 'fresh';
    return (from ?? gateway) !== undefined && (budgetMs === 0 || misses >= MAX_MISSES) ? 'leave' : 'wait';
  } catch {
    // Not configured, or not to be read: the rest says so.
    return 'wait';
  }
}

/**
 * End without waiting for what is still under way: an ordinary exit waits for a name that is being looked up, or a disk.
 * Then another program takes this one’s place, and has nothing to do.
 */
function endNow(): never {
  const isBusy = process.getActiveResourcesInfo().some(name => /^(?:FSReq|GetAddrInfo)/.test(name));
  if (isBusy && process.platform !== 'win32' && process.execve && existsSync('/bin/sh')) {
    process.execve('/bin/sh', ['sh', '-c', ':'], {});
  }
  process.exit(0);
}

/** Nobody waits for this one, and people may well wait for what else the machine does. */
function giveWay(): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // Then it is as quick as the others.
  }
}

/** As the command does: compiled code is kept where nobody else can put some. */
function keepCompiled(home: string): void {
  try {
    const stats = statSync(home, { throwIfNoEntry: false });
    if (!stats?.isDirectory() || (stats.mode & 0o022) !== 0 || stats.uid !== process.getuid?.()) return;
  } catch {
    return;
  }
  module.enableCompileCache(join(home, 'cache', 'code'));
}
