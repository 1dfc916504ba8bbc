import { join } from 'node:path';

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'servers');

/** A Server that runs a program of `tests/fixtures/servers`, or any argv. */
export function serverYaml(argv: readonly string[], extra = ''): string {
  return `apiVersion: mcpctl.dev/v1
kind: Server
spec:
  transport: stdio
  command: ${JSON.stringify(argv)}
${extra}`;
}

export const goodServer = serverYaml(['node', join(fixtures, 'sdk2-stdio.mjs')]);

export function projectYaml(...servers: string[]): string {
  return `apiVersion: mcpctl.dev/v1\nkind: Project\nspec:\n  servers: [${servers.join(', ')}]\n`;
}

export const repositoryYaml = 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec: {id: test}\n';

/** The smallest repository that serves something: one server, one project, one prompt. */
export const smallRepository = {
  'mcpctl.yaml': repositoryYaml,
  'servers/one.yaml': goodServer,
  'projects/demo/project.yaml': projectYaml('one'),
  'projects/demo/prompts/hello.md': '---\ndescription: Greet\n---\nHello.\n',
};
