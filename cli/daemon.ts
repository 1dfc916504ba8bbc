import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { isSame, mcpctlHome, readPrivateFile } from '../host/index.ts';
import { parseRemote, type Remote } from '../repo/index.ts';
import { type Problem, ProblemError, problem } from '../schema/index.ts';
import { announcedDaemons, daemonFiles } from './announced-daemons.ts';
import type { CliContext } from './context.ts';

/** What a running daemon leaves in its state directory for the other commands. */
export const DaemonFile = z.object({
  pid: z.int(),
  url: z.string(),
  startedAt: z.string(),
  /** Which process it is, so that nobody else who has its port by now is given the token. */
  process: z.object({ pid: z.int(), startTime: z.string(), bootId: z.string() }).optional(),
});
export type DaemonFile = z.infer<typeof DaemonFile>;

/** A running daemon, and the right to speak with it. */
export interface Daemon {
  stateDir: string;
  url: string;
  token: string;
}

/** What of a repository a daemon follows. */
export interface FollowedPart {
  ref: string;
  path: string;
  environment?: string;
}

const MAX_FILE_BYTES = 4096;

const Refusal = z.object({ code: z.literal('RESOURCE_NOT_FOUND'), message: z.string(), hint: z.string() });

/**
 * The default state directory of what is followed. Made from the address, not from the id that the repository claims
 * for itself: a repository must not be able to choose another one's state.
 */
export function defaultStateDir(home: string, remote: Remote, followed: FollowedPart): string {
  const { ref, path, environment } = followed;
  const digest = createHash('sha256')
    .update(JSON.stringify([remote.url, ref, path, ...(environment === undefined ? [] : [environment])]))
    .digest('hex')
    .slice(0, 12);
  const name = basename(path === '' ? remote.url : path)
    .replace(/\.git$/, '')
    .replace(/[^A-Za-z0-9.-]/g, '-');
  return join(home, 'state', `${name || 'repository'}-${digest}`);
}

/**
 * Find the daemon that a command means: by state directory, by repository, or the only one there is.
 * @throws ProblemError DAEMON_NOT_RUNNING, STATE_UNUSABLE, REMOTE_UNSUPPORTED
 */
export async function findDaemon(
  { env, cwd }: Pick<CliContext, 'env' | 'cwd'>,
  where: FollowedPart & { stateDir?: string; repository?: string },
): Promise<Daemon> {
  const home = mcpctlHome(env);
  if (where.stateDir !== undefined) return readDaemon(where.stateDir);
  if (where.repository !== undefined) {
    const remote = parseRemote(where.repository, cwd);
    if ('problem' in remote) throw new ProblemError(remote.problem);
    return readDaemon(defaultStateDir(home, remote, where));
  }
  const found = daemonStateDirs(home);
  const [only, ...others] = found;
  if (only === undefined) {
    throw new ProblemError(problem('DAEMON_NOT_RUNNING', `no daemon has its state below ${join(home, 'state')}`));
  }
  if (others.length > 0) {
    throw new ProblemError(
      problem('USAGE', `several daemons run here: ${found.map(dir => basename(dir)).join(', ')}`, {
        hint: `name one: --state-dir ${only}`,
      }),
    );
  }
  return readDaemon(only);
}

/** The state directories below a home in which a daemon runs. Sorted. */
export function daemonStateDirs(home: string): string[] {
  return announcedDaemons(home).filter(dir => !isLeftOver(dir));
}

/** Whether what a daemon announced is of one that was killed. What cannot be read is for its reader to complain about. */
function isLeftOver(stateDir: string): boolean {
  try {
    const { process } = DaemonFile.parse(JSON.parse(readFileSync(join(stateDir, daemonFiles.daemon), 'utf8')));
    return process === undefined || !isSame(process);
  } catch {
    return false;
  }
}

async function readDaemon(stateDir: string): Promise<Daemon> {
  const file = join(stateDir, daemonFiles.daemon);
  if (!existsSync(file)) throw new ProblemError(problem('DAEMON_NOT_RUNNING', `no daemon runs on ${stateDir}`));
  const { url, process, token } = await readDaemonFiles(stateDir, file);
  if (process && isSame(process)) return { stateDir, url, token };
  throw new ProblemError(
    problem('DAEMON_NOT_RUNNING', `the daemon of ${stateDir} was killed, or the machine restarted`),
  );
}

async function readDaemonFiles(stateDir: string, file: string): Promise<DaemonFile & { token: string }> {
  try {
    const daemon = DaemonFile.parse(JSON.parse((await readPrivateFile(file, MAX_FILE_BYTES)).toString('utf8')));
    const token = await readPrivateFile(join(stateDir, daemonFiles.token), MAX_FILE_BYTES);
    return { ...daemon, token: token.toString('utf8').trim() };
  } catch (cause) {
    const message = `${stateDir}: ${cause instanceof Error ? cause.message : cause}`;
    throw new ProblemError(problem('STATE_UNUSABLE', message), { cause });
  }
}

/**
 * Ask the daemon. @returns the JSON body of a 2xx answer
 * @throws ProblemError DAEMON_NOT_RUNNING when nobody answers, RESOURCE_NOT_FOUND for what is not there,
 * DAEMON_REFUSED for any other status; the signal's reason when that aborts
 */
export async function askDaemon(
  daemon: Daemon,
  method: 'GET' | 'POST',
  path: string,
  signal?: AbortSignal,
): Promise<unknown> {
  const timeout = AbortSignal.timeout(10_000);
  const answer = await fetch(`${daemon.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${daemon.token}` },
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    redirect: 'error',
  }).catch(cause => {
    signal?.throwIfAborted();
    const message = `the daemon of ${daemon.stateDir} does not answer on ${daemon.url}`;
    throw new ProblemError(problem('DAEMON_NOT_RUNNING', message), { cause });
  });
  if (answer.status === 404) throw new ProblemError(await notFound(answer, path));
  if (!answer.ok) throw new ProblemError(problem('DAEMON_REFUSED', `${method} ${path}: HTTP ${answer.status}`));
  return answer.json();
}

/** What the daemon says is not there; an older daemon does not know the address itself. */
async function notFound(answer: Response, path: string): Promise<Problem> {
  const said = Refusal.safeParse(await answer.json().catch(() => undefined));
  if (said.success) return problem('RESOURCE_NOT_FOUND', said.data.message, { hint: said.data.hint });
  return problem('DAEMON_REFUSED', `the daemon knows no ${path}`, { hint: 'Start it again with this version.' });
}
