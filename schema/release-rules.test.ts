import { expect, it } from 'vitest';
import { parseFile } from './parse.ts';
import { releaseProblems } from './release-rules.ts';
import type { AnyResource } from './resource.ts';

function server(spec: string): AnyResource {
  const text = `apiVersion: mcpctl.dev/v1\nkind: Server\nspec: { transport: stdio, command: [run]${spec} }\n`;
  const { resource } = parseFile({ path: 'servers/x.yaml', oid: '', mode: '100644' }, Buffer.from(text));
  if (!resource) throw new Error('not a server');
  return resource;
}

it.each([
  ['', 'process', ['ISOLATION_REQUIRED']],
  ['', 'docker', []],
  ['', 'kubernetes', []],
  [', runtime: process', 'docker', ['ISOLATION_REQUIRED']],
  [', runtime: docker', 'process', []],
  [', isolation: { network: none }', 'process', []],
])('a server%s, where servers run as %s', (spec, standard, codes) => {
  expect(releaseProblems(server(spec), () => undefined, standard).map(({ code }) => code)).toEqual(codes);
});
