import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
let made: string | undefined;

/**
 * The command as a package has it: the bundle, in a folder of its own without the sources beside it. Made once for each run.
 * @returns its entry
 */
export function packagedCommand(): string {
  if (made !== undefined) return made;
  const folder = join(root, 'node_modules', '.cache', 'mcpctl-bench', 'package');
  execFileSync(process.execPath, [join(root, '.ci', 'bundle.ts')], { stdio: ['ignore', 'ignore', 'inherit'] });
  rmSync(folder, { recursive: true, force: true });
  for (const part of ['dist', 'cli/mcpctl.mjs', 'package.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  made = join(folder, 'cli', 'mcpctl.mjs');
  return made;
}
