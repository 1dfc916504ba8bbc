import { createHash } from 'node:crypto';
import type { PackageSource } from './runtime.ts';

/** Where the runner images' `mcpctl-package` looks for a lock: in memory, so that none is left of an earlier start. */
export const LOCK_FILE = '/tmp/mcpctl-package-lock.json';

/** What `mcpctl-package` is to install: exactly what was reviewed, where there is a lock. */
export function packageArguments({ identifier, version, installScripts, lock }: PackageSource): string[] {
  const reviewed = lock ? createHash('sha256').update(lock).digest('hex') : '-';
  return [identifier, version, installScripts ? 'scripts' : 'no-scripts', reviewed];
}
