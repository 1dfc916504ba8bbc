import { describe, expect, it } from 'vitest';
import { kindTable } from '../../../schema/index.ts';
import { mcpctl } from '../../../tests/command-line.ts';

function explain(...args: string[]) {
  return mcpctl(['explain', ...args]);
}

describe('as text', () => {
  it('explains a kind', async () => {
    expect((await explain('secret')).stdout).toMatchInlineSnapshot(`
      "KIND:  Secret (secret, secrets, sec)
      FILE:  secrets/<name>.yaml

        Where secret values come from; never the values.

      FIELDS of spec, beside apiVersion, kind and metadata:
        data  <map of objects> required
            Key → where its value comes from
      "
    `);
  });

  it('explains a field, with what is below it', async () => {
    expect((await explain('server.healthCheck')).stdout).toMatchInlineSnapshot(`
      "KIND:   Server (server, servers, srv)
      FIELD:  spec.healthCheck  <object>

        How it is found out whether an instance works

      FIELDS:
        tool  <string>
            A tool to call; without it, the tools are listed. At most 128 characters
        arguments  <map of anything>
            What the tool is given
        intervalSeconds  <integer>
            Seconds between two checks. Default: 30. 1 to 86400
        timeoutSeconds  <integer>
            Seconds until a check has failed. Default: 10. 1 to 600
        failureThreshold  <integer>
            Failures in a row that make it unhealthy. Default: 3. 1 to 100
        restart  <boolean>
            Restart an instance that is unhealthy; else it is only reported. Default: false
      "
    `);
  });

  it('explains a field with few values', async () => {
    expect((await explain('srv.spec.transport')).stdout).toMatchInlineSnapshot(`
      "KIND:   Server (server, servers, srv)
      FIELD:  spec.transport  <string> required

        How the server is spoken with

        One of: stdio, streamable-http, sse
      "
    `);
  });

  it('lists every kind', async () => {
    const { stdout } = await explain();
    expect(stdout.split('\n').slice(0, 3)).toMatchInlineSnapshot(`
      [
        "KIND            NAMES                     WHAT IT IS",
        "Repository      repositories, repo        What holds for the repository as a whole",
        "Server          servers, srv              An MCP server and how it is run",
      ]
    `);
    expect(stdout.trim().split('\n')).toHaveLength(kindTable.length + 1);
  });
});

it('tells the same as json', async () => {
  const { stdout } = await explain('server.env.valueFrom.secretRef', '-o', 'json');
  expect(JSON.parse(stdout)).toMatchObject({
    kind: 'Server',
    path: 'spec.env.valueFrom.secretRef',
    type: 'object',
    required: true,
    fields: [
      { path: 'spec.env.valueFrom.secretRef.name', type: 'string', required: true },
      { path: 'spec.env.valueFrom.secretRef.key', type: 'string', required: true },
    ],
  });
});

it.each(kindTable.map(({ singular }) => singular))('explains every field of %s', async kind => {
  const { code, stdout } = await explain(kind, '-o', 'json');
  expect(code).toBe(0);
  const { fields } = JSON.parse(stdout) as { fields: { path: string; type: string; description?: string }[] };
  for (const { path } of fields) {
    const { code: each, stdout: text } = await explain(`${kind}.${path}`, '-o', 'json');
    const { type, description } = JSON.parse(text) as { type: string; description?: string };
    expect([path, each, type, description]).toEqual([path, 0, expect.stringMatching(/./), expect.stringMatching(/./)]);
  }
});

it('passes through keys that a repository chooses', async () => {
  expect(JSON.parse((await explain('secret.data.session-key.env', '-o', 'json')).stdout)).toMatchObject({
    path: 'spec.data.<key>.env',
    type: 'string',
  });
});

it.each<[situation: string, path: string, said: string]>([
  ['a kind that does not exist', 'sever', 'Did you mean `server`?'],
  ['a field that does not exist', 'server.evn', 'Did you mean `env`?'],
  ['a field nothing is like', 'server.env.bicycle', 'Its fields: name, value, valueFrom.'],
  ['a field of what has none', 'server.url.host', 'has no fields'],
  ['a mistake beside spec', 'server.metadta.labels', 'Did you mean `metadata`?'],
])('says of %s what to do', async (_situation, path, said) => {
  const { code, stderr } = await explain(path);
  expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
});
