import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeclaredObject } from '../../../reconciler/index.ts';
import { decodeSource, ProblemError, parseYaml } from '../../../schema/index.ts';

/** What is different from place to place; what is left out stays as the base has it. */
export interface BaseSettings {
  repository?: string;
  namespace?: string;
  /** Whose the objects of servers are. */
  name?: string;
  image?: string;
  hostName?: string;
  gateways?: number;
  runnerNode?: string;
  runnerPython?: string;
}

/** The folder of the kustomize base, in the repository and in the published package. */
export function baseFolder(root: string): string {
  return join(root, 'docs', 'deploy', 'kubernetes');
}

/** What a reconciler needs that makes a namespace for each project. */
export function readProjectAccess(root: string): DeclaredObject[] {
  return documentsOf(join(root, 'docs', 'deploy', 'kubernetes-projects'), 'access.yaml');
}

/**
 * The objects of the base, in the order of its kustomization.
 * @throws ProblemError for a file that is no YAML; the error of the system for one that is missing
 */
export function readBase(folder: string): DeclaredObject[] {
  const [kustomization] = documentsOf(folder, 'kustomization.yaml') as unknown as [{ resources: string[] }];
  return kustomization.resources.flatMap(file => documentsOf(folder, file));
}

function documentsOf(folder: string, file: string): DeclaredObject[] {
  const text = readFileSync(join(folder, file), 'utf8');
  return text.split(/^---$/m).map(part => {
    const source = decodeSource(file, Buffer.from(part));
    if ('code' in source) throw new ProblemError(source);
    const parsed = parseYaml(source);
    if ('problems' in parsed)
      throw new ProblemError(parsed.problems[0] as ConstructorParameters<typeof ProblemError>[0]);
    return parsed.document.value as DeclaredObject;
  });
}

/** The base with the settings of one place, as a kustomize overlay would make it. Pure. */
export function fillBase(objects: readonly DeclaredObject[], settings: BaseSettings): DeclaredObject[] {
  return objects.map(object => {
    const filled = filledNode(object, settings) as DeclaredObject;
    const { kind, metadata } = filled;
    if (kind === 'ConfigMap') return { ...filled, data: { ...(filled.data as object), ...dataOf(settings) } };
    if (kind === 'Deployment' && metadata.name === 'mcpctl-gateway' && settings.gateways !== undefined) {
      return { ...filled, spec: { ...(filled.spec as object), replicas: settings.gateways } };
    }
    if (kind === 'Namespace')
      return { ...filled, metadata: { ...metadata, name: settings.namespace ?? metadata.name } };
    return filled;
  });
}

function dataOf({ repository, hostName, runnerNode, runnerPython }: BaseSettings): Record<string, string> {
  const data = { repository, hostName, runnerNode, runnerPython };
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)) as Record<string, string>;
}

/** Namespace, image and name stand in several places. */
function filledNode(node: unknown, settings: BaseSettings): unknown {
  if (Array.isArray(node)) return node.map(item => filledNode(item, settings));
  if (typeof node !== 'object' || node === null) return node;
  const { namespace, image, name } = settings;
  const entries = Object.entries(node).map(([key, value]) => {
    if (key === 'namespace' && namespace !== undefined) return [key, namespace];
    if (key === 'image' && value === 'mcpctl' && image !== undefined) return [key, image];
    if (key === 'value' && name !== undefined && 'name' in node && node.name === 'MCPCTL_KUBE_INSTALLATION')
      return [key, name];
    if (key === 'resourceNames' && name !== undefined) return [key, [`mcpctl-peers-${name}`]];
    return [key, filledNode(value, settings)];
  });
  return Object.fromEntries(entries);
}
