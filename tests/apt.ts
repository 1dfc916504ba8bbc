import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * A program that some tests need, installed where that disturbs nobody: as root, on Debian, on a machine without a
 * running service manager (a container, as CI is).
 * @returns why it is not there, for the name of a skipped test; undefined when it is
 */
export function missingProgram(path: string, debianPackage: string): string | undefined {
  if (existsSync(path)) return undefined;
  const why = `${path} is not installed (Debian: ${debianPackage})`;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get') || existsSync('/run/systemd/system')) return why;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]) =>
    spawnSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], { env, stdio: 'ignore' }).status === 0;
  const install = () => apt('install', '-y', '--no-install-recommends', debianPackage);
  if (!install()) {
    apt('update');
    install();
  }
  return existsSync(path) ? undefined : why;
}
