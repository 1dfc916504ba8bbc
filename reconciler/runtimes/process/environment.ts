import { join } from 'node:path';

/** The folder that an instance calls home and works in. */
export function instanceFolder(stateDir: string, id: string): string {
  return join(stateDir, 'instances', id);
}

/**
 * What every process of this runtime has in its environment before anything is declared: PATH (the daemon's), HOME (a
 * private folder of the instance's own, which is its working folder too), TMPDIR below it, and LANG.
 * @param env the daemon's; nothing else of it is handed on
 */
export function baseEnvironment(stateDir: string, id: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const home = instanceFolder(stateDir, id);
  return { PATH: env.PATH ?? '/usr/local/bin:/usr/bin:/bin', HOME: home, TMPDIR: join(home, 'tmp'), LANG: 'C.UTF-8' };
}
