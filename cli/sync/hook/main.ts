import { readFileSync, statSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { mcpctlHome } from '../../../host/index.ts';
import { FRESHNESS_SEC, readChecked } from '../checked.ts';
import { type Places, placesIn } from '../places.ts';
import { projectFolder } from '../project-file.ts';

// The program that a SessionStart hook of Claude Code runs: what it prints is read by the client, whatever happens it
// exits with 0, and in the window in which the last answer counts it is done here, before anything else is loaded.
const { env } = process;
const cwd = env.CLAUDE_PROJECT_DIR || process.cwd();
const places = placesIn(mcpctlHome(env));
const background = process.argv.includes('--background');
const sends = process.argv.includes('--send');

if (sends) {
  const { sendEvents } = await import('./send-events.ts');
  await sendEvents(places, env, cwd).catch(() => undefined);
} else if (background || !isFresh(places, cwd)) {
  keepCompiled(places.home);
  const { runHook } = await import('./run-hook.ts');
  const text = await runHook({ env, cwd, places, background, program: process.argv[1] ?? '' }).catch(() => '');
  // Nothing that is still under way may hold the session up.
  if (text === '') process.exit(0);
  process.stdout.write(text, () => process.exit(0));
}

function isFresh(where: Places, folder: string): boolean {
  try {
    const { freshnessSec = FRESHNESS_SEC } = JSON.parse(readFileSync(where.config, 'utf8'));
    const at = readChecked(where).folders[projectFolder(folder) ?? ''] ?? 0;
    const age = Date.now() - at;
    return age >= 0 && age < freshnessSec * 1000;
  } catch {
    // Not configured, or not to be read: the rest says so.
    return false;
  }
}

/** As the command does: compiled code is kept where nobody else can put some. */
function keepCompiled(home: string): void {
  const stats = statSync(home, { throwIfNoEntry: false });
  if (!stats?.isDirectory() || (stats.mode & 0o022) !== 0 || stats.uid !== process.getuid?.()) return;
  module.enableCompileCache(join(home, 'cache', 'code'));
}
