import { join } from 'node:path';
import { parseRef, parseRemote, parseRepoPath, type Remote, type ThinCopyOptions } from '../../repo/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import type { SkillsConfig } from './config.ts';
import { statsOf } from './look.ts';
import type { Places } from './places.ts';

/** Where a machine’s skills come from, checked. */
export interface Source {
  remote: Remote;
  ref: string;
  /** The repository’s folder inside the git repository. */
  path: string;
  /** For `askRefs` and `openThinCopy`. */
  options: ThinCopyOptions;
}

/** @throws ProblemError SKILLS_UNCONFIGURED, REMOTE_UNSUPPORTED, REF_INVALID */
export function openSkillsSource(
  places: Places,
  config: SkillsConfig,
  { env, cwd }: { env: Readonly<Record<string, string | undefined>>; cwd: string },
): Source {
  if (config.from === undefined) {
    throw new ProblemError(problem('SKILLS_UNCONFIGURED', 'nothing says where this machine’s skills come from'));
  }
  const remote = checked(parseRemote(config.from, cwd));
  const { ref } = checked(parseRef(config.ref));
  const { path } = checked(parseRepoPath(config.path));
  if (remote.kind === 'path' && isPlainFolder(remote.url)) {
    const hint = 'Make it one: `git init`, and commit. Uncommitted changes do not count.';
    throw new ProblemError(
      problem('REMOTE_NOT_FOUND', `${remote.display} is a folder, but no git repository`, { hint }),
    );
  }
  return { remote, ref, path, options: { dir: places.copy, remote, env, home: places.home, whole: path === '' } };
}

function isPlainFolder(path: string): boolean {
  const exists = (name: string) => statsOf(join(path, name)) !== undefined;
  return exists('') && !exists('.git') && !(exists('HEAD') && exists('objects'));
}

function checked<T extends object>(parsed: T): Exclude<T, { problem: unknown }> {
  if ('problem' in parsed) throw new ProblemError(parsed.problem as ReturnType<typeof problem>);
  return parsed as Exclude<T, { problem: unknown }>;
}
