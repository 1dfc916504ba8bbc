import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The names of a daemon's files in its state directory; all are readable by their owner only. */
export const daemonFiles = {
  daemon: 'daemon.json',
  token: 'token',
  hookSecret: 'hook-secret',
  notifySecret: 'notify-secret',
} as const;

/**
 * The state directories below a home in which a daemon has announced itself, sorted; one that was killed still has.
 * Whether there is any is all that most commands need to know.
 */
export function announcedDaemons(home: string): string[] {
  const root = join(home, 'state');
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .sort()
    .map(name => join(root, name))
    .filter(dir => existsSync(join(dir, daemonFiles.daemon)));
}
