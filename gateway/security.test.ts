import { createHmac } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectOf, type TestView, testView } from '../tests/served-view.ts';
import { createGateway, type Gateway } from './index.ts';

const TOKEN = 'test-token-0123456789';
const HOOK_SECRET = 'hook-secret';
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };
const logged: string[] = [];
let view: TestView;
let gateway: Gateway;

beforeAll(async () => {
  view = testView();
  view.projects.set('demo', projectOf('demo', []));
  gateway = await createGateway(view, {
    token: TOKEN,
    hookSecret: HOOK_SECRET,
    host: '127.0.0.1',
    port: 0,
    allowedHosts: ['gateway.example.com'],
    log: message => logged.push(message),
  });
});

afterAll(async () => {
  await gateway.close();
  expect(logged.join('\n')).not.toContain(TOKEN);
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string | Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: gateway.port, method, path, headers, agent: false });
    request.on('error', reject);
    request.on('response', response => {
      let text = '';
      response.on('data', chunk => {
        text += String(chunk);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    request.end(body);
  });
}

const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
});
const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

describe('the token', () => {
  it.each([
    ['none', {}, 401],
    ['an empty one', { authorization: 'Bearer ' }, 401],
    ['a wrong one', { authorization: 'Bearer test-token-0123456788' }, 401],
    ['a prefix of it', { authorization: 'Bearer test-token' }, 401],
    ['another scheme', { authorization: `Basic ${TOKEN}` }, 401],
    ['the right one', AUTHORIZED, 200],
    ['the right one, scheme in another case', { authorization: `bearer ${TOKEN}` }, 200],
  ])('%s', async (_situation, headers, status) => {
    const answer = await send('GET', '/api/v1/status', headers);
    expect(answer.status).toBe(status);
    if (status === 200) return;
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="mcpctl"');
    expect(JSON.parse(answer.body)).toEqual({
      code: 'DAEMON_REFUSED',
      message: expect.any(String),
      hint: expect.any(String),
    });
  });

  it.each([
    ['GET', '/api/v1/status', 401],
    ['POST', '/api/v1/reconcile', 401],
    ['POST', '/mcp/demo', 401],
    ['GET', '/mcp/demo', 401],
    ['DELETE', '/mcp/demo', 401],
    ['GET', '/mcp/none', 401],
    ['GET', '/nothing/here', 401],
    ['OPTIONS', '/mcp/demo', 401],
    ['GET', '/api/v1/status?token=test-token-0123456789', 401],
    ['GET', '/healthz', 200],
    ['GET', '/readyz', 200],
    ['POST', '/hooks/git', 401],
    ['GET', '/hooks/git', 401],
  ])('%s %s without a token: %s', async (method, path, status) => {
    expect((await send(method, path)).status).toBe(status);
  });
});

describe('Host and Origin', () => {
  it.each([
    ['ours', '127.0.0.1:PORT', undefined, 200],
    ['localhost', 'LOCALHOST:PORT', undefined, 200],
    ['IPv6 loopback', '[::1]:PORT', undefined, 200],
    ['a configured one', 'gateway.example.com', undefined, 200],
    ['another port', '127.0.0.1:1', undefined, 403],
    ['no port', '127.0.0.1', undefined, 403],
    ['a rebound name', 'attacker.example:PORT', undefined, 403],
    ['a name that begins like ours', '127.0.0.1.attacker.example:PORT', undefined, 403],
    ['a local page', '127.0.0.1:PORT', 'http://localhost:5173', 200],
    ['a local page over IPv6', '127.0.0.1:PORT', 'http://[::1]:8080', 200],
    ['a foreign page', '127.0.0.1:PORT', 'https://attacker.example', 403],
    ['a foreign page with a local-looking name', '127.0.0.1:PORT', 'http://localhost.attacker.example', 403],
    ['an opaque origin', '127.0.0.1:PORT', 'null', 403],
    ['an extension', '127.0.0.1:PORT', 'chrome-extension://abcdef', 403],
  ])('%s', async (_situation, host, origin, status) => {
    const headers = { host: host.replace('PORT', String(gateway.port)), ...(origin !== undefined && { origin }) };
    // With and without a token, on open routes and others: the same.
    expect((await send('GET', '/healthz', headers)).status).toBe(status);
    expect((await send('GET', '/api/v1/status', { ...headers, ...AUTHORIZED })).status).toBe(status);
    const posted = await send('POST', '/mcp/demo', { ...headers, ...AUTHORIZED, ...json }, initialize);
    expect(posted.status).toBe(status);
  });
});

describe('the webhook', () => {
  const body = '{"ref":"refs/heads/main"}';
  const sign = (key: string, text: string | Buffer) => `sha256=${createHmac('sha256', key).update(text).digest('hex')}`;
  const large = Buffer.alloc(1024 * 1024 + 1, 'x');

  it.each([
    ['signed', { 'x-hub-signature-256': sign(HOOK_SECRET, body), 'content-type': 'application/json' }, body, 202],
    [
      'signed, as a form',
      { 'x-hub-signature-256': sign(HOOK_SECRET, 'a=b'), 'content-type': 'application/x-www-form-urlencoded' },
      'a=b',
      202,
    ],
    ['signed, no content type', { 'x-hub-signature-256': sign(HOOK_SECRET, body) }, body, 202],
    ['signed and empty', { 'x-hub-signature-256': sign(HOOK_SECRET, '') }, undefined, 202],
    [
      'signed, not JSON',
      { 'x-hub-signature-256': sign(HOOK_SECRET, '{'), 'content-type': 'application/json' },
      '{',
      202,
    ],
    ['not signed', { 'content-type': 'application/json' }, body, 401],
    ['not signed, with the token', { 'content-type': 'application/json', ...AUTHORIZED }, body, 401],
    ['signed with another key', { 'x-hub-signature-256': sign('other', body) }, body, 403],
    ['signed for another body', { 'x-hub-signature-256': sign(HOOK_SECRET, `${body} `) }, body, 403],
    ['a cut signature', { 'x-hub-signature-256': sign(HOOK_SECRET, body).slice(0, -1) }, body, 403],
    ['another algorithm', { 'x-hub-signature-256': sign(HOOK_SECRET, body).replace('sha256', 'sha1') }, body, 403],
    ['an empty signature', { 'x-hub-signature-256': '' }, body, 403],
    ['too large, though signed', { 'x-hub-signature-256': sign(HOOK_SECRET, large) }, large, 413],
  ])('%s', async (_situation, headers, sent, status) => {
    const before = view.pokes;
    const answer = await send('POST', '/hooks/git', headers as Record<string, string>, sent);
    expect(answer.status).toBe(status);
    expect(view.pokes - before).toBe(status === 202 ? 1 : 0);
  });
});

describe('the API', () => {
  it('pokes', async () => {
    const before = view.pokes;
    const answers = [
      await send('POST', '/api/v1/reconcile', AUTHORIZED),
      await send('POST', '/api/v1/reconcile', { ...AUTHORIZED, 'content-type': 'application/json' }, ''),
    ];
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    expect(view.pokes - before).toBe(2);
  });

  it('tells the status, and whether it is ready', async () => {
    const { body } = await send('GET', '/api/v1/status', AUTHORIZED);
    expect(JSON.parse(body)).toEqual(JSON.parse(JSON.stringify(view.status())));
    view.ready = false;
    const answer = await send('GET', '/readyz');
    view.ready = true;
    expect([answer.status, JSON.parse(answer.body).message]).toEqual([503, 'Not ready: InstancesNotReady']);
    expect((await send('GET', '/healthz')).status).toBe(200);
  });

  it.each([
    ['an unknown route', 'GET', '/nothing', AUTHORIZED, undefined, 404],
    ['an unknown project', 'POST', '/mcp/none', { ...AUTHORIZED, ...json }, initialize, 404],
    ['an unknown method', 'PUT', '/mcp/demo', AUTHORIZED, undefined, 404],
    ['a body that is not JSON', 'POST', '/mcp/demo', { ...AUTHORIZED, ...json }, '{', 400],
    ['a body of another type', 'POST', '/mcp/demo', { ...AUTHORIZED, 'content-type': 'text/plain' }, 'x', 415],
    [
      'a body that is too large',
      'POST',
      '/mcp/demo',
      { ...AUTHORIZED, ...json },
      `"${'x'.repeat(4 * 1024 * 1024)}"`,
      413,
    ],
  ])('%s', async (_situation, method, path, headers, body, status) => {
    const answer = await send(method, path, headers, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toBeTypeOf('object');
  });

  it('says nothing of what it is made of, and carries security headers', async () => {
    const answers = [
      await send('GET', '/healthz'),
      await send('GET', '/api/v1/status'),
      await send('GET', '/nothing'),
      await send('POST', '/mcp/demo', { ...AUTHORIZED, ...json }, initialize),
    ];
    for (const { headers } of answers) {
      expect(headers).not.toHaveProperty('server');
      expect(headers).not.toHaveProperty('x-powered-by');
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cache-control': 'no-store',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
      });
    }
  });
});

it('ends a connection that sends its headers too slowly', async () => {
  const socket = connect(gateway.port, '127.0.0.1');
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
  const drip = setInterval(() => socket.write('a: b\r\n'), 500);
  let answer = '';
  socket.on('data', chunk => {
    answer += String(chunk);
  });
  await new Promise<void>(resolve => socket.on('close', () => resolve()));
  clearInterval(drip);
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
});
