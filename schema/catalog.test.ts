import { describe, expect, it } from 'vitest';
import { link } from './catalog.ts';
import { parseFile } from './parse.ts';
import { formatPosition, type Problem } from './problem.ts';
import type { AnyResource } from './resource.ts';

const sha512 = `sha512-${'A'.repeat(86)}==`;

function resource(path: string, content: string): AnyResource {
  const parsed = parseFile({ path, oid: 'oid', mode: '100644' }, Buffer.from(content));
  if (!parsed.resource) throw new Error(`${path}: ${JSON.stringify(parsed.problems)}`);
  return parsed.resource;
}

function yaml(path: string, kind: string, spec: string): AnyResource {
  return resource(path, `apiVersion: mcpctl.dev/v1\nkind: ${kind}\nspec: ${spec}\n`);
}

const repository = yaml('mcpctl.yaml', 'Repository', '{ id: test }');
const plain = (name: string, folder = '') =>
  yaml(`servers/${folder}${name}.yaml`, 'Server', '{ transport: stdio, command: [a] }');
const npm = (name: string, version = '1.0.0') =>
  yaml(
    `servers/${name}.yaml`,
    'Server',
    `{ transport: stdio, package: { registry: npm, identifier: a, version: ${version} } }`,
  );
const needs = (name: string, key: string) =>
  yaml(
    'servers/needy.yaml',
    'Server',
    `{ transport: stdio, command: [a], env: [{ name: A, valueFrom: { secretRef: { name: ${name}, key: ${key} } } }] }`,
  );
const secret = yaml('secrets/tokens.yaml', 'Secret', '{ data: { main: { generate: {} } } }');
const project = (spec: string) => yaml('projects/demo/project.yaml', 'Project', spec);
const prompt = (path: string) => resource(path, '---\ndescription: x\n---\nBody\n');
const lock = (name: string, dependencies: Record<string, string>) =>
  resource(
    `locks/servers/${name}/package-lock.json`,
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': { dependencies },
        ...Object.fromEntries(
          Object.entries(dependencies).map(([key, version]) => [`node_modules/${key}`, { version, integrity: sha512 }]),
        ),
      },
    }),
  );

function shown({ code, at, resource: about, hint }: Problem): string {
  return `${formatPosition(at)} ${code} ${about} → ${hint}`;
}

describe('link: rules', () => {
  it.each<[string, AnyResource[], string[]]>([
    ['nothing wrong', [plain('a'), secret, needs('tokens', 'main'), project('{ servers: [a] }')], []],
    ['an npm server with its lock', [npm('a'), lock('a', { a: '1.0.0' })], []],
    [
      'the same server in two folders',
      [plain('a', 'two/'), plain('a', 'one/')],
      ['servers/two/a.yaml:1:1 DUPLICATE_RESOURCE server/a → Rename or remove one of the files.'],
    ],
    [
      'a server that is not there, with one near',
      [plain('everything'), project('{ servers: [everythin] }')],
      ['projects/demo/project.yaml:3:19 REFERENCE_UNRESOLVED project/demo → Did you mean `everything`?'],
    ],
    [
      'a server that is not there, with none near',
      [plain('everything'), project('{ servers: [zzz] }')],
      ['projects/demo/project.yaml:3:19 REFERENCE_UNRESOLVED project/demo → Add `server/zzz`, or correct the name.'],
    ],
    [
      'a project naming a prompt that is only its own',
      [project('{ prompts: [own] }'), prompt('projects/demo/prompts/own.md')],
      ['projects/demo/project.yaml:3:19 REFERENCE_UNRESOLVED project/demo → Add `prompt/own`, or correct the name.'],
    ],
    [
      'a name in two scopes',
      [project('{ prompts: [a] }'), prompt('prompts/a.md'), prompt('projects/demo/prompts/a.md')],
      [
        'projects/demo/prompts/a.md:1:1 RESOURCE_SHADOWED project/demo/prompt/a → ' +
          'Rename one of the two, or take the global one out of the project.',
      ],
    ],
    [
      'a secret that is not there',
      [needs('token', 'main'), secret],
      ['servers/needy.yaml:3:90 REFERENCE_UNRESOLVED server/needy → Did you mean `tokens`?'],
    ],
    [
      'a key that its secret has not',
      [needs('tokens', 'mian'), secret],
      ['servers/needy.yaml:3:90 REFERENCE_UNRESOLVED server/needy → Did you mean `main`?'],
    ],
    [
      'a key that only every object has',
      [needs('tokens', 'constructor'), secret],
      ['servers/needy.yaml:3:90 REFERENCE_UNRESOLVED server/needy → Its keys: main.'],
    ],
    [
      'a prompt of a project that is not there',
      [prompt('projects/gone/prompts/a.md')],
      [
        'projects/gone/prompts/a.md:1:1 REFERENCE_UNRESOLVED project/gone/prompt/a → ' +
          'Add its `project.yaml`, or move the prompt to `prompts/`.',
      ],
    ],
    ['an npm server without a lock', [npm('a')], ['servers/a.yaml:1:1 LOCK_MISSING server/a → mcpctl lock a']],
    [
      'a lock for another version',
      [npm('a', '1.0.1'), lock('a', { a: '1.0.0' })],
      ['locks/servers/a/package-lock.json:1:1 LOCK_MISMATCH server/a → mcpctl lock a'],
    ],
    [
      'a lock for another package',
      [npm('a'), lock('a', { b: '1.0.0' })],
      ['locks/servers/a/package-lock.json:1:1 LOCK_MISMATCH server/a → mcpctl lock a'],
    ],
    [
      'a lock with one package more',
      [npm('a'), lock('a', { a: '1.0.0', b: '1.0.0' })],
      ['locks/servers/a/package-lock.json:1:1 LOCK_MISMATCH server/a → mcpctl lock a'],
    ],
    [
      'a lock of no server',
      [lock('a', { a: '1.0.0' })],
      ['locks/servers/a/package-lock.json:1:1 LOCK_UNUSED lock/a → Remove the lock.'],
    ],
    [
      'a lock of a server that is no package',
      [plain('a'), lock('a', { a: '1.0.0' })],
      ['locks/servers/a/package-lock.json:1:1 LOCK_UNUSED lock/a → Remove the lock.'],
    ],
  ])('%s', (_situation, resources, expected) => {
    // Whether something is used is another table's question.
    const found = link([repository, ...resources]).problems.filter(({ code }) => code !== 'RESOURCE_UNUSED');
    expect(found.map(shown)).toEqual(expected);
  });

  it('wants a repository', () => {
    expect(link([]).problems.map(({ code }) => code)).toEqual(['REPOSITORY_MISSING']);
    expect(link([], ['repository/repository']).problems).toEqual([]);
  });

  it('says nothing more of what is declared but broken', () => {
    const resources = [
      repository,
      npm('a'),
      needs('tokens', 'main'),
      lock('b', { a: '1.0.0' }),
      prompt('projects/p/prompts/x.md'),
    ];
    expect(link(resources).problems.filter(({ severity }) => severity === 'error')).toHaveLength(2);
    expect(link(resources, ['lock/a', 'secret/tokens', 'server/b', 'project/p']).problems).toEqual([]);
  });
});

describe('link: the catalog', () => {
  it('has each resource once, sorted, whatever the order they came in', () => {
    const resources = [repository, plain('b'), plain('a', 'two/'), plain('c'), plain('a', 'one/'), secret];
    const catalogs = [resources, [...resources].reverse()].map(some => link(some).catalog);
    for (const catalog of catalogs) {
      expect(catalog.list('Server').map(({ file }) => file)).toEqual([
        'servers/one/a.yaml',
        'servers/b.yaml',
        'servers/c.yaml',
      ]);
      expect([...catalog.resources.keys()]).toEqual([
        'repository/repository',
        'secret/tokens',
        'server/a',
        'server/b',
        'server/c',
      ]);
      expect(catalog.repository?.spec.id).toBe('test');
      expect(catalog.get('secret/tokens')).toBe(secret);
      expect(catalog.get('secret/other')).toBeUndefined();
      expect(catalog.list('Prompt')).toEqual([]);
    }
  });

  it('links 10,000 resources of which every reference is wrong', () => {
    const server = plain('a');
    const demo = project('{ servers: [zzzzzz] }');
    const many = Array.from({ length: 5000 }, (_, n): AnyResource[] => [
      { ...server, id: `server/server-${n}`, name: `server-${n}` },
      { ...demo, id: `project/p${n}`, name: `p${n}` },
    ]).flat();
    const { problems } = link([repository, ...many]);
    expect(problems.filter(({ code }) => code === 'REFERENCE_UNRESOLVED')).toHaveLength(5000);
  });
});
