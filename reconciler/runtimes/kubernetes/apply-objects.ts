import { z } from 'zod';
import { ProblemError, problem } from '../../../schema/index.ts';
import type { KubeApi } from './api.ts';
import { chooseContext, loadConfig } from './cluster.ts';
import { clusterProblem, conflictsOf, KubeRefusal } from './refusal.ts';

/** An object as it is declared, of any kind. */
export interface DeclaredObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  [field: string]: unknown;
}

/** Versions that are taken where a cluster has not the one that is declared; what is declared is the same in both. */
const OLDER: Record<string, string> = { 'policy/v1': 'policy/v1beta1' };

const Resources = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});

/**
 * Apply objects in their order to the cluster of the kubeconfig, by server-side apply. Fields that another manager has stay
 * its own.
 * @param told each object that was applied, as `Kind name`
 * @returns the context
 * @throws ProblemError KUBE_CONTEXT, KUBE_CREDENTIALS, KUBE_FORBIDDEN, KUBE_CONFLICT, RUNTIME_REFUSED, RUNTIME_UNREACHABLE
 */
export async function applyObjects(
  objects: readonly DeclaredObject[],
  env: NodeJS.ProcessEnv,
  told: (object: string) => void,
): Promise<string> {
  const { createApi } = await import('./api.ts');
  const { config } = await loadConfig(env);
  const context = chooseContext(config, env.MCPCTL_KUBE_CONTEXT);
  const api = createApi(config);
  const known = new Map<string, Promise<z.infer<typeof Resources> | undefined>>();

  function resourcesOf(version: string): Promise<z.infer<typeof Resources> | undefined> {
    const present = known.get(version) ?? discover(api, version);
    known.set(version, present);
    return present;
  }

  async function place(object: DeclaredObject): Promise<{ object: DeclaredObject; path: string }> {
    const { apiVersion, kind, metadata } = object;
    const found = (await resourcesOf(apiVersion))?.resources.find(one => one.kind === kind && !one.name.includes('/'));
    const older = OLDER[apiVersion];
    if (!found && older !== undefined) return place({ ...object, apiVersion: older });
    if (!found) throw new ProblemError(problem('RUNTIME_REFUSED', `the cluster has no ${kind} of ${apiVersion}`));
    const scope = found.namespaced ? `/namespaces/${metadata.namespace}` : '';
    return { object, path: `${rootOf(apiVersion)}${scope}/${found.name}/${metadata.name}` };
  }

  try {
    for (const declared of objects) {
      const what = `${declared.kind} ${declared.metadata.name}`;
      try {
        const { object, path } = await place(declared);
        await api.apply(object, { path });
      } catch (error) {
        const conflicts = conflictsOf(error);
        if (conflicts.length === 0) throw new ProblemError(clusterProblem(error, what));
        const words = conflicts.map(({ manager, fields }) => `${manager} has ${fields.join(', ')}`).join('; ');
        throw new ProblemError(problem('KUBE_CONFLICT', `${what}: ${words}`));
      }
      told(what);
    }
  } finally {
    api.close();
  }
  return context;
}

async function discover(api: KubeApi, version: string): Promise<z.infer<typeof Resources> | undefined> {
  try {
    return Resources.parse(await api.get(rootOf(version)));
  } catch (error) {
    if (error instanceof KubeRefusal && error.status === 404) return undefined;
    throw error;
  }
}

function rootOf(version: string): string {
  return version.includes('/') ? `/apis/${version}` : `/api/${version}`;
}
