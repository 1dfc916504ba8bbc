import { chmod, copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { mcpctlHome, run, writeAtomic } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { done } from '../../style.ts';

export interface InstallOptions extends CliContext {
  dir: string;
  bare?: boolean;
  path: string;
  branch: string;
  stateDir?: string;
  pusherEnv?: string;
}

const CLONE = ['pre-commit', 'pre-push', 'commit-msg'] as const;
const BARE = ['pre-receive', 'post-receive'] as const;
/** Behind the name of a hook that was there before ours. */
const EARLIER = '.before-mcpctl';
/** In the second line of every hook of ours. */
const MARK = '# mcpctl hook';

/**
 * Install the hooks into a repository; what was there before is kept and runs first. Doing it again renews them.
 * @throws ProblemError HOOKS_UNUSABLE, USAGE
 */
export async function runInstall(options: InstallOptions): Promise<ExitCode> {
  const { folder, names } = await installHooks(options);
  // Compiled code is kept where there is one, and a hook that starts sooner is in nobody's way.
  await mkdir(mcpctlHome(options.env), { recursive: true, mode: 0o700 }).catch(() => undefined);
  options.io.stdout(names.map(name => `${name}\n`).join(''));
  done(options.io, `installed in ${folder}`);
  return ExitCodes.ok;
}

/** The same, without a word. @returns where they are, and which */
export async function installHooks(options: InstallOptions): Promise<{ folder: string; names: readonly string[] }> {
  const { bare = false, path, branch, stateDir, pusherEnv, cwd } = options;
  if (pusherEnv !== undefined && !bare) {
    const hint = 'Only a server knows who pushes: install it there with `--bare`.';
    throw new ProblemError(problem('USAGE', '`--pusher-env` is for a bare repository', { hint }));
  }
  const git = gitIn(options);
  const isBare = (await git('rev-parse', '--is-bare-repository')) === 'true';
  if (isBare !== bare) {
    const hint = bare ? 'Leave `--bare` out, or name the bare repository with -C.' : 'Install with `--bare`.';
    throw new ProblemError(problem('USAGE', `the repository is ${isBare ? '' : 'not '}a bare one`, { hint }));
  }
  const [, script] = options.self ?? [];
  if (script === undefined) throw new Error('the command line was not told where it is');
  const folder = await hooksFolder(options);
  await mkdir(folder, { recursive: true });
  await writeStarter(options, await git('rev-parse', '--absolute-git-dir'));
  const config: [string, string | undefined][] = [
    ['mcpctl.path', path === '' ? undefined : path],
    ['mcpctl.branch', branch === 'main' ? undefined : branch],
    ['mcpctl.stateDir', stateDir === undefined ? undefined : resolve(cwd, stateDir)],
    ['mcpctl.pusherEnv', pusherEnv],
  ];
  for (const [key, value] of config) if (value !== undefined) await git('config', key, value);
  const names = bare ? BARE : CLONE;
  for (const name of names) await place(join(dirname(script), '..', 'hooks', name), join(folder, name));
  return { folder, names };
}

/** Remove what `install` put there. */
export async function runUninstall(options: CliContext & { dir: string }): Promise<ExitCode> {
  const { io } = options;
  const folder = await hooksFolder(options);
  for (const name of [...CLONE, ...BARE]) {
    const file = join(folder, name);
    if (!(await isOurs(file))) continue;
    await rm(file);
    await rename(`${file}${EARLIER}`, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    io.stdout(`${name}\n`);
  }
  const git = gitIn(options);
  const own = await git('rev-parse', '--absolute-git-dir');
  await rm(join(own, 'mcpctl', 'mcpctl'), { force: true });
  for (const key of ['command', 'path', 'branch', 'stateDir', 'pusherEnv']) {
    await run(['git', 'config', '--unset-all', `mcpctl.${key}`], {
      cwd: resolve(options.cwd, options.dir),
      env: { ...options.env },
    });
  }
  done(io, `removed from ${folder}`);
  return ExitCodes.ok;
}

/** A hook has a shorter PATH than its user, and nobody's nvm: this is how it finds the same program again. */
async function writeStarter({ self = ['', ''], ...options }: InstallOptions, gitDir: string): Promise<void> {
  const folder = join(gitDir, 'mcpctl');
  await mkdir(folder, { recursive: true });
  const starter = join(folder, 'mcpctl');
  const [interpreter, script] = self.map(path => `'${path.replaceAll("'", "'\\''")}'`);
  await writeAtomic(starter, `#!/bin/sh\nexec ${interpreter} ${script} "$@"\n`, { mode: 0o755 });
  await gitIn(options)('config', 'mcpctl.command', starter);
}

async function place(source: string, target: string): Promise<void> {
  const there = await readFile(target, 'utf8').catch(() => undefined);
  if (there !== undefined && !(await isOurs(target))) await rename(target, `${target}${EARLIER}`);
  await copyFile(source, `${target}.new`);
  await chmod(`${target}.new`, 0o755);
  await rename(`${target}.new`, target);
}

async function isOurs(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n', 2)[1]?.startsWith(MARK) === true;
}

async function hooksFolder(options: CliContext & { dir: string }): Promise<string> {
  const folder = await gitIn(options)('rev-parse', '--git-path', 'hooks');
  return resolve(options.cwd, options.dir, folder);
}

function gitIn({ cwd, dir, env }: Pick<CliContext, 'cwd' | 'env'> & { dir: string }) {
  return async (...args: string[]): Promise<string> => {
    const result = await run(['git', ...args], { cwd: resolve(cwd, dir), env: { ...env }, timeoutMs: 10_000 });
    if (result.code === 0) return result.stdout.toString().trim();
    const words = result.spawnError ? 'git could not be run, or there is no such folder' : result.stderr.trim();
    throw new ProblemError(problem('HOOKS_UNUSABLE', `git ${args[0]}: ${words}`));
  };
}
