import { describe, expect, it } from 'vitest';
import { link, parseFile } from '../../schema/index.ts';
import type { PackageStore } from '../packages/index.ts';
import { desiredInstances } from '../plan.ts';
import { createPrepare } from './prepare.ts';

const head = (kind: string) => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\nspec: `;
const packages: Pick<PackageStore, 'install'> = {
  install: async ({ identifier }) => ({ entry: `/store/${identifier}.js`, dir: '/store' }) as never,
};
const reader = { read: notRead, blob: notRead, wake: notRead, close: notRead };
const secrets = { env: { MCPCTL_SECRET_T: 's3cr3t' }, home: '/nowhere', stateDir: '/nowhere' };

function notRead(): never {
  throw new Error('nothing is read');
}

/** What a server's launch comes to. */
async function prepared(spec: string, policy = '') {
  const files = {
    'mcpctl.yaml': `${head('Repository')}{ id: test${policy} }\n`,
    'servers/x.yaml': `${head('Server')}{ ${spec} }\n`,
    'projects/p/project.yaml': `${head('Project')}{ servers: [x] }\n`,
    'secrets/s.yaml': `${head('Secret')}{ data: { k: { env: MCPCTL_SECRET_T }, gone: { env: MCPCTL_SECRET_GONE } } }\n`,
  };
  const parsed = Object.entries(files).map(([path, text]) =>
    parseFile({ path, oid: '', mode: '100644' }, Buffer.from(text)),
  );
  const { catalog } = link(parsed.flatMap(({ resource }) => resource ?? []));
  const [desired] = desiredInstances(catalog);
  if (!desired) throw new Error(JSON.stringify(parsed.flatMap(({ problems }) => problems)));
  const prepare = createPrepare({ packages: packages as PackageStore, reader, secrets, runtime: 'process' });
  return prepare(desired, catalog, new AbortController().signal);
}

const http = 'transport: streamable-http, url: "https://example.org/mcp"';
const ref = (key: string) => `valueFrom: { secretRef: { name: s, key: ${key} } }`;

describe('createPrepare', () => {
  it('gives a command its arguments, environment and folder', async () => {
    const spec = `transport: stdio, command: [run, a], cwd: /srv, args: [b], env: [{ name: T, ${ref('k')} }, { name: U, value: v }]`;
    expect(await prepared(spec)).toMatchObject({
      launch: { argv: ['run', 'a', 'b'], cwd: '/srv', env: { T: 's3cr3t', U: 'v' }, secrets: ['s3cr3t'] },
    });
  });

  it('gives an external server its headers', async () => {
    expect(await prepared(`${http}, headers: [{ name: Authorization, ${ref('k')} }, { name: X, value: y }]`)).toEqual({
      external: {
        url: 'https://example.org/mcp',
        headers: { Authorization: 's3cr3t', X: 'y' },
        sse: false,
        secrets: ['s3cr3t'],
      },
    });
  });

  it.each([
    ['an external server', 'url: "https://example.org/sse"', { external: { sse: true } }],
    ['a started one', 'command: [a], path: /sse', { launch: { transport: 'sse', path: '/sse' } }],
  ])('has %s spoken with by server-sent events', async (_what, spec, expected) => {
    expect(await prepared(`transport: sse, ${spec}`)).toMatchObject(expected);
  });

  it.each([
    ['an image', `transport: stdio, image: "sha256:${'0'.repeat(64)}"`, 'RUNTIME_UNSUPPORTED', 'a container image'],
    [
      'a Python package',
      'transport: stdio, package: { registry: pypi, identifier: a, version: "1.0" }',
      'RUNTIME_UNSUPPORTED',
      'a package of pypi',
    ],
    ['a header without its secret', `${http}, headers: [{ name: A, ${ref('gone')} }]`, 'SECRET_UNRESOLVED', 'A: '],
  ])('says why %s cannot be started', async (_what, spec, code, words) => {
    expect(await prepared(spec)).toMatchObject({
      problem: { code, message: expect.stringContaining(words), at: { file: 'servers/x.yaml' } },
    });
  });
});

it.each([
  [
    'an image, by its entrypoint',
    `transport: stdio, runtime: docker, image: "sha256:${'0'.repeat(64)}", args: [--x]`,
    { image: `sha256:${'0'.repeat(64)}`, argv: ['--x'] },
  ],
  [
    'a package of pypi, by the python runner',
    'transport: stdio, runtime: docker, package: { registry: pypi, identifier: a-b, version: 1.0.0 }',
    { runner: 'python', package: { registry: 'pypi', identifier: 'a-b', version: '1.0.0' }, argv: [] },
  ],
  [
    'a command, by the node runner',
    'transport: stdio, runtime: docker, command: [a], args: [b]',
    { runner: 'node', argv: ['a', 'b'] },
  ],
  [
    'limits',
    'transport: stdio, runtime: docker, command: [a], resources: { limits: { cpu: 500m, memory: 64Mi, pids: 9, files: 32 } }',
    { limits: { cpu: 0.5, memory: 67_108_864, pids: 9, files: 32 } },
  ],
  [
    'a command in a cluster, by the node runner',
    'transport: stdio, runtime: kubernetes, command: [a]',
    { runtime: 'kubernetes', runner: 'node', argv: ['a'] },
  ],
])('gives a container %s', async (_situation, spec, expected) => {
  expect(await prepared(spec)).toMatchObject({ launch: { runtime: 'docker', ...expected } });
});

it.each([
  ['a process is isolated', 'command: [a]', { isolation: { paths: [], network: 'full' } }],
  [
    'what is declared counts',
    'command: [a], isolation: { network: none }',
    { isolation: { paths: [], network: 'none' } },
  ],
])('where isolation is required, %s', async (_situation, spec, expected) => {
  const required = await prepared(`transport: stdio, ${spec}`, ', requireIsolation: true');
  expect(required).toMatchObject({ launch: expected });
});

it.each([
  ['in a cluster', 'runtime: kubernetes', 'p'],
  ['elsewhere', 'runtime: docker', undefined],
  ['as a process, though none is named', 'cwd: /', undefined],
])('a server of one project, where projects are apart, %s', async (_where, more, project) => {
  const result = await prepared(`transport: stdio, command: [a], ${more}`, ', kubernetes: { namespaces: project }');
  expect((result as { launch: { project?: string } }).launch.project).toBe(project);
});

it('isolates nothing where nothing asks for it', async () => {
  const { launch } = (await prepared('transport: stdio, command: [a]')) as { launch: object };
  expect(launch).not.toHaveProperty('isolation');
});
