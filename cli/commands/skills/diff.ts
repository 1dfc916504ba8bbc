import { mcpctlHome } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { diffText } from '../../diff-text.ts';
import { done } from '../../style.ts';
import { changedFiles, restoreSkill } from '../../sync/index.ts';

export interface DiffOptions extends Omit<CliContext, 'finish'> {
  name: string;
  restore?: boolean;
  exitCode?: boolean;
}

/** Show what people changed in a skill, or put the release back. @throws ProblemError RESOURCE_NOT_FOUND, USAGE */
export async function runDiff(options: DiffOptions): Promise<ExitCode> {
  const { io, env, cwd, name, signal } = options;
  const home = mcpctlHome(env);
  if (options.restore === true && options.exitCode === true) {
    throw new ProblemError(problem('USAGE', '--restore and --exit-code do not go together'));
  }
  const changes = await changedFiles(home, name, cwd);
  const shown = changes.map(({ path, before, after }) => ({
    path,
    before: before && { bytes: before, mode: '100644' as const },
    after: after ? { bytes: after, mode: '100644' as const } : null,
  }));
  io.stdout(diffText(io, shown));
  if (options.restore === true) {
    for (const message of await restoreSkill(home, name, cwd, signal)) done(io, message);
    done(io, `\`${name}\` is as the release has it`);
    return ExitCodes.ok;
  }
  if (changes.length === 0) done(io, `\`${name}\` is as the release has it`);
  return options.exitCode === true && changes.length > 0 ? ExitCodes.differences : ExitCodes.ok;
}
