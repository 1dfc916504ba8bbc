import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mcpctlHome } from '../host/index.ts';
import type { Status } from '../reconciler/index.ts';
import { ProblemError, problem } from '../schema/index.ts';
import type { CliContext } from './context.ts';
import { askDaemon, type Daemon, daemonStateDirs, findDaemon } from './daemon.ts';
import { findRoot } from './repository-root.ts';

/** A running daemon and what it had in service when it was found. */
export interface DaemonHere {
  daemon: Daemon;
  status: Status;
}

type Context = Pick<CliContext, 'cwd' | 'env'>;

/**
 * The daemon on this machine that has a repository in service, wherever it follows it from.
 * @param repositoryId as `mcpctl.yaml` says
 * @returns undefined when there is none, or none that answers
 */
export async function findDaemonOf(context: Context, repositoryId: string): Promise<DaemonHere | undefined> {
  const asked = daemonStateDirs(mcpctlHome(context.env)).map(stateDir =>
    findDaemon(context, { stateDir, ref: '', path: '' })
      .then(withStatus)
      .catch(() => undefined),
  );
  for (const found of await Promise.all(asked)) if (found?.status.repository.id === repositoryId) return found;
  return undefined;
}

/** Which daemon a command means, on this machine or elsewhere. */
export interface Where {
  dir: string;
  stateDir?: string;
  /** A gateway's address. */
  server?: string;
  /** A context's name. */
  context?: string;
}

/**
 * The daemon that a command means: by address, context or state directory, else the one here that has the repository
 * around `dir` in service, else that of the current context, else the only one.
 * @throws ProblemError CONTEXT_UNKNOWN, CONFIG_INVALID, DAEMON_NOT_RUNNING, DAEMON_REFUSED, STATE_UNUSABLE, USAGE
 */
export async function daemonHere(context: Context, where: Where): Promise<DaemonHere> {
  const { dir, stateDir, server } = where;
  if (server !== undefined || where.context !== undefined) return elsewhere(context, where);
  const id = stateDir === undefined ? await repositoryIdAt(context.cwd, dir) : undefined;
  if (id === undefined) {
    if (stateDir === undefined && (await hasContext(context))) return elsewhere(context, {});
    const named = stateDir === undefined ? {} : { stateDir };
    return withStatus(await findDaemon(context, { ...named, ref: '', path: '' }));
  }
  const found = await findDaemonOf(context, id);
  if (found) return found;
  if (await hasContext(context)) return elsewhere(context, {});
  const hint = 'Start one with `mcpctl up`, or name its `--state-dir`.';
  throw new ProblemError(
    problem('DAEMON_NOT_RUNNING', `no daemon here has the repository \`${id}\` in service`, { hint }),
  );
}

async function elsewhere(context: Context, where: Pick<Where, 'server' | 'context'>): Promise<DaemonHere> {
  const { findGateway } = await import('./contexts.ts');
  const { url, token, name } = await findGateway(context, where);
  return withStatus({ url, token, stateDir: name });
}

/** Whether a context is the current one. */
async function hasContext({ env }: Context): Promise<boolean> {
  const { readConfig } = await import('./contexts.ts');
  return Boolean(env.MCPCTL_CONTEXT) || (await readConfig(mcpctlHome(env)))['current-context'] !== undefined;
}

async function withStatus(daemon: Daemon): Promise<DaemonHere> {
  return { daemon, status: (await askDaemon(daemon, 'GET', '/api/v1/status')) as Status };
}

async function repositoryIdAt(cwd: string, dir: string): Promise<string | undefined> {
  const root = findRoot(cwd, dir);
  if (root === undefined) return undefined;
  const bytes = readFileSync(join(root, 'mcpctl.yaml'));
  const { parseFile } = await import('../schema/parser.ts');
  const { resource } = parseFile({ path: 'mcpctl.yaml', oid: '', mode: '100644' }, bytes);
  return resource?.kind === 'Repository' ? resource.spec.id : undefined;
}
