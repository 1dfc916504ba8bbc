import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/**
 * The folder of everything mcpctl keeps for one user: `$MCPCTL_HOME`, or `~/.mcpctl`.
 * @returns an absolute path; the folder need not exist
 */
export function mcpctlHome(env: NodeJS.ProcessEnv): string {
  if (env.MCPCTL_HOME) return resolve(env.MCPCTL_HOME);
  const home = env.HOME && isAbsolute(env.HOME) ? env.HOME : homedir();
  return join(home, '.mcpctl');
}
