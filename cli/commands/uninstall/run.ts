import { existsSync, lstatSync } from 'node:fs';
import { realpath, rm, rmdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { acquireLock, findByFolder, mcpctlHome } from '../../../host/index.ts';
import { type Problem, ProblemError, problem } from '../../../schema/index.ts';
import { removeGatewayEntry } from '../../clients/remove-entry.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { stateDirs } from '../../state-dirs.ts';
import { done, paint, showProblem } from '../../style.ts';
import { removeAll } from '../../sync/index.ts';
import { table } from '../../table.ts';
import { type Entry, entriesOf, entriesOutside, ownPaths } from './entries.ts';

export interface UninstallOptions extends CliContext {
  yes?: boolean;
  output: 'table' | 'json';
}

/**
 * List what mcpctl keeps on this machine, or remove it. JSON: `{ home, removed: boolean, entries: [{ path, bytes, what,
 * ours }] }`; what is not ours is never removed.
 * @throws ProblemError STATE_LOCKED while a daemon or a server of one runs, STATE_UNUSABLE when the folder is not ours
 */
export async function runUninstall(options: UninstallOptions): Promise<ExitCode> {
  const { io, env, yes = false, output } = options;
  const home = mcpctlHome(env);
  refuseForeign(home, env);
  const entries = [...(await entriesOutside(home)), ...(await entriesOf(home))];
  const ours = entries.filter(entry => entry.ours);
  const problems = yes ? await remove(options, home) : [];
  for (const found of problems) io.stderr(showProblem(io, found));
  if (output === 'json') {
    io.stdout(`${JSON.stringify({ home, removed: yes, entries }, undefined, 2)}\n`);
    return ExitCodes.ok;
  }
  if (entries.length > 0) io.stdout(listing(entries, yes));
  if (ours.length === 0) done(io, `nothing of mcpctl’s is in ${home}`);
  else if (yes) done(io, `removed from ${home}`);
  else io.stderr(`${paint(io, 'yellow', '!')} nothing was removed\n  → mcpctl uninstall --yes\n`);
  if (yes) {
    io.stderr('What is left: completion in your shell’s files, and the program itself.\n');
  }
  return ExitCodes.ok;
}

/** The folder comes from the environment: it must look like one that mcpctl made. */
function refuseForeign(home: string, env: CliContext['env']): void {
  const stats = lstatSync(home, { throwIfNoEntry: false });
  if (!stats) return;
  const uid = process.getuid?.();
  const why =
    home === dirname(home) || home === env.HOME || home === homedir()
      ? 'is no folder of mcpctl’s own'
      : !stats.isDirectory()
        ? 'is not a folder'
        : uid !== undefined && stats.uid !== uid
          ? 'belongs to another user'
          : undefined;
  if (why === undefined) return;
  throw new ProblemError(problem('STATE_UNUSABLE', `${home} ${why}`, { hint: 'Correct MCPCTL_HOME, or unset it.' }));
}

/** While everything is locked, so that no daemon starts meanwhile. First what leads into the folder, then the folder. */
async function remove({ env, signal }: CliContext, home: string): Promise<Problem[]> {
  const releases: (() => void)[] = [];
  try {
    for (const { name, path, daemon } of stateDirs(home)) {
      const lock = join(path, 'lock');
      const release = acquireLock(lock);
      if (!release) {
        const hint = daemon ? `End it first: kill ${daemon.pid}` : 'End it first.';
        throw new ProblemError(problem('STATE_LOCKED', `a daemon runs on ${name}`, { hint }));
      }
      releases.push(release);
    }
    await refuseRunning(home);
    const { former, entries: remembered, problems } = await removeAll({ env, home, signal });
    const usual = former.map(({ folder, project }) => ({ file: join(folder, '.mcp.json'), name: project }));
    for (const { file, name } of [...remembered, ...usual]) {
      const outcome = await removeGatewayEntry(file, name);
      const isKnown = problems.some(({ at }) => at?.file === file);
      if (outcome && 'problem' in outcome && !isKnown) problems.push(outcome.problem);
    }
    for (const path of ownPaths(home)) await rm(path, { recursive: true, force: true });
    // Only when nothing of somebody else's is in it.
    await rmdir(home).catch(() => undefined);
    return problems;
  } finally {
    for (const release of releases) release();
  }
}

/** Servers that outlived a daemon that was killed. */
async function refuseRunning(home: string): Promise<void> {
  const state = join(home, 'state');
  if (!existsSync(state)) return;
  const pids = (await findByFolder(await realpath(state))).map(({ pid }) => pid);
  if (pids.length === 0) return;
  throw new ProblemError(
    problem('STATE_LOCKED', `servers of a daemon that was killed still run: process ${pids.join(', ')}`, {
      hint: `End them first: kill ${pids.join(' ')}`,
    }),
  );
}

function listing(entries: readonly Entry[], removed: boolean): string {
  const rows = entries.map(({ path, bytes, what, ours }) => [
    ours ? (removed ? 'removed' : 'remove') : removed ? 'kept' : 'keep',
    path,
    `${(bytes / 1024 ** 2).toFixed(1)} MiB`,
    what,
  ]);
  return table([['ACTION', 'PATH', 'SIZE', 'WHAT'], ...rows]);
}
