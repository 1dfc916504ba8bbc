import type { DeclaredObject } from '../../../reconciler/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

interface Installation {
  /** Of mcpctl itself; those of the projects begin with its name. */
  namespace: string;
  /** Whose the objects of servers are. */
  name: string;
}

const MAX_NAME = 63;
/** Whose namespace it is has to be known before anything is made in it. */
const LOOK: Rule = { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] };

/**
 * A namespace for each project, given to mcpctl by its label, and there the rights that mcpctl has in its own. Pure.
 * @param base the filled base, whose namespace and roles are the model
 * @throws ProblemError KUBE_NAMESPACE_NAME
 */
export function preparedNamespaces(
  base: readonly DeclaredObject[],
  projects: readonly string[],
  { namespace, name }: Installation,
): DeclaredObject[] {
  return projects.flatMap(project => {
    const theirs = `${namespace}-${project}`;
    if (theirs.length > MAX_NAME) {
      throw new ProblemError(problem('KUBE_NAMESPACE_NAME', `${theirs} has more than ${MAX_NAME} characters`));
    }
    return base.flatMap(object => preparedObject(object, theirs, name) ?? []);
  });
}

function preparedObject(object: DeclaredObject, namespace: string, owner: string): DeclaredObject | undefined {
  const { kind, metadata } = object;
  if (kind === 'Namespace') {
    const { 'app.kubernetes.io/name': _name, ...labels } = metadata.labels ?? {};
    return { ...object, metadata: { name: namespace, labels: { ...labels, 'mcpctl.dev/owner': owner } } };
  }
  const moved = { ...object, metadata: { ...metadata, namespace } };
  if (kind === 'RoleBinding') return moved;
  if (kind !== 'Role') return undefined;
  const rules = (object.rules as Rule[]).filter(rule => !('resourceNames' in rule));
  return { ...moved, rules: metadata.name.endsWith('reconciler') ? [LOOK, ...rules] : rules };
}

/** The rights to make them, in all namespaces, under names that another installation has not. Pure. */
export function anyNamespaces(access: readonly DeclaredObject[], { namespace }: Installation): DeclaredObject[] {
  const renamed = (name: string) => name.replace(/^mcpctl/, namespace);
  return access.map(({ roleRef, ...object }) => ({
    ...object,
    metadata: { ...object.metadata, name: renamed(object.metadata.name) },
    ...(roleRef !== undefined && { roleRef: { ...(roleRef as object), name: renamed(nameIn(roleRef)) } }),
  }));
}

function nameIn(reference: unknown): string {
  return (reference as { name: string }).name;
}
