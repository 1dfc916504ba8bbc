import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { z } from 'zod';
import { type Clock, readPrivateFile, writeAtomic } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';
import { createApi, type KubeApi } from './api.ts';
import { clusterProblem, KubeRefusal } from './refusal.ts';

/** Which cluster is meant: written down at the first start, so that a changed kubeconfig cannot lead elsewhere. */
const Pin = z.object({ context: z.string(), cluster: z.string() });

const FILE = 'kubernetes.json';
const IN_CLUSTER = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface Cluster {
  api: KubeApi;
  context: string;
  /** mcpctl itself runs in a pod, and reaches others by their addresses. */
  inside: boolean;
}

/** Whether this state directory ever had anything in a cluster. */
export function hasCluster(stateDir: string): boolean {
  return existsSync(join(stateDir, FILE));
}

/**
 * The cluster of a state directory: MCPCTL_KUBE_CONTEXT's of the kubeconfig, or else its current one at the first time.
 * @throws ProblemError KUBE_CONTEXT, KUBE_CLUSTER_CHANGED, KUBE_CREDENTIALS, RUNTIME_UNREACHABLE
 */
export async function openCluster(stateDir: string, env: NodeJS.ProcessEnv, clock: Clock): Promise<Cluster> {
  const { config, inside } = await loadConfig(env);
  const pinned = await readPin(stateDir);
  const context = chooseContext(config, env.MCPCTL_KUBE_CONTEXT ?? pinned?.context);
  const api = createApi(config, clock);
  const cluster = await identityOf(api, config).catch((error: unknown) => {
    api.close();
    throw new ProblemError(clusterProblem(error, `context ${context}`));
  });
  if (pinned && pinned.cluster !== cluster) {
    api.close();
    const hint = `To move there, end what runs in the old cluster and remove ${join(stateDir, FILE)}.`;
    const message = `context ${context} leads to another cluster than the one that this state directory is for`;
    throw new ProblemError(problem('KUBE_CLUSTER_CHANGED', message, { hint }));
  }
  if (pinned?.context !== context) {
    await writeAtomic(join(stateDir, FILE), `${JSON.stringify({ context, cluster })}\n`, { mode: 0o600 });
  }
  return { api, context, inside };
}

/** The kubeconfig, as `kubectl` finds it. @throws ProblemError KUBE_CONTEXT */
export async function loadConfig(env: NodeJS.ProcessEnv): Promise<{ config: KubeConfig; inside: boolean }> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const config = new KubeConfig();
  return { config, inside: load(config, env) };
}

/** @param wanted the current one unless given. @throws ProblemError KUBE_CONTEXT */
export function chooseContext(config: KubeConfig, wanted: string | undefined): string {
  const context = wanted ?? config.getCurrentContext();
  if (!config.getContextObject(context)) {
    const names = config.getContexts().map(({ name }) => name);
    const message = `there is no context \`${context}\` in the kubeconfig`;
    throw new ProblemError(problem('KUBE_CONTEXT', message, { hint: `It has: ${names.join(', ') || 'none'}` }));
  }
  config.setCurrentContext(context);
  return context;
}

function load(config: KubeConfig, env: NodeJS.ProcessEnv): boolean {
  const files = (env.KUBECONFIG ?? '').split(delimiter).filter(file => file !== '');
  const home = join(env.HOME ?? '/nonexistent', '.kube', 'config');
  try {
    if (files.length > 0) loadFiles(config, files);
    else if (existsSync(home)) config.loadFromFile(home);
    else if (existsSync(join(IN_CLUSTER, 'token'))) {
      config.loadFromCluster();
      return true;
    } else throw new Error('there is no kubeconfig, and this is no pod of a cluster');
  } catch (error) {
    const hint = 'Set KUBECONFIG, or write ~/.kube/config.';
    const words = error instanceof Error ? error.message : String(error);
    throw new ProblemError(problem('KUBE_CONTEXT', `the kubeconfig cannot be used: ${words}`, { hint }));
  }
  return false;
}

function loadFiles(config: KubeConfig, [first = '', ...others]: string[]): void {
  config.loadFromFile(first);
  for (const file of others) {
    // Of several files with the same name in them, the first has its way.
    const Config = config.constructor as new () => KubeConfig;
    const more = new Config();
    more.loadFromFile(file);
    config.mergeConfig(more, true);
  }
}

async function readPin(stateDir: string): Promise<z.infer<typeof Pin> | undefined> {
  if (!hasCluster(stateDir)) return undefined;
  const text = (await readPrivateFile(join(stateDir, FILE), 10_000)).toString('utf8');
  return Pin.safeParse(JSON.parse(text)).data;
}

const Namespace = z.object({ metadata: z.object({ uid: z.string() }) });

/** A cluster is known by the identity of its oldest namespace; where that may not be read, by its address. */
async function identityOf(api: KubeApi, config: KubeConfig): Promise<string> {
  try {
    return Namespace.parse(await api.get('/api/v1/namespaces/kube-system')).metadata.uid;
  } catch (error) {
    if (!(error instanceof KubeRefusal && error.status === 403)) throw error;
    return config.getCurrentCluster()?.server ?? '';
  }
}
