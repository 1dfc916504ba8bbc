import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { absentServer, projectOf, type TestView, testView } from '../../tests/served-view.ts';
import { createGateway, type Gateway } from '../index.ts';

const requestInit = { headers: { Authorization: 'Bearer token' } };
let view: TestView;
let gateway: Gateway;

beforeAll(async () => {
  view = testView();
  gateway = await createGateway(view, { token: 'token', hookSecret: 'h', host: '127.0.0.1', port: 0 });
});

afterAll(() => gateway.close());

type Heard = { tools: number; prompts: number; close: () => Promise<void> };

const listeners: [string, (project: string) => Promise<Heard>][] = [
  ['SDK v2, modern', project => listenV2(project, 'auto')],
  ['SDK v2, legacy', project => listenV2(project, 'legacy')],
  ['SDK v1', listenV1],
];

async function listenV2(project: string, mode: 'auto' | 'legacy'): Promise<Heard> {
  const heard: Heard = { tools: 0, prompts: 0, close: () => client.close() };
  const hear = (kind: 'tools' | 'prompts') => () => {
    heard[kind] += 1;
  };
  const quiet = { autoRefresh: false, debounceMs: 0 };
  const client = new Client(
    { name: 'test', version: '1' },
    {
      versionNegotiation: { mode },
      listChanged: {
        tools: { ...quiet, onChanged: hear('tools') },
        prompts: { ...quiet, onChanged: hear('prompts') },
      },
    },
  );
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp/${project}`), { requestInit }));
  return heard;
}

async function listenV1(project: string): Promise<Heard> {
  const client = new ClientV1({ name: 'test', version: '1' });
  const heard: Heard = { tools: 0, prompts: 0, close: () => client.close() };
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    heard.tools += 1;
  });
  const transport = new TransportV1(new URL(`${gateway.url}/mcp/${project}`), { requestInit });
  await client.connect(transport as Parameters<ClientV1['connect']>[0]);
  return heard;
}

it.each(listeners)('%s is told of changed tools, of its own project only', async (_client, listen) => {
  view.projects.set('one', projectOf('one', [absentServer('a')]));
  view.projects.set('two', projectOf('two', [absentServer('a')]));
  const [one, two] = await Promise.all([listen('one'), listen('two')]);
  await untilHeard(one, ['one']);
  expect(two.tools).toBe(0);
  await untilHeard(two, ['two']);
  expect(one.prompts + two.prompts).toBe(0);
  await Promise.all([one.close(), two.close()]);
});

it.each(listeners.slice(0, 2))('%s is told of changed prompts', async (_client, listen) => {
  view.projects.set('one', projectOf('one', []));
  const heard = await listen('one');
  await expect
    .poll(() => {
      view.changed({ tools: [], prompts: ['one'] });
      return heard.prompts;
    })
    .toBeGreaterThan(0);
  expect(heard.tools).toBe(0);
  await heard.close();
});

/** A legacy client opens its stream for notifications after `connect` has returned. */
async function untilHeard(heard: Heard, projects: string[]): Promise<void> {
  await expect
    .poll(() => {
      view.changed({ tools: projects, prompts: [] });
      return heard.tools;
    })
    .toBeGreaterThan(0);
}
