import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DeclaredObject } from '../../../reconciler/index.ts';
import { baseFolder, fillBase, readBase, readProjectAccess } from './base.ts';
import { anyNamespaces, preparedNamespaces } from './projects.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const settings = { namespace: 'ai', name: 'team' };
const base = fillBase(readBase(baseFolder(root)), settings);

function shown({ kind, metadata, subjects, roleRef }: DeclaredObject): string {
  const [subject] = (subjects ?? []) as { name: string; namespace: string }[];
  const bound = subject ? ` of ${(roleRef as { name: string }).name} to ${subject.namespace}/${subject.name}` : '';
  return `${kind} ${metadata.namespace ?? ''}/${metadata.name}${bound}`;
}

it('prepares a namespace for each project, with rights in it alone', () => {
  const objects = preparedNamespaces(base, ['notes', 'sales'], settings);
  expect(objects.map(shown).slice(0, 6)).toEqual([
    'Namespace /ai-notes',
    'Role ai-notes/mcpctl-reconciler',
    'Role ai-notes/mcpctl-gateway',
    'RoleBinding ai-notes/mcpctl-reconciler of mcpctl-reconciler to ai/mcpctl-reconciler',
    'RoleBinding ai-notes/mcpctl-gateway of mcpctl-gateway to ai/mcpctl-gateway',
    'Namespace /ai-sales',
  ]);
  expect(objects[0]?.metadata.labels).toEqual({
    'pod-security.kubernetes.io/enforce': 'restricted',
    'mcpctl.dev/owner': 'team',
  });
});

it('says which name would be too long', () => {
  const namespace = 'a'.repeat(50);
  expect(() => preparedNamespaces(base, ['fourteen-chars'], { ...settings, namespace })).toThrow(
    `${namespace}-fourteen-chars has more than 63 characters`,
  );
});

it('lets mcpctl make them, under names of this installation', () => {
  expect(anyNamespaces(fillBase(readProjectAccess(root), settings), settings).map(shown)).toEqual([
    'ClusterRole /ai-reconciler',
    'ClusterRole /ai-gateway',
    'ClusterRoleBinding /ai-reconciler of ai-reconciler to ai/mcpctl-reconciler',
    'ClusterRoleBinding /ai-gateway of ai-gateway to ai/mcpctl-gateway',
  ]);
});

it.each(['reconciler', 'gateway'])('a %s may in a prepared namespace what it may in all', who => {
  const rulesOf = (objects: readonly DeclaredObject[], kind: string) =>
    objects.find(one => one.kind === kind && one.metadata.name === `mcpctl-${who}`)?.rules as object[];
  const beyond = (rules: object[]) => rules.filter(rule => !JSON.stringify(rule).includes('namespaces'));
  const prepared = rulesOf(preparedNamespaces(base, ['notes'], settings), 'Role');
  const all = rulesOf(readProjectAccess(root), 'ClusterRole');
  expect(beyond(prepared)).toEqual(beyond(all));
  expect(all.length).toBe(prepared.length);
});
