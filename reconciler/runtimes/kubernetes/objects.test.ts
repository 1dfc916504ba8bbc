import { expect, it } from 'vitest';
import type { LaunchSpec } from '../runtime.ts';
import { differences } from './differences.ts';
import { objectName } from './marks.ts';
import { deploymentObject, networkPolicyObject, type Place, secretObject, serviceObject, valuesOf } from './objects.ts';

const place: Place = { owner: 'a'.repeat(24), namespace: 'n', image: 'runner:1', graceSeconds: 5 };

function spec(more: Partial<LaunchSpec> = {}): LaunchSpec {
  const base = {
    id: 'notes-0',
    server: 'notes',
    ordinal: 0,
    specDigest: 'sha256:one',
    argv: ['node', 'x.js'],
    env: {},
  };
  return { ...base, transport: 'stdio', port: 0, path: '/mcp', secrets: [], ...more };
}

function container(more: Partial<LaunchSpec> = {}, secret?: string): Record<string, unknown> {
  const { template } = deploymentObject(spec(more), place, { ordinals: [0], secret }).spec as never as {
    template: { spec: { containers: Record<string, unknown>[] } };
  };
  return template.spec.containers[0] ?? {};
}

const http: Partial<LaunchSpec> = { transport: 'streamable-http' };

it.each<[string, Partial<LaunchSpec>, Record<string, unknown>]>([
  ['a command over stdio waits for exec', {}, { command: ['/bin/sh', '-c', expect.stringContaining('sleep')] }],
  [
    'a package waits for exec',
    { argv: [], package: { registry: 'npm', identifier: 'a', version: '1.0.0', installScripts: false } },
    { command: ['/bin/sh', '-c', expect.stringContaining('sleep')] },
  ],
  [
    'a package over HTTP is the first process',
    { ...http, argv: [], package: { registry: 'npm', identifier: 'a', version: '1.0.0', installScripts: false } },
    { command: ['/bin/sh', '-c', 'exec "$@"', 'sh', 'mcpctl-package', 'start', 'a', '1.0.0', 'no-scripts', '-'] },
  ],
  ['an image keeps its entrypoint and its stdin', { image: 'i@x', argv: ['--a'] }, { args: ['--a'], stdin: true }],
  ['a network command is the first process', http, { command: ['node', 'x.js'] }],
  ['references in arguments are the cluster’s to replace', { ...http, argv: ['$(A)'] }, { command: ['$(A)'] }],
  [
    'limits are given where declared',
    { limits: { cpu: 0.5, memory: 64 } },
    { resources: { limits: { cpu: '500m', memory: '64' } } },
  ],
  ['requests are given where declared', { requests: { cpu: 2 } }, { resources: { requests: { cpu: '2000m' } } }],
  [
    'no privileges, whatever is declared',
    {},
    {
      securityContext: {
        allowPrivilegeEscalation: false,
        privileged: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
    },
  ],
])('%s', (_situation, more, expected) => {
  expect(container(more)).toMatchObject(expected);
});

it('declares no resources, ports or stdin that nobody declared', () => {
  for (const field of ['resources', 'ports', 'stdin', 'args']) expect(container()).not.toHaveProperty(field);
});

it('puts a secret, and what is made of one, into a Secret only', () => {
  const env = { TOKEN: 's3cret', URL: 'x:$(TOKEN)', PLAIN: 'a$$b' };
  const more = { env, secrets: ['s3cret'] };
  expect(valuesOf(spec(more))).toEqual({ TOKEN: 's3cret', URL: 'x:s3cret' });
  const deployment = deploymentObject(spec(more), place, { ordinals: [0], secret: 'notes-v1' });
  expect(JSON.stringify(deployment)).not.toContain('s3cret');
  expect(container(more, 'notes-v1').env).toEqual(
    expect.arrayContaining([
      { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'notes-v1', key: 'TOKEN' } } },
      { name: 'PLAIN', value: 'a$$b' },
    ]),
  );
  expect(secretObject(spec(more), place, 'notes-v1', valuesOf(spec(more)))).toMatchObject({
    immutable: true,
    data: { TOKEN: Buffer.from('s3cret').toString('base64') },
  });
});

it('gives pods an account without a token, and no root', () => {
  expect(deploymentObject(spec(), place, { ordinals: [0, 2], secret: undefined })).toMatchObject({
    metadata: { annotations: { 'mcpctl.dev/ordinals': '0,2' } },
    spec: {
      replicas: 2,
      template: {
        spec: {
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
        },
      },
    },
  });
});

it.each<[string, Partial<LaunchSpec>, unknown, unknown]>([
  ['stdio: nobody comes in', {}, undefined, [{}]],
  [
    'a network server: only the gateway comes in',
    http,
    [{ from: [expect.anything()], ports: [expect.anything()] }],
    [{}],
  ],
  ['no network: nothing goes out', { isolation: { paths: [], network: 'none' } }, undefined, undefined],
  ['local: nothing goes out', { isolation: { paths: [], network: 'local' } }, undefined, undefined],
])('a network policy, %s', (_situation, more, ingress, egress) => {
  const policy = networkPolicyObject(spec(more), place).spec as Record<string, unknown>;
  expect(policy.policyTypes).toEqual(['Ingress', 'Egress']);
  expect(policy.ingress).toEqual(ingress);
  expect(policy.egress).toEqual(egress);
});

it('gives a network server a Service, and no other', () => {
  expect(serviceObject(spec(), place)).toBeUndefined();
  expect(serviceObject(spec(http), place)).toMatchObject({ spec: { ports: [{ port: 8080, targetPort: 'mcp' }] } });
});

it('names what replaces a server otherwise', () => {
  expect(objectName(spec())).toMatch(/^notes-[0-9a-f]{10}$/);
  expect(objectName(spec({ specDigest: 'sha256:two' }))).not.toBe(objectName(spec()));
});

it.each<[string, unknown, unknown, string[]]>([
  ['the same', { a: 1 }, { a: 1 }, []],
  ['what nobody declared', { a: 1 }, { a: 1, b: 2 }, []],
  ['another value', { replicas: 1 }, { replicas: 3 }, ['/replicas is 3, not 1']],
  ['something missing', { a: { b: 'x' } }, {}, ['/a/b is absent, not "x"']],
  ['quantities, written otherwise', { cpu: '500m', memory: '1024' }, { cpu: '0.5', memory: '1Ki' }, []],
  ['false, left out', { privileged: false }, {}, []],
  [
    'items by name, among others',
    [{ name: 'b', v: 1 }],
    [
      { name: 'a', v: 2 },
      { name: 'b', v: 1 },
    ],
    [],
  ],
  ['keys with slashes', { 'a/b': 1 }, { 'a/b': 2 }, ['/a~1b is 2, not 1']],
])('finds differences: %s', (_situation, declared, live, expected) => {
  expect(differences(declared, live).map(({ words }) => words)).toEqual(expected);
});

it.each<[string, Partial<LaunchSpec>, string | undefined]>([
  ['one that is apart', { project: 'team' }, 'team'],
  ['any other: nothing about it is another for that there are projects', {}, undefined],
])('the project is on every object, and what pods are selected by: %s', (_situation, more, project) => {
  const one = spec({ ...http, ...more });
  const deployment = deploymentObject(one, place, { ordinals: [0], secret: 's' }).spec as never as {
    selector: { matchLabels: Record<string, string> };
    template: { metadata: { labels: Record<string, string> } };
  };
  const labels = [
    deploymentObject(one, place, { ordinals: [0], secret: undefined }).metadata.labels,
    secretObject(one, place, 's', {}).metadata.labels,
    networkPolicyObject(one, place).metadata.labels,
    serviceObject(one, place)?.metadata.labels ?? {},
    deployment.selector.matchLabels,
    deployment.template.metadata.labels,
  ];
  expect(labels.map(found => found['mcpctl.dev/project'])).toEqual(labels.map(() => project));
});
