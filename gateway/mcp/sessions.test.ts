import { Server } from '@modelcontextprotocol/server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { projectOf, type TestView, testView } from '../../tests/served-view.ts';
import { createGateway, type Gateway } from '../index.ts';
import { createSessions, type Session, type Sessions } from './sessions.ts';

const headers = {
  authorization: 'Bearer token',
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};
const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params };
const ping = { jsonrpc: '2.0', id: 2, method: 'ping' };

describe('over HTTP', () => {
  let view: TestView;
  let gateway: Gateway;

  beforeAll(async () => {
    view = testView();
    view.projects.set('one', projectOf('one', []));
    view.projects.set('two', projectOf('two', []));
    gateway = await createGateway(view, { token: 'token', hookSecret: 'h', host: '127.0.0.1', port: 0 });
  });

  afterAll(() => gateway.close());

  async function open(project: string): Promise<string> {
    const response = await post(project, {}, initialize);
    await response.text();
    return response.headers.get('mcp-session-id') ?? '';
  }

  function post(project: string, more: Record<string, string>, body: unknown): Promise<Response> {
    const url = `${gateway.url}/mcp/${project}`;
    return fetch(url, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body) });
  }

  it.each([
    ['its own session', 'one', (id: string) => ({ 'mcp-session-id': id }), 200],
    ['another project’s session', 'two', (id: string) => ({ 'mcp-session-id': id }), 404],
    ['an unknown session', 'one', () => ({ 'mcp-session-id': 'none' }), 404],
    ['no session', 'one', () => ({}), 400],
    [
      'an unknown version',
      'one',
      (id: string) => ({ 'mcp-session-id': id, 'mcp-protocol-version': '1999-01-01' }),
      400,
    ],
  ])('a request with %s', async (_situation, project, more, status) => {
    const id = await open('one');
    const response = await post(project, more(id), ping);
    await response.text();
    expect(response.status).toBe(status);
  });

  it('a session that was ended is unknown', async () => {
    const id = await open('one');
    const ended = await fetch(`${gateway.url}/mcp/one`, {
      method: 'DELETE',
      headers: { ...headers, 'mcp-session-id': id },
    });
    expect(ended.status).toBe(200);
    expect((await post('one', { 'mcp-session-id': id }, ping)).status).toBe(404);
  });

  it('a session ends with its project', async () => {
    view.projects.set('brief', projectOf('brief', []));
    const id = await open('brief');
    view.projects.delete('brief');
    expect((await post('brief', { 'mcp-session-id': id }, ping)).status).toBe(404);
    view.projects.set('brief', projectOf('brief', []));
    expect((await post('brief', { 'mcp-session-id': id }, ping)).status).toBe(404);
  });
});

describe('the store', () => {
  let sessions: Sessions;

  afterEach(() => sessions.close());

  /** A session as it is once its client has sent `initialize`. */
  async function opened(): Promise<Session> {
    const session = await sessions.create('p');
    if (!session) throw new Error('no session');
    const request = new Request('http://localhost/', { method: 'POST', headers });
    await session.transport.handleRequest(request, { parsedBody: initialize });
    return session;
  }

  const newServer = () => new Server({ name: 's', version: '1' }, { capabilities: {} });
  const idOf = (session: Session) => session.transport.sessionId ?? '';

  it('makes room by ending the session that is idle longest', async () => {
    sessions = createSessions(newServer, { max: 2 });
    const [first, second] = [await opened(), await opened()];
    first.lastUsed += 1_000;
    await opened();
    expect(sessions.find(idOf(first), 'p')).toBe(first);
    expect(sessions.find(idOf(second), 'p')).toBeUndefined();
    expect(sessions.ofProject('p')).toHaveLength(2);
  });

  it('refuses when every session is in use', async () => {
    sessions = createSessions(newServer, { max: 1 });
    const session = await opened();
    session.open = 1;
    expect(await sessions.create('p')).toBeUndefined();
    expect(sessions.find(idOf(session), 'p')).toBe(session);
  });

  it('ends what is idle, not what is in use', async () => {
    sessions = createSessions(newServer, { idleMs: 50 });
    const [idle, used] = [await opened(), await opened()];
    used.open = 1;
    await expect.poll(() => sessions.find(idOf(idle), 'p')).toBeUndefined();
    expect(sessions.find(idOf(used), 'p')).toBe(used);
  });
});
