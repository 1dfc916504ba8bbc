import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RunResult } from '../host/index.ts';
import { ProblemError, problem } from '../schema/index.ts';
import type { Credentials } from './credentials.ts';
import { checkGit, git, lastWords } from './git.ts';
import { shareTrustedPath } from './mirror-folder.ts';
import { remoteProblem } from './problems.ts';
import type { Oid, Remote } from './types.ts';

export interface ThinCopyOptions {
  /** The bare repository’s folder; made when the first commit is taken over. */
  dir: string;
  remote: Remote;
  /** Nearly every file of it is wanted. */
  whole?: boolean;
  env: NodeJS.ProcessEnv;
  /** Where `git-credentials` and pinned host keys may be; see `mcpctlHome`. */
  home: string;
  /** For one exchange; a transfer is allowed ten times as much. */
  timeoutMs?: number;
}

/** A ref of a remote and the object it is at. */
export interface RemoteRef {
  ref: string;
  oid: Oid;
}

/** Where refs of a remote are now, as `git ls-remote` says. See `askRefs`. @throws ProblemError REMOTE_*, GIT_MISSING */
export async function askRefsOfGit(
  options: ThinCopyOptions,
  patterns: readonly string[],
  signal?: AbortSignal,
): Promise<RemoteRef[]> {
  const { remote, dir, env, timeoutMs = 60_000 } = options;
  await requirePath(remote);
  const { config, extra, secrets } = await credentialsFor(options, signal);
  const globalConfig = remote.kind === 'path' ? await shareTrustedPath(dirname(dir), remote) : undefined;
  const result = await git(['ls-remote', '--quiet', '--', remote.url, ...patterns], {
    ...{ env, config, extra, timeoutMs },
    ...(globalConfig !== undefined && { globalConfig }),
    ...(signal && { signal }),
  });
  if (result.code !== 0) throw await exchangeProblem(result, options, secrets);
  return result.stdout
    .toString()
    .split('\n')
    .flatMap(line => {
      const [, oid = '', ref = ''] = /^([0-9a-f]{40}|[0-9a-f]{64})\t([^\s^]+)$/.exec(line) ?? [];
      return ref === '' ? [] : [{ ref, oid }];
    });
}

/** What git is given for a remote. @throws ProblemError REMOTE_AUTH, SSH_MISSING */
export async function credentialsFor(
  { remote, env, home, dir }: ThinCopyOptions,
  signal: AbortSignal | undefined,
): Promise<Credentials> {
  if (remote.kind === 'path') return { config: [], extra: {}, secrets: [] };
  const { openAccess } = await import('./access.ts');
  const access = await openAccess({ remote, env, home, dir: join(dirname(dir), 'remote'), hostKeys: [] });
  const found = await access.find(signal);
  if ('problem' in found) throw new ProblemError(found.problem);
  return found;
}

/** git’s own words for a path that is missing are about something else. @throws ProblemError REMOTE_NOT_FOUND */
export async function requirePath(remote: Remote): Promise<void> {
  if (remote.kind !== 'path') return;
  const why = await lstat(remote.url).then(
    () => undefined,
    ({ code }: NodeJS.ErrnoException) => (code === 'ENOENT' ? 'no such folder' : code),
  );
  if (why === undefined) return;
  throw new ProblemError(problem('REMOTE_NOT_FOUND', `There is no git repository at ${remote.display}: ${why}`));
}

/** Why an exchange with a remote failed. */
export async function exchangeProblem(
  result: RunResult,
  { env, remote }: ThinCopyOptions,
  secrets: readonly string[],
  ref?: string,
): Promise<ProblemError> {
  if (result.spawnError) {
    const missing = await checkGit(env);
    if (missing) return new ProblemError(missing);
  }
  if (ref !== undefined && /couldn't find remote ref/.test(result.stderr)) {
    return new ProblemError(problem('REF_NOT_FOUND', `The repository ${remote.display} has no \`${ref}\``));
  }
  if (result.aborted) {
    return new ProblemError(problem('REMOTE_TIMEOUT', `${remote.display}: ${lastWords(result, secrets)}`));
  }
  return new ProblemError(remoteProblem(result, remote, secrets));
}
