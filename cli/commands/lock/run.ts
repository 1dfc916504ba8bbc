import { lstat, mkdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createSlots, writeAtomic } from '../../../host/index.ts';
import { makeLock } from '../../../reconciler/packages/index.ts';
import {
  compareText,
  type ParsedFile,
  type Problem,
  ProblemError,
  problem,
  type Server,
} from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { readFiles } from '../../read-files.ts';
import { repositoryRoot } from '../../repository-root.ts';
import { done, showProblem, step } from '../../style.ts';
import { describeChange, unrunScripts } from './change.ts';

export interface LockOptions extends Pick<CliContext, 'io' | 'cwd' | 'env' | 'signal'> {
  /** Servers to lock; every npm server when empty. */
  names: readonly string[];
  /** A folder of the working tree, from `cwd`. */
  folder: string;
}

interface NpmServer {
  name: string;
  npm: NonNullable<Server['package']>;
}

const AT_ONCE = 2;

/**
 * Write the locks of npm servers in a working tree, where they differ. stdout: the files written, one a line; stderr:
 * what changed in each. Exits 1 when one could not be made; the others are written all the same.
 * @throws ProblemError USAGE, REPOSITORY_MISSING, READ_FAILED
 */
export async function runLock({ io, cwd, env, signal, names, folder }: LockOptions): Promise<ExitCode> {
  const root = await realpath(repositoryRoot(cwd, folder));
  const files = await readFiles({ cwd, env }, root, undefined);
  const { servers, problems } = chooseServers(files, names);
  for (const found of problems) io.stderr(showProblem(io, found));
  if (servers.length === 0 && problems.length === 0) done(io, 'no server comes from npm: nothing to lock');
  const slots = createSlots(AT_ONCE);
  const results = await Promise.all(
    servers.map(async server => {
      const giveBack = await slots.take(signal);
      step(io, `${server.name}: resolving ${server.npm.identifier}@${server.npm.version}`);
      const result = await lockServer(root, server, env, signal);
      giveBack?.();
      if ('problem' in result) io.stderr(showProblem(io, result.problem));
      else done(io, `${server.name}: ${result.change}`);
      return result;
    }),
  );
  for (const result of results) if ('written' in result && result.written) io.stdout(`${result.file}\n`);
  return problems.length > 0 || results.some(result => 'problem' in result) ? ExitCodes.failed : ExitCodes.ok;
}

/** @throws ProblemError USAGE for a name that is no npm server */
function chooseServers(
  files: readonly ParsedFile[],
  names: readonly string[],
): { servers: NpmServer[]; problems: Problem[] } {
  const servers: NpmServer[] = [];
  const problems: Problem[] = [];
  const known = new Set<string>();
  for (const { id, resource, problems: found } of files) {
    if (!id?.startsWith('server/')) continue;
    const name = id.slice('server/'.length);
    if (names.length > 0 && !names.includes(name)) continue;
    if (!resource) problems.push(...found);
    else if (resource.kind === 'Server' && resource.spec.package?.registry === 'npm') {
      servers.push({ name, npm: resource.spec.package });
    } else continue;
    known.add(name);
  }
  const unknown = names.filter(name => !known.has(name));
  if (unknown.length > 0) {
    const hint = 'Name servers below `servers/` that have a `package`; without a name, all of them are locked.';
    throw new ProblemError(problem('USAGE', `no npm server is called ${unknown.join(', ')}`, { hint }));
  }
  return { servers: servers.sort((a, b) => compareText(a.name, b.name)), problems };
}

async function lockServer(
  root: string,
  { name, npm }: NpmServer,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<{ file: string; written: boolean; change: string } | { problem: Problem }> {
  const file = `locks/servers/${name}/package-lock.json`;
  const path = join(root, file);
  if (!(await makeFolders(root, dirname(file)))) {
    return {
      problem: problem('FILE_NOT_REGULAR', `${dirname(file)} is reached through a symbolic link`, { at: { file } }),
    };
  }
  const { identifier, version, installScripts } = npm;
  const lock = await makeLock({ identifier, version, env, signal });
  if ('problem' in lock) return { problem: { ...lock.problem, resource: `server/${name}` } };
  const before = await readFile(path).catch(() => undefined);
  const written = !before?.equals(lock);
  if (written) await writeAtomic(path, lock, { mode: 0o644 });
  const scripts = installScripts ? '' : unrunScripts(lock);
  return { file, written, change: `${describeChange(before, lock)}${scripts}` };
}

/** Like `mkdir -p`, but through no symbolic link: a repository must not make us write elsewhere. */
async function makeFolders(root: string, path: string): Promise<boolean> {
  let folder = root;
  for (const part of path.split('/')) {
    folder = join(folder, part);
    await mkdir(folder).catch(error => {
      if (error.code !== 'EEXIST') throw error;
    });
    if (!(await lstat(folder)).isDirectory()) return false;
  }
  return true;
}
