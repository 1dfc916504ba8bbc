import type { Condition, InstanceStatus, LogPage, ServerStatus } from '../../../reconciler/index.ts';
import type { CliContext } from '../../context.ts';
import { askDaemon } from '../../daemon.ts';
import { type DaemonHere, findDaemonOf } from '../../daemon-here.ts';

/** How many of an instance's newest lines are shown. */
const LOG_LINES = 5;

/** What a running daemon says about a server or a project. */
export interface Live {
  stateDir: string;
  /** The commit whose content is in service. */
  revision: string;
  conditions: Condition[];
  /** The address of a project's endpoint. */
  endpoint?: string;
  tools?: number;
  prompts?: number;
  instances?: (InstanceStatus & { log: string[] })[];
}

/**
 * What the daemon that has the repository in service says about a resource; undefined when there is no daemon, or it
 * knows nothing about it. Never rejects: a description is of use without.
 */
export async function liveStatus(
  context: Pick<CliContext, 'cwd' | 'env'>,
  repositoryId: string,
  kind: string,
  name: string,
): Promise<Live | undefined> {
  if (kind !== 'Server' && kind !== 'Project') return undefined;
  const here = await findDaemonOf(context, repositoryId).catch(() => undefined);
  if (!here) return undefined;
  const server = kind === 'Server' ? here.status.servers.find(one => one.name === name) : undefined;
  if (server) return ofServer(here, server);
  const project = kind === 'Project' ? here.status.projects.find(one => one.name === name) : undefined;
  if (!project) return undefined;
  const { revision, conditions, endpoint } = project;
  return { stateDir: here.daemon.stateDir, revision, conditions, endpoint: `${here.daemon.url}${endpoint}` };
}

async function ofServer(here: DaemonHere, server: ServerStatus): Promise<Live> {
  const { revision, conditions, tools, prompts } = server;
  const instances = await Promise.all(
    server.instances.map(async one => ({ ...one, log: await lastLines(here, one.id) })),
  );
  return { stateDir: here.daemon.stateDir, revision, conditions, tools, prompts, instances };
}

async function lastLines({ daemon }: DaemonHere, id: string): Promise<string[]> {
  const answer = await askDaemon(daemon, 'GET', `/api/v1/instances/${id}/logs`).catch(() => ({ runs: [] }));
  return (answer as LogPage).runs.flatMap(({ lines }) => lines).slice(-LOG_LINES);
}
