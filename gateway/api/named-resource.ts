import { z } from 'zod';
import { findKind, type ResourceId, resourceId, type Scope } from '../../schema/index.ts';

const Name = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
/** How a request names a resource. */
export const Named = z.object({
  kind: z.string().max(32).optional(),
  name: Name.optional(),
  project: Name.optional(),
  agent: Name.optional(),
});

/** The resource that is named; undefined when there is no such kind in that scope. */
export function idOf({ kind, name, project, agent }: z.infer<typeof Named>): ResourceId | undefined {
  const row = kind === undefined ? undefined : findKind(kind);
  if (!row || name === undefined || (project !== undefined && agent !== undefined)) return undefined;
  const type = project !== undefined ? 'project' : agent !== undefined ? 'agent' : 'global';
  if (!row.scopes.includes(type)) return undefined;
  const scope: Scope = project !== undefined ? `project/${project}` : agent !== undefined ? `agent/${agent}` : 'global';
  return resourceId(row.kind, scope, name);
}
