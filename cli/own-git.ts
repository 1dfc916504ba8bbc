import { type RunResult, run } from '../host/index.ts';
import { gitMissing } from '../repo/index.ts';
import { type ProblemCode, ProblemError, problem } from '../schema/index.ts';
import type { CliContext } from './context.ts';

/** Milliseconds; somebody may be asked for a passphrase, and a first push may be long. */
const TIMEOUT_MS = 600_000;

/** git as the person has it: identity, credentials, hooks and ssh are theirs. */
export interface OwnGit {
  /** What happened, whatever it was. */
  try(args: readonly string[], input?: string): Promise<RunResult>;
  /** Its output, trimmed. @throws ProblemError of the code given, with git's own words */
  run(args: readonly string[], code?: ProblemCode): Promise<string>;
}

export function ownGit({ env, signal }: Pick<CliContext, 'env' | 'signal'>, folder: string): OwnGit {
  // A git that started us (a hook, an alias) names its own repository in these.
  const own = Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX)$/.test(name)),
  );
  const call: OwnGit['try'] = (args, input) => {
    const options = { cwd: folder, env: { ...own, LC_ALL: 'C' }, timeoutMs: TIMEOUT_MS, signal };
    return run(['git', ...args], { ...options, ...(input !== undefined && { input }) });
  };
  return {
    try: call,
    async run(args, code = 'READ_FAILED') {
      const result = await call(args);
      if (result.code === 0) return result.stdout.toString().trim();
      if (result.spawnError) throw new ProblemError(gitMissing(result.spawnError));
      throw new ProblemError(problem(code, `git ${args[0]}: ${gitWords(result)}`));
    },
  };
}

/** What git said last, in one line. */
export function gitWords(result: RunResult): string {
  if (result.spawnError) return 'git could not be run';
  const lines = result.stderr.split('\n').filter(line => line.trim() !== '' && !line.startsWith('hint:'));
  return (
    lines.find(line => /^(?:fatal|error):| \[(?:remote )?rejected\]/.test(line)) ??
    lines.at(-1) ??
    'it failed'
  ).trim();
}
