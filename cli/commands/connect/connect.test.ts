import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioClientTransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { goodServer, projectYaml, smallRepository } from '../../../tests/e2e/catalog.ts';
import { condition, poll, startUp, type UpProcess } from '../../../tests/e2e/daemon.ts';
import { type TempRepository, tempRepository } from '../../../tests/temp-repository.ts';

const mcpctl = join(import.meta.dirname, '..', '..', 'mcpctl.mjs');

let folder: string;
let repository: TempRepository;
const cleanUp: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-connect-'));
  repository = tempRepository(smallRepository);
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  repository.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A client of one era, on a `mcpctl connect` that it starts itself. */
interface Connected {
  protocol: string | undefined;
  tools(): Promise<string[]>;
  echo(text: string): Promise<string>;
  /** How often it was told that the tools have changed. */
  changes(): number;
}

async function up(): Promise<UpProcess> {
  const running = await startUp({
    repository: repository.bare,
    stateDir: join(folder, 'state'),
    args: ['--poll', '1'],
  });
  cleanUp.push(() => running.stop());
  await running.until('Ready', status => condition(status, 'Ready') === 'True');
  return running;
}

function command() {
  const args = [mcpctl, 'connect', '-p', 'demo', '--state-dir', join(folder, 'state')];
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value ? [[name, value]] : [])),
  );
  return { command: process.execPath, args, env, stderr: 'pipe' as const };
}

async function connectV1(): Promise<Connected> {
  const client = new ClientV1({ name: 'v1', version: '1' });
  let changes = 0;
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    changes++;
  });
  await client.connect(new StdioClientTransportV1(command()));
  cleanUp.push(() => client.close());
  return {
    protocol: 'legacy',
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    echo: async text => textOf(await client.callTool({ name: 'one__echo', arguments: { message: text } })),
    changes: () => changes,
  };
}

async function connectV2(mode: 'auto' | 'legacy'): Promise<Connected> {
  let changes = 0;
  const client = new Client(
    { name: 'v2', version: '1' },
    {
      versionNegotiation: { mode },
      listChanged: {
        tools: {
          debounceMs: 0,
          onChanged: () => {
            changes++;
          },
        },
      },
    },
  );
  await client.connect(new StdioClientTransport(command()));
  cleanUp.push(() => client.close());
  return {
    protocol: client.getProtocolEra(),
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    echo: async text => textOf(await client.callTool({ name: 'one__echo', arguments: { message: text } })),
    changes: () => changes,
  };
}

function textOf(result: object): string {
  return (result as { content: { text: string }[] }).content[0]?.text ?? '';
}

it('serves clients of both eras: they list, call, hear of changes, and outlive the daemon', async () => {
  const first = await up();
  const clients = await Promise.all([connectV1(), connectV2('legacy'), connectV2('auto')]);
  expect(clients.map(({ protocol }) => protocol)).toEqual(['legacy', 'legacy', 'modern']);
  for (const client of clients) {
    expect(await client.tools()).toContain('one__echo');
    expect(await client.echo('hi')).toContain('hi');
  }

  repository.commit({ 'servers/two.yaml': goodServer, 'projects/demo/project.yaml': projectYaml('one', 'two') });
  for (const client of clients) {
    await poll('list_changed', 20_000, () => client.changes() > 0);
    await poll('the new tool', 20_000, async () => (await client.tools()).includes('two__echo'));
  }

  await first.stop();
  const before = clients.map(client => client.changes());
  const second = await up();
  expect(second.url).not.toBe(first.url);
  for (const [index, client] of clients.entries()) {
    expect(await client.echo('again')).toContain('again');
    await poll('list_changed after the restart', 20_000, () => client.changes() > (before[index] ?? 0));
  }
}, 60_000);
