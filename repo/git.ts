import { type RunResult, redact, run } from '../host/index.ts';
import { type Problem, problem } from '../schema/index.ts';
import { type GitEnvironmentOptions, gitEnvironment } from './git-environment.ts';

export interface GitOptions extends GitEnvironmentOptions {
  /** The caller's variables, from which only what git needs is taken. */
  env: NodeJS.ProcessEnv;
  /** Variables added as they are; the credentials of one remote. */
  extra?: Readonly<Record<string, string>>;
  cwd?: string;
  timeoutMs?: number;
  maxOutputBytes?: number;
  signal?: AbortSignal;
  /** See `RunOptions`. */
  onOutput?: (piece: Buffer) => void;
  input?: string | Uint8Array;
  /** See `RunOptions`. */
  reply?: string;
}

/**
 * Run one git command in the fixed environment. Never rejects; a failure is in the result.
 * @param args must be ours or checked by our own grammar
 */
export function git(args: readonly string[], options: GitOptions): Promise<RunResult> {
  const { cwd = '/', timeoutMs = 60_000, maxOutputBytes, signal, input } = options;
  return run(['git', ...args], {
    cwd,
    timeoutMs,
    env: { ...gitEnvironment(options.env, options), ...options.extra },
    ...(maxOutputBytes !== undefined && { maxOutputBytes }),
    ...(signal && { signal }),
    ...(input !== undefined && { input }),
    ...(options.onOutput && { onOutput: options.onOutput }),
    ...(options.reply !== undefined && { reply: options.reply }),
  });
}

/** The oldest git with everything used here: `cat-file --batch-command`, `fetch --atomic`. */
const OLDEST = [2, 36] as const;

/** Check that git is installed and new enough. @returns GIT_MISSING when it is not */
export async function checkGit(env: NodeJS.ProcessEnv): Promise<Problem | undefined> {
  const result = await git(['version'], { env, timeoutMs: 10_000 });
  if (result.spawnError) return gitMissing(result.spawnError);
  if (result.code !== 0) return problem('GIT_MISSING', `git could not be run: ${lastWords(result, [])}`);
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(result.stdout.toString()) ?? [];
  if (Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1])) return undefined;
  return problem('GIT_MISSING', `git ${major}.${minor} is too old`);
}

/** What it means that git did not start. */
export function gitMissing({ code = 'it did not start' }: NodeJS.ErrnoException): Problem {
  return problem('GIT_MISSING', `git could not be run: ${code}`);
}

const NO_REASON =
  /^fatal: Could not read from remote|^Please make sure you have the correct access rights|^and the repository exists\.$/;

/** What a failed command said, in one redacted line; never empty. */
export function lastWords(result: RunResult, secrets: readonly string[]): string {
  if (result.spawnError) return gitMissing(result.spawnError).message;
  const lines = result.stderr
    .split('\n')
    .map(line => line.trim())
    // Over ssh, git’s own last words only say that there were others before.
    .filter((line, _index, all) => line !== '' && !(all.length > 1 && NO_REASON.test(line)));
  const fatal = lines.find(line => line.startsWith('fatal:') || line.startsWith('error:')) ?? lines.at(-1);
  if (fatal !== undefined) return redact(fatal, secrets, 400);
  return result.signal ? `git was ended by ${result.signal}` : `git ended with status ${result.code}`;
}
