import { resolve } from 'node:path';
import { mcpctlHome } from '../../../host/index.ts';
import type { Problem } from '../../../schema/index.ts';
import { findClient } from '../../clients/clients.ts';
import { removeGatewayEntry } from '../../clients/remove-entry.ts';
import { type ExitCode, ExitCodes } from '../../context.ts';
import { done, showProblem, step } from '../../style.ts';
import {
  hasSkillsSource,
  installSessionHook,
  type MachineSetup,
  refuseOtherProject,
  rememberEntry,
  rememberedEntries,
  removeProject,
  type SetupEntry,
  withdrawProjectFile,
  writeProjectFile,
} from '../../sync/index.ts';
import { type ExportOptions, planExport, runExport } from '../export/run.ts';

export interface ConfigClaudeOptions extends Omit<ExportOptions, 'client' | 'write'> {
  from?: string;
  gateway?: string;
  skipSkills?: boolean;
  remove?: boolean;
}

/**
 * Set a folder up for a project with Claude Code, or undo that. stdout: the path of the file with the servers.
 * @throws ProblemError those of `runExport`, FILE_EXISTS, SKILLS_STATE_UNUSABLE
 */
export async function runConfigClaude(options: ConfigClaudeOptions): Promise<ExitCode> {
  const { io, env, cwd, dir, project, signal, from, gateway } = options;
  const home = mcpctlHome(env);
  const setup: MachineSetup = { env, home, folder: resolve(cwd, dir), project, signal };
  if (options.remove === true) return undo(options, setup);
  // Before anything is written.
  refuseOtherProject(setup);
  const onEntry = (entry: SetupEntry, changed: boolean) => rememberEntry(setup, entry, changed);
  const entry = { ...options, client: 'claude-code', write: true, onEntry };
  await planExport(entry);
  const wasNew = await writeProjectFile(setup);
  if (options.skipSkills === true) return runExport(entry);
  if ((from ?? gateway) === undefined && !hasSkillsSource(home)) {
    const code = await runExport(entry);
    step(io, 'no skills: this machine was not told where they come from; add --from REPO, or --gateway URL');
    return code;
  }
  // As the command itself is loaded: what two ways lead to would be one file more for both.
  const { syncTold } = await import('../skills/sync.ts');
  const { report, at } = await syncTold({
    ...{ io, env, cwd: setup.folder, signal, project, output: 'table' },
    ...(from !== undefined && { from }),
    ...(gateway !== undefined && { gateway }),
  });
  // Nothing could be read, or there is no such project: the folder is left as it was, for another name to be given.
  if (at === '') {
    if (wasNew) await withdrawProjectFile(setup);
    return report.exitCode;
  }
  const code = await runExport(entry);
  if (code !== ExitCodes.ok || report.exitCode !== ExitCodes.ok) return code || report.exitCode;
  const { stands, warnings } = await installSessionHook(setup);
  for (const found of warnings) io.stderr(showProblem(io, found));
  if (stands) done(io, 'skills are synced before each session of Claude Code');
  else step(io, 'skills are not synced before sessions yet: mend that file, then run `mcpctl skills sync`');
  return ExitCodes.ok;
}

async function undo(options: ConfigClaudeOptions, setup: MachineSetup): Promise<ExitCode> {
  const { io } = options;
  const { scope = 'project', project, name = project } = options;
  const named = { file: fileOf(options, scope), name };
  const removed = new Set<string>();
  const unread = new Map<string, Problem>();
  const foreign = new Set<string>();
  for (const entry of [named, ...rememberedEntries(setup, 'claude-code')]) {
    const outcome = await removeGatewayEntry(entry.file, entry.name);
    if (outcome === undefined) continue;
    if ('problem' in outcome) unread.set(entry.file ?? '', outcome.problem);
    else if ('removed' in outcome) removed.add(outcome.removed);
    else foreign.add(`\`${entry.name}\` in ${outcome.foreign} is left: it is not an entry of mcpctl`);
  }
  for (const text of foreign) step(io, text);
  // What is remembered of the folder is what finds the entry once the file can be read: all of it stays until then.
  if (unread.size > 0) {
    const hint =
      'Mend the file and run the command again: its entry, the project’s skills and the hook are still there.';
    for (const found of unread.values()) io.stderr(showProblem(io, { ...found, hint }));
    io.stdout([...removed].map(path => `${path}\n`).join(''));
    return ExitCodes.failed;
  }
  const problems = await removeProject(setup);
  for (const found of problems) io.stderr(showProblem(io, found));
  done(io, `Claude Code does not use \`${options.project}\` in ${setup.folder} any more`);
  io.stdout([...removed].map(path => `${path}\n`).join(''));
  return problems.some(({ severity }) => severity === 'error') ? ExitCodes.failed : ExitCodes.ok;
}

function fileOf(
  { cwd, dir, env, platform = process.platform }: ConfigClaudeOptions,
  scope: string,
): string | undefined {
  const file = findClient('claude-code')?.files.find(one => one.scope === scope);
  return file?.path({ env, platform, cwd: resolve(cwd, dir) });
}
