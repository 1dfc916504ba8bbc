import { type Problem, ProblemError, problem } from '../../../schema/index.ts';
import { type CliContext, type ExitCode, ExitCodes } from '../../context.ts';
import { showProblem } from '../../style.ts';

export interface HookOptions extends CliContext {
  hook: string;
  given: readonly string[];
}

/**
 * Do what a hook does: exit 1 keeps git from going on, with all problems on stderr. Each loads its own code only: there
 * is one before every commit.
 * @throws ProblemError USAGE, and those of reading
 */
export async function runHook(options: HookOptions): Promise<ExitCode> {
  const { hook } = options;
  switch (hook) {
    case 'pre-commit': {
      const { runValidate } = await import('../validate/run.ts');
      const io = { ...options.io, stdout: options.io.stderr, quiet: true };
      return runValidate({ ...options, io, dir: '.', staged: true, output: 'table' });
    }
    case 'commit-msg':
      return told(options, await (await import('./check-message.ts')).checkMessage(options));
    case 'pre-push':
      return told(options, await (await import('./check-refs.ts')).checkPush(options));
    case 'pre-receive':
      return told(options, await (await import('./check-refs.ts')).checkReceive(options));
    default:
      throw new ProblemError(problem('USAGE', `\`${hook}\` is no hook of mcpctl's`));
  }
}

function told({ io }: HookOptions, problems: readonly Problem[]): ExitCode {
  for (const found of problems) io.stderr(showProblem(io, found));
  return problems.length === 0 ? ExitCodes.ok : ExitCodes.failed;
}
