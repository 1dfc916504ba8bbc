import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where Debian keeps what only root uses. */
const SYSTEM = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
const WAIT_SECONDS = 300;

/** A program's path, or undefined when it is not there. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM];
  return folders.map(folder => join(folder, name)).find(existsSync);
}

/**
 * Install Debian packages when a program of theirs is missing.
 * @returns why that cannot be; undefined when all programs are there
 */
export function installMissing(programs: Record<string, string>): string | undefined {
  const missing = Object.entries(programs).filter(([program]) => findProgram(program) === undefined);
  if (missing.length === 0) return undefined;
  const why = installPackages(missing.map(([, name]) => name));
  if (why !== undefined) return why;
  const still = missing.filter(([program]) => findProgram(program) === undefined).map(([, name]) => name);
  return still.length === 0 ? undefined : `${still.join(' and ')} could not be installed`;
}

/** @returns why they cannot be installed; undefined when it was tried */
export function installPackages(packages: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return `${packages.join(' and ')} missing, and only root can install`;
  if (findProgram('apt-get') === undefined) return `${packages.join(' and ')} missing, and this is not Debian`;
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...packages);
  return undefined;
}

function apt(...args: string[]): void {
  // Services must not be started by their packages: the tests start what they need themselves.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  spawnSync('apt-get', ['-q', '-o', `DPkg::Lock::Timeout=${WAIT_SECONDS}`, ...args], { env, stdio: 'ignore' });
}
