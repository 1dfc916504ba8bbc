import { describe, expect, it } from 'vitest';
import { type Catalog, link, parseFile } from '../schema/index.ts';
import { desiredInstances, desiredItems, type Item, plan } from './plan.ts';

const item = (id: string, parts: Record<string, string> = { spec: '1' }): Item => ({ id, parts });

it.each<[string, Item[], Item[], string[]]>([
  ['nothing declared, nothing there', [], [], []],
  ['declared and not there', [item('a')], [], ['create a: declared, and not there']],
  ['there and no longer declared', [], [item('a')], ['remove a: no longer declared']],
  ['there as declared', [item('a')], [item('a')], []],
  [
    'one part differs',
    [item('a', { args: '1', env: '2' })],
    [item('a', { args: '1', env: '1' })],
    ['update a: env changed'],
  ],
  [
    'a part more, a part less',
    [item('a', { lock: '1', args: '1' })],
    [item('a', { args: '1', secret: '1' })],
    ['update a: lock, secret changed'],
  ],
  [
    'sorted, whatever the order of the input',
    [item('c'), item('a'), item('b', { spec: '2' })],
    [item('d'), item('b')],
    [
      'create a: declared, and not there',
      'update b: spec changed',
      'create c: declared, and not there',
      'remove d: no longer declared',
    ],
  ],
])('%s', (_situation, desired, observed, expected) => {
  expect(plan(desired, observed).steps.map(({ op, id, because }) => `${op} ${id}: ${because}`)).toEqual(expected);
});

const head = (kind: string) => `apiVersion: mcpctl.dev/v1\nkind: ${kind}\n`;

/** `x` is of `a`, `y` of both by name and by label, `z` of nobody. */
function catalogWith(policy: string, servers: Record<string, string> = {}): Catalog {
  const files: Record<string, string> = {
    'mcpctl.yaml': `${head('Repository')}spec: { id: test${policy} }\n`,
    'projects/a/project.yaml': `${head('Project')}spec: { servers: [x, y] }\n`,
    'projects/b/project.yaml': `${head('Project')}spec: { selector: { servers: { matchLabels: { of: b } } } }\n`,
  };
  for (const name of ['x', 'y', 'z']) {
    const labels = name === 'y' ? 'metadata: { labels: { of: b } }\n' : '';
    const spec = servers[name] ?? 'transport: stdio, command: [a]';
    files[`servers/${name}.yaml`] = `${head('Server')}${labels}spec: { ${spec} }\n`;
  }
  const parsed = Object.entries(files).map(([path, text]) =>
    parseFile({ path, oid: '', mode: '100644' }, Buffer.from(text)),
  );
  return link(parsed.flatMap(({ resource }) => resource ?? [])).catalog;
}

const apart = ', kubernetes: { namespaces: project }';

describe('a namespace for each project', () => {
  it.each<[string, Catalog, Record<string, string | undefined>]>([
    ['no policy: nothing is apart', catalogWith(''), {}],
    ['one namespace for all: nothing is apart', catalogWith(', kubernetes: { namespaces: repository }'), {}],
    ['what one project has is apart, what several or none have is not', catalogWith(apart), { x: 'a' }],
    ['a server in a cluster by its own words', catalogWith(apart, { x: spec('runtime: kubernetes') }), { x: 'a' }],
    ['a server that runs elsewhere', catalogWith(apart, { x: spec('runtime: docker') }), {}],
    ['a server that is not run', catalogWith(apart, { x: 'transport: sse, url: "https://example.org"' }), {}],
  ])('%s', (_situation, catalog, expected) => {
    const found = desiredInstances(catalog).flatMap(({ server, project }) => (project ? [[server, project]] : []));
    expect(Object.fromEntries(found)).toEqual(expected);
  });

  it('a server that comes to be another project’s is replaced, and says why', () => {
    const { steps } = plan(desiredItems(catalogWith(apart)), desiredItems(catalogWith('')));
    expect(steps).toEqual([{ op: 'update', id: 'instance/x-0', because: 'namespace changed' }]);
  });
});

function spec(more: string): string {
  return `transport: stdio, command: [a], ${more}`;
}
