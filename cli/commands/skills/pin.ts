import { mcpctlHome } from '../../../host/index.ts';
import { ProblemError, problem, releaseVersion } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { done } from '../../style.ts';
import { pinRelease } from '../../sync/index.ts';

export interface PinOptions extends Omit<CliContext, 'finish'> {
  release?: string;
  newest?: boolean;
}

/** Remember which release counts on this machine. @throws ProblemError USAGE, CONFIG_INVALID */
export async function runPin({ io, env, release, newest = false }: PinOptions): Promise<ExitCode> {
  if ((release === undefined) !== newest) {
    throw new ProblemError(problem('USAGE', 'name one release, or --newest'));
  }
  if (release !== undefined && releaseVersion(release) === undefined) {
    throw new ProblemError(problem('USAGE', `\`${release.slice(0, 100)}\` is not the name of a release: v1.2.0`));
  }
  await pinRelease(mcpctlHome(env), release);
  done(io, release === undefined ? 'the newest release counts again' : `${release} counts from the next sync on`);
  return ExitCodes.ok;
}
