import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { mcpctlHome } from '../../../host/index.ts';
import { asProblem, type Problem, ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { done, showProblem, step } from '../../style.ts';
import {
  emptyReport,
  type SkillsConfig,
  type SyncOutcome,
  syncSkills,
  type Target,
  targets,
} from '../../sync/index.ts';

export interface SyncOptions extends Omit<CliContext, 'finish'> {
  project?: string;
  from?: string;
  gateway?: string;
  ref?: string;
  path?: string;
  trust?: 'open' | 'forge' | 'release';
  target?: string[];
  dryRun?: boolean;
  force?: boolean;
  keepOrphans?: boolean;
  skipPostinstall?: boolean;
  sandbox?: boolean;
  output: 'table' | 'json';
}

/** Nobody can be reached, for whatever reason: an everyday state of laptops. */
const NETWORK = new Set(['REMOTE_TIMEOUT', 'REMOTE_UNREACHABLE', 'REMOTE_NOT_FOUND']);
/** Signatures, sequences and manifests that do not hold, or nothing to judge them by. */
const UNTRUSTED = new Set(['NOT_TRUSTED', 'ROOT_NOT_PINNED', 'ROOT_INVALID', 'TRUST_UNUSABLE', 'MANIFEST_INVALID']);
/** What is answered with the code of wrong usage and of a disk that cannot be written to. */
const DISK_CODES = new Set(['USAGE', 'SKILLS_STATE_UNUSABLE', 'STATE_UNUSABLE']);
/** The disk is full or cannot be written to. */
const DISK = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG']);

/** Sync and report. The exit codes are the command’s own: see its help. @throws Error when it was stopped */
export async function runSync(options: SyncOptions): Promise<ExitCode> {
  return (await syncTold(options)).report.exitCode;
}

/** The same, for who goes on with what came of it. */
export async function syncTold(options: SyncOptions): Promise<SyncOutcome> {
  const { io, output } = options;
  const outcome = await sync(options);
  const { report } = outcome;
  if (output === 'json') io.stdout(`${JSON.stringify(report, undefined, 2)}\n`);
  else tell(options, outcome);
  if (output === 'json' || io.quiet !== true) for (const one of outcome.warnings) io.stderr(showProblem(io, one));
  for (const one of report.errors) io.stderr(showProblem(io, one));
  return outcome;
}

async function sync(options: SyncOptions): Promise<SyncOutcome> {
  const { io, env, cwd, signal } = options;
  try {
    return await syncSkills({
      ...{ env, cwd, signal, home: mcpctlHome(env), config: await chosen(options) },
      ...(options.project !== undefined && { project: options.project }),
      dryRun: options.dryRun === true,
      force: options.force === true,
      keepOrphans: options.keepOrphans === true,
      skipPostInstall: options.skipPostinstall === true,
      sandbox: options.sandbox === true,
    });
  } catch (error) {
    // Stopped, or out of time: the remote is not to blame for what it was kept from answering.
    if (signal.aborted) throw error;
    const found = diskProblem(error) ?? asProblem(error);
    const report = { ...emptyReport(), errors: [found], exitCode: exitCodeOf(found, io.quiet === true) };
    return { report, warnings: [], changed: false, at: '' };
  }
}

/** What the command line overrides. @throws ProblemError USAGE */
async function chosen(options: SyncOptions): Promise<Partial<SkillsConfig>> {
  const { from, gateway, ref, path, trust, target, cwd } = options;
  const unknown = target?.find(one => !targets.includes(one as Target));
  if (unknown !== undefined) {
    throw new ProblemError(problem('USAGE', `\`${unknown}\` is no client; there are: ${targets.join(', ')}`));
  }
  if (from !== undefined && gateway !== undefined) {
    throw new ProblemError(problem('USAGE', 'skills come from a repository or from a gateway, not from both'));
  }
  return {
    // Remembered, it must mean the same from everywhere.
    ...(from !== undefined && { from: existsSync(resolve(cwd, from)) ? resolve(cwd, from) : from }),
    ...(gateway !== undefined && { gateway: (await import('../../contexts.ts')).serverUrl(gateway) }),
    ...(ref !== undefined && { ref }),
    ...(path !== undefined && { path }),
    ...(trust !== undefined && { trust }),
    ...(target !== undefined && { targets: target as Target[] }),
  };
}

function diskProblem(error: unknown): Problem | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  return code !== undefined && DISK.has(code) ? problem('SKILLS_STATE_UNUSABLE', message) : undefined;
}

function exitCodeOf({ code }: Problem, quiet: boolean): ExitCode {
  if (DISK_CODES.has(code)) return ExitCodes.usage;
  if (UNTRUSTED.has(code)) return ExitCodes.denied;
  if (NETWORK.has(code) && quiet) return ExitCodes.ok;
  return ExitCodes.failed;
}

function tell({ io, dryRun }: SyncOptions, { report, at }: SyncOutcome): void {
  const word = dryRun === true ? 'would be ' : '';
  for (const [verb, ids] of [
    ['installed', report.installed],
    ['updated', report.updated],
    ['removed', report.removed],
  ] as const) {
    for (const id of ids) step(io, `${id} ${word}${verb}`);
  }
  if (dryRun === true) {
    for (const id of report.postInstallsRan) step(io, `the script of ${id} would be run`);
    for (const one of report.hooksApplied) step(io, `${one.replace(' ', ' would have a hook at ')}`);
  }
  if (report.exitCode !== ExitCodes.ok || at === '') return;
  const { installed, updated, removed, skipped, preserved } = report;
  const parts = [
    `${installed.length} installed`,
    `${updated.length} updated`,
    `${removed.length} removed`,
    `${skipped.length} unchanged`,
    ...(preserved.length > 0 ? [`${preserved.length} preserved`] : []),
  ];
  const changed = dryRun === true ? ' (nothing was changed)' : '';
  done(io, `skills at ${at}${changed}: ${parts.join(', ')}`);
}
