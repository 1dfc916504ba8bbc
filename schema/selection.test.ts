import { expect, it } from 'vitest';
import { link } from './catalog.ts';
import { parseFile } from './parse.ts';
import type { AnyResource } from './resource.ts';
import { selectedServers, selectorLimits } from './selection.ts';

function resource(path: string, kind: string, spec: string): AnyResource {
  const text = `apiVersion: mcpctl.dev/v1\nkind: ${kind}\nspec: ${spec}\n`;
  const { resource: one, problems } = parseFile({ path, oid: '', mode: '100644' }, Buffer.from(text));
  if (!one) throw new Error(JSON.stringify(problems));
  return one;
}

const server = resource('servers/s.yaml', 'Server', '{ transport: stdio, command: [a] }');
const project = resource('projects/p/project.yaml', 'Project', '{ selector: { servers: {} } }');

function servers(count: number): AnyResource[] {
  return Array.from({ length: count }, (_, n) => ({ ...server, id: `server/s${n}`, name: `s${n}` }) as AnyResource);
}

/** How many servers the first project has, and which problems there are of its selector. */
function outcome(resources: AnyResource[]): { selected: number | undefined; refused: number } {
  const { catalog, problems } = link(resources);
  const [first] = catalog.list('Project');
  return {
    selected: first && selectedServers(catalog, first).length,
    refused: problems.filter(({ code }) => code === 'SELECTOR_LIMIT').length,
  };
}

it('a selector takes in as much as is allowed, and then nothing', () => {
  const { matches } = selectorLimits;
  expect(outcome([project, ...servers(matches)])).toEqual({ selected: matches, refused: 0 });
  expect(outcome([project, ...servers(matches + 1)])).toEqual({ selected: 0, refused: 1 });
});

it('thousands of selectors that are all different come to an end', () => {
  const many = Array.from({ length: 4_000 }, (_, n) => {
    const one = resource(
      'projects/p/project.yaml',
      'Project',
      `{ selector: { servers: { matchLabels: { a: "${n}" } } } }`,
    );
    return { ...one, id: `project/p${n}`, name: `p${n}` } as AnyResource;
  });
  const { refused } = outcome([...many, ...servers(4_000)]);
  expect(refused).toBe(4_000 - selectorLimits.comparisons / 4_000);
});
