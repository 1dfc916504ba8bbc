import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { z } from 'zod';
import { type Clock, within } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { ownerOf } from '../docker/owner.ts';
import type { KubeApi } from './api.ts';
import { type Areas, createAreas } from './areas.ts';
import { type Attachments, createAttachments } from './attachments.ts';
import { type Cluster, openCluster } from './cluster.ts';
import type { Deployment, Pod } from './found.ts';
import { type Lead, openLead } from './lead.ts';
import { marks } from './marks.ts';
import type { Member } from './member.ts';
import { clusterProblem, KubeRefusal } from './refusal.ts';

/** What a state directory has in a cluster, and what is known of it. */
export interface Yard extends Cluster {
  owner: string;
  lead: Lead;
  /** Where several processes may have the same pods. */
  attachments: Attachments | undefined;
  areas: Areas;
  /** Those of all areas, by name. */
  pods: ReadonlyMap<string, Pod>;
  deployments: ReadonlyMap<string, Deployment>;
  close(): Promise<void>;
}

interface Options {
  stateDir: string;
  env: NodeJS.ProcessEnv;
  clock: Clock;
  /** What is followed, for two of the same name are told apart by it. */
  follows: string;
  /** This process may lead. */
  leads: boolean;
  leaseMs: number;
  resyncMs: number;
  onTry(): void;
  onLead(held: boolean, silent: boolean): void;
  onLeadKept(): void;
  /** @param first it was there when this process first looked */
  onPod(type: 'set' | 'gone', pod: Pod, first: boolean): void;
  onDeployment(type: 'set' | 'gone', deployment: Deployment, first: boolean): void;
  onReturn(): void;
}

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const INSTALLATION = /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/;

/** @throws ProblemError */
export async function openYard({ stateDir, env, clock, ...on }: Options): Promise<Yard> {
  const cluster = await openCluster(stateDir, env, clock);
  const holder = await ownerOf(stateDir, 'kubernetes-owner');
  const installation = env.MCPCTL_KUBE_INSTALLATION;
  if (installation !== undefined && !INSTALLATION.test(installation)) {
    throw new ProblemError(problem('KUBE_CONTEXT', 'MCPCTL_KUBE_INSTALLATION is no name of an installation'));
  }
  const owner = installation ?? holder;
  const namespace = env.MCPCTL_KUBE_NAMESPACE ?? `mcpctl-${installation ?? owner.slice(0, 12)}`;
  if (!NAMESPACE.test(namespace)) {
    throw new ProblemError(problem('KUBE_CONTEXT', 'MCPCTL_KUBE_NAMESPACE is no name of a namespace'));
  }
  const { api } = cluster;
  const run = randomUUID();
  const address = env.MCPCTL_KUBE_POD_IP ?? '127.0.0.1';
  const member: Member = { api, clock, namespace, owner, run, leaseMs: on.leaseMs };
  const attachments = installation === undefined ? undefined : createAttachments(member, address);
  const areas = createAreas({
    ...on,
    api,
    clock,
    owner,
    home: namespace,
    given: env.MCPCTL_KUBE_NAMESPACE !== undefined,
  });

  /** What is there was made by one that led: it has to be known, as far as it can be, before anything is written. */
  async function look(projects: readonly string[] | undefined): Promise<string[]> {
    const told = projects ?? (await labelled(api, owner, namespace));
    // The lease may have been deleted under the one that leads.
    const found = [...new Set([...told, ...areas.projects()])];
    const heard = Promise.allSettled(found.map(async project => areas.at(project).hear()));
    await within(clock, on.leaseMs, heard, () => undefined);
    on.onTry();
    return found.filter(project => !areas.drop(project));
  }

  const lead = openLead({
    ...member,
    holder: `${hostname()}-${holder}`,
    follows: on.follows,
    wanted: on.leads,
    onTry: look,
    onChange: on.onLead,
    onKept: on.onLeadKept,
  });
  async function close(): Promise<void> {
    await Promise.all([lead.stop(), attachments?.close()]);
    areas.stop();
    api.close();
  }
  try {
    await areas.at(undefined).hear();
  } catch (error) {
    await close();
    throw new ProblemError(clusterProblem(error, `namespace ${namespace}`));
  }
  const { pods, deployments } = areas;
  return { ...cluster, owner, lead, attachments, areas, pods, deployments, close };
}

const Namespaces = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

/**
 * The projects whose namespaces carry our mark, where it may be asked. Only needed where no leader has left word of them:
 * at the very first start, and when somebody has deleted the namespace for all.
 */
async function labelled(api: KubeApi, owner: string, home: string): Promise<string[]> {
  const selector = encodeURIComponent(`${marks.owner}=${owner}`);
  try {
    const { items } = Namespaces.parse(await api.get(`/api/v1/namespaces?labelSelector=${selector}`));
    const names = items.map(({ metadata }) => metadata.name);
    return names.flatMap(name => (name.startsWith(`${home}-`) ? [name.slice(home.length + 1)] : []));
  } catch (error) {
    if (error instanceof KubeRefusal && error.status === 403) return [];
    throw error;
  }
}
