import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Problem, ProblemError, problem } from '../schema/index.ts';
import { type Access, openAccess } from './access.ts';
import { Exchange } from './exchange.ts';
import { checkGit } from './git.ts';
import { createMirror, heldOid, isSound, type MirrorFolder, removeLeftovers } from './mirror-folder.ts';
import { createRateLimit, type RateLimit } from './rate-limit.ts';
import { tidyMirror } from './tidy.ts';
import type { FetchMode, FetchResult, Mirror, Remote } from './types.ts';

export interface MirrorOptions {
  /** The bare repository's folder; made when absent, made anew when damaged. Nothing else may be in it. */
  dir: string;
  remote: Remote;
  /** A full ref, as `parseRef` returns it. */
  ref: string;
  /** The daemon's environment: PATH, proxies, certificate authorities, MCPCTL_GIT_* */
  env: NodeJS.ProcessEnv;
  /** Where `git-credentials` and the pinned ssh host keys may be; see `mcpctlHome`. */
  home: string;
  /** Where the deploy key of an ssh remote is kept; beside `dir` unless given. */
  accessDir?: string;
  /** Fingerprints (`SHA256:…`) of the ssh host's keys, given by hand; one that the host has is pinned. */
  hostKeys?: readonly string[];
  /** For one exchange with the remote. The first transfer, which may be long, is allowed ten times as much. */
  timeoutMs?: number;
  /** What one fetch may bring. 1 GiB unless given. */
  maxFetchBytes?: number;
  /** Called before the remote is asked; for a remote that is itself made from something else. */
  refresh?: () => Promise<{ problem?: Problem | undefined }>;
}

/**
 * Open the daemon's bare copy of a remote. Throws a ProblemError: GIT_MISSING, SSH_MISSING, REMOTE_AUTH for an ssh key
 * that cannot be used, or STATE_UNUSABLE when `dir` is not ours.
 * The remote is not spoken to before the first `fetch`, which runs alone: a second one waits for it.
 */
export async function openMirror(options: MirrorOptions): Promise<Mirror> {
  const { dir, remote, ref, env } = options;
  const held = ref.startsWith('refs/tags/') ? 'refs/tags/followed' : 'refs/heads/followed';
  const folder: MirrorFolder = { dir, env, remote, held };
  const missing = await checkGit(env);
  if (missing) throw new ProblemError(missing);
  const { home, hostKeys = [], accessDir = join(dirname(dir), 'remote') } = options;
  const access = await openAccess({ remote, env, home, dir: accessDir, hostKeys });
  const limit = createRateLimit(remote.display);
  await removeLeftovers(dir);
  if (!(await isSound(folder))) await createMirror(folder);

  let last: Promise<unknown> = Promise.resolve();
  /** One git at a time: none may meet another's half-written files. */
  function alone<T>(work: () => Promise<T>, after?: () => Promise<void>): Promise<T> {
    const next = last.then(work);
    last = next.then(after).catch(() => undefined);
    return next;
  }
  const everything = { folder, options, access, limit };
  return {
    gitDir: dir,
    ...(access.deployKey && { deployKey: access.deployKey }),
    fetch: (mode, signal) =>
      alone(
        () => fetchOnce(everything, mode, signal),
        () => tidyMirror(folder),
      ),
    deepen: (commits, signal) => alone(() => deepenOnce(everything, commits, signal)),
    list: (prefixes, signal) =>
      alone(async () => {
        const exchange = await openExchange(everything, signal);
        return 'problem' in exchange ? exchange : exchange.list(prefixes);
      }),
    take: (taken, as, signal) =>
      alone(async () => {
        const exchange = await openExchange(everything, signal);
        return 'problem' in exchange ? exchange : exchange.take(taken, as);
      }),
  };
}

interface Everything {
  folder: MirrorFolder;
  options: MirrorOptions;
  access: Access;
  limit: RateLimit;
}

/** Everything that is looked at before the remote is asked. */
async function openExchange(
  { folder, options, access, limit }: Everything,
  signal: AbortSignal | undefined,
): Promise<Exchange | { problem: Problem }> {
  const limited = limit.problem();
  if (limited) return { problem: limited };
  const absent = await pathProblem(options.remote);
  if (absent) return { problem: absent };
  const credentials = await access.find(signal);
  return 'problem' in credentials ? credentials : new Exchange(folder, options, credentials, limit, signal);
}

async function fetchOnce(
  everything: Everything,
  mode: FetchMode,
  signal: AbortSignal | undefined,
): Promise<FetchResult> {
  const refreshed = await everything.options.refresh?.();
  if (refreshed?.problem) return { problem: refreshed.problem };
  const exchange = await openExchange(everything, signal);
  if ('problem' in exchange) return exchange;

  const before = await heldOid(everything.folder);
  if (mode === 'poll' && before !== undefined) {
    const asked = await exchange.ask();
    if ('problem' in asked) return asked;
    if (asked.oid === before) return exchange.result(before, before);
  }
  const fetched = mode === 'rebuild' ? await exchange.rebuild() : await exchange.transfer(before === undefined);
  return 'problem' in fetched ? fetched : exchange.result(fetched.oid, before);
}

async function deepenOnce(
  everything: Everything,
  commits: number,
  signal: AbortSignal | undefined,
): Promise<{ problem?: Problem }> {
  const exchange = await openExchange(everything, signal);
  return 'problem' in exchange ? exchange : exchange.deepen(commits);
}

/** git’s own words for a path that is missing, or is a file, are about something else. */
async function pathProblem(remote: Remote): Promise<Problem | undefined> {
  if (remote.kind !== 'path') return undefined;
  const found = await stat(remote.url).catch((error: NodeJS.ErrnoException) => error.code ?? 'unknown error');
  if (typeof found !== 'string' && found.isDirectory()) return undefined;
  const why = typeof found !== 'string' ? 'it is not a folder' : found === 'ENOENT' ? 'no such folder' : found;
  return problem('REMOTE_NOT_FOUND', `There is no git repository at ${remote.display}: ${why}`);
}
