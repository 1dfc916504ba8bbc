import type { Project, Server } from './kinds/index.ts';
import type { Kind, Reference } from './resource.ts';

/** Where a path of the document stands. */
export type Locate = (path: readonly PropertyKey[]) => { line: number; column: number };

/** The Secrets that a server's environment takes its values from. */
export function serverReferences(spec: Server, locate: Locate): Reference[] {
  return spec.env.flatMap((variable, index) => {
    if (!('valueFrom' in variable)) return [];
    const { name, key } = variable.valueFrom.secretRef;
    const place = locate(['spec', 'env', index, 'valueFrom', 'secretRef', 'name']);
    return [{ kind: 'Secret' as const, name, key, ...place }];
  });
}

/** The servers and global prompts that a project serves. */
export function projectReferences(spec: Project, locate: Locate): Reference[] {
  const named = (kind: Kind, field: 'servers' | 'prompts') =>
    spec[field].map((name, index) => ({ kind, name, ...locate(['spec', field, index]) }));
  return [...named('Server', 'servers'), ...named('Prompt', 'prompts')];
}
