import { expect, it } from 'vitest';
import { clusterProblem, conflictsOf, KubeRefusal } from './refusal.ts';

function refusal(code: number, message: string, more: object = {}): KubeRefusal {
  return new KubeRefusal(code, { kind: 'Status', code, message, ...more });
}

const rbac =
  'deployments.apps "x" is forbidden: User "bob" cannot patch resource "deployments" in API group "apps" in the namespace "n"';

it.each<[string, unknown, string, RegExp]>([
  ['credentials that expired', refusal(401, 'Unauthorized'), 'KUBE_CREDENTIALS', /does not know who asks/],
  ['no right', refusal(403, rbac), 'KUBE_FORBIDDEN', /bob/],
  ['a quota', refusal(403, 'pods "x" is forbidden: exceeded quota: q, used: pods=1'), 'KUBE_QUOTA', /exceeded quota/],
  [
    'a namespace that ends',
    refusal(403, 'x is forbidden', {
      details: { causes: [{ reason: 'NamespaceTerminating', message: 'being terminated' }] },
    }),
    'KUBE_NAMESPACE_ENDING',
    /forbidden/,
  ],
  ['a field that is rejected', refusal(422, 'spec.replicas: Invalid value: -1'), 'RUNTIME_REFUSED', /spec\.replicas/],
  ['somebody wrote at the same time', refusal(409, 'modified', { reason: 'Conflict' }), 'KUBE_CONFLICT', /modified/],
  ['too many requests, to the end', refusal(429, 'too many'), 'RUNTIME_UNREACHABLE', /too many/],
  [
    'no answer',
    Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
    'RUNTIME_UNREACHABLE',
    /REFUSED/,
  ],
  ['words that are no Status', new KubeRefusal(400, '<html>'), 'RUNTIME_REFUSED', /HTTP 400/],
])('%s', (_situation, error, code, words) => {
  const found = clusterProblem(error, 'notes-0', 'server/notes');
  expect(found).toMatchObject({ code, resource: 'server/notes' });
  expect(found.message).toMatch(words);
});

it('names the rule that is missing', () => {
  expect(clusterProblem(refusal(403, rbac), 'x').hint).toBe(
    'Missing rule of a Role in n: {apiGroups: ["apps"], resources: ["deployments"], verbs: ["patch"]}',
  );
  const cluster =
    'namespaces is forbidden: User "bob" cannot create resource "namespaces" in API group "" at the cluster scope';
  expect(clusterProblem(refusal(403, cluster), 'x').hint).toContain('ClusterRole: {apiGroups: [""]');
});

it('suspects the clock when a certificate is not valid yet', () => {
  const error = Object.assign(new Error('certificate is not yet valid'), { code: 'CERT_NOT_YET_VALID' });
  expect(clusterProblem(error, 'x').hint).toMatch(/clocks/);
});

it('names who else manages a field', () => {
  const causes = [
    { reason: 'FieldManagerConflict', message: 'conflict with "kubectl-edit" using apps/v1', field: '.spec.replicas' },
    { reason: 'FieldManagerConflict', message: 'conflict with "kubectl-edit" using apps/v1', field: '.spec.paused' },
    { reason: 'Other', message: 'no' },
  ];
  expect(conflictsOf(refusal(409, 'Apply failed with 2 conflicts', { details: { causes } }))).toEqual([
    { manager: 'kubectl-edit', fields: ['.spec.replicas', '.spec.paused'] },
  ]);
  expect(conflictsOf(new Error('other'))).toEqual([]);
});
