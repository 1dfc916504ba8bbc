import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { z } from 'zod';
import type { Clock } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { ownerOf } from '../docker/owner.ts';
import { type Attachments, createAttachments } from './attachments.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { Deployment, Pod } from './found.ts';
import { type Lead, openLead } from './lead.ts';
import { marks } from './marks.ts';
import type { Member } from './member.ts';
import { type KubeObject, pathOf, sharedObjects } from './objects.ts';
import { clusterProblem, KubeRefusal } from './refusal.ts';
import { type Cache, watchKind } from './watch.ts';

/** The namespace of a state directory, and what is known of it. */
export interface Yard extends Cluster {
  owner: string;
  namespace: string;
  lead: Lead;
  /** Where several processes may have the same pods. */
  attachments: Attachments | undefined;
  pods: Cache<Pod>;
  deployments: Cache<Deployment>;
  /** Have what all servers share. */
  share(): Promise<void>;
  /** It may be there no more: look again at the next time. */
  doubt(): void;
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
  onPod(type: 'set' | 'gone', pod: Pod): void;
  onDeployment(type: 'set' | 'gone', deployment: Deployment): void;
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
  const lead = openLead({
    ...member,
    holder: `${hostname()}-${holder}`,
    follows: on.follows,
    wanted: on.leads,
    onTry: on.onTry,
    onChange: on.onLead,
    onKept: on.onLeadKept,
  });
  const selector = `${marks.owner}=${owner}`;
  const watched = { api, clock, selector, resyncMs: on.resyncMs, onReturn: () => undefined };
  const pods = watchKind({
    ...watched,
    path: `/api/v1/namespaces/${namespace}/pods`,
    item: Pod,
    onChange: on.onPod,
    onReturn: on.onReturn,
  });
  const deployments = watchKind({
    ...watched,
    path: `/apis/apps/v1/namespaces/${namespace}/deployments`,
    item: Deployment,
    onChange: on.onDeployment,
  });
  async function close(): Promise<void> {
    await Promise.all([lead.stop(), attachments?.close()]);
    pods.stop();
    deployments.stop();
    api.close();
  }
  try {
    await Promise.all([pods.ready, deployments.ready]);
  } catch (error) {
    await close();
    throw new ProblemError(clusterProblem(error, `namespace ${namespace}`));
  }
  const given = env.MCPCTL_KUBE_NAMESPACE !== undefined;
  let shared: Promise<void> | undefined;
  return {
    ...cluster,
    owner,
    namespace,
    lead,
    attachments,
    pods,
    deployments,
    share() {
      // Who only reads may not look at the namespace itself.
      if (!on.leads) return Promise.resolve();
      shared ??= ensureShared(cluster, owner, namespace, given).catch((error: unknown) => {
        shared = undefined;
        throw error;
      });
      return shared;
    },
    doubt() {
      shared = undefined;
    },
    close,
  };
}

const Present = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
  status: z.object({ phase: z.string().default('') }).default({ phase: '' }),
});

/** A namespace that was named by hand may be anybody's; one of another installation's is not shared. */
async function ensureShared({ api }: Cluster, owner: string, namespace: string, given: boolean): Promise<void> {
  for (const object of sharedObjects(owner, namespace)) {
    const there = await present(api.get(pathOf(object)), given);
    if (there === 'unknown') continue;
    if (there?.status.phase === 'Terminating') {
      throw new ProblemError(problem('KUBE_NAMESPACE_ENDING', `the namespace ${namespace} is being deleted`));
    }
    if (!there) await api.apply(object);
    else refuseForeign(object, there.metadata.labels[marks.owner], owner, given);
  }
}

async function present(
  asked: Promise<unknown>,
  given: boolean,
): Promise<z.infer<typeof Present> | 'unknown' | undefined> {
  try {
    return Present.parse(await asked);
  } catch (error) {
    if (!(error instanceof KubeRefusal)) throw error;
    if (error.status === 404) return undefined;
    // Whoever may only use what is in a namespace may not look at the namespace itself.
    if (error.status === 403 && given) return 'unknown';
    throw error;
  }
}

function refuseForeign({ kind, metadata }: KubeObject, whose: string | undefined, owner: string, given: boolean): void {
  if (whose === owner || (whose === undefined && given)) return;
  const who = whose === undefined ? 'somebody else' : `another installation of mcpctl (${whose})`;
  throw new ProblemError(problem('KUBE_OBJECT_FOREIGN', `${kind} ${metadata.name} belongs to ${who}`));
}
