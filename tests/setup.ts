import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * One home for the whole test run, so that nothing of the user's is read or written and packages are installed once.
 * git sees no configuration but ours.
 */
export function setup(): () => void {
  const home = mkdtempSync(join(tmpdir(), 'mcpctl-test-home-'));
  process.env.MCPCTL_HOME = home;
  process.env.GIT_CONFIG_GLOBAL = '/dev/null';
  process.env.GIT_CONFIG_NOSYSTEM = '1';
  return () => rmSync(home, { recursive: true, force: true });
}
