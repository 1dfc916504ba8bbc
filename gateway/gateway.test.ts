import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { projectOf, testView } from '../tests/served-view.ts';
import { createGateway } from './index.ts';

const options = { token: 'token', hookSecret: 'secret', host: '127.0.0.1', port: 0 } as const;
const headers = {
  authorization: 'Bearer token',
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

it('a port that is taken is a problem', async () => {
  const other = createServer();
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const starting = createGateway(testView(), { ...options, port });
  await expect(starting).rejects.toMatchObject({
    problem: { code: 'LISTEN_FAILED', message: expect.stringContaining(String(port)) },
  });
  other.close();
});

it('closing ends open streams of both eras and frees the port', async () => {
  const view = testView();
  view.projects.set('demo', projectOf('demo', []));
  const gateway = await createGateway(view, options);
  const url = `${gateway.url}/mcp/demo`;
  const clientInfo = { name: 'test', version: '1' };

  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  const opened = await post(url, {}, { jsonrpc: '2.0', id: 1, method: 'initialize', params });
  const session = opened.headers.get('mcp-session-id') ?? '';
  await opened.text();
  const legacy = await fetch(url, { headers: { ...headers, 'mcp-session-id': session } });

  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': clientInfo,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const modern = await post(
    url,
    { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
    {
      jsonrpc: '2.0',
      id: 2,
      method: 'subscriptions/listen',
      params: { _meta, notifications: { toolsListChanged: true } },
    },
  );
  expect([legacy.headers.get('content-type'), modern.headers.get('content-type')]).toEqual(
    Array(2).fill('text/event-stream'),
  );

  const ended = Promise.all([legacy.text(), modern.text()]);
  await gateway.close();
  const [, stream] = await ended;
  expect(stream).toContain('"resultType":"complete"');
  const again = await createGateway(view, { ...options, port: gateway.port });
  await again.close();
});

function post(url: string, more: Record<string, string>, body: unknown): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body) });
}
