import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { classifyAddress, isLoopbackHost } from './addresses.ts';
import { createHttpClient, type HttpClient, type HttpOptions } from './http.ts';

const servers: Server[] = [];
const clients: HttpClient[] = [];
const proxyVariables = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'];

afterEach(async () => {
  await Promise.all(clients.splice(0).map(client => client.close()));
  for (const server of servers.splice(0)) server.close().closeAllConnections();
  for (const name of proxyVariables) delete process.env[name];
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(options: HttpOptions = { allowLoopback: true }): HttpClient {
  const made = createHttpClient(options);
  clients.push(made);
  return made;
}

it.each([
  ['93.184.216.34', 'public'],
  ['2606:2800:220:1::1', 'public'],
  ['127.0.0.1', 'loopback'],
  ['127.255.0.9', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['10.1.2.3', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.1', 'public'],
  ['192.168.0.1', 'private'],
  ['100.64.0.1', 'private'],
  ['fd00::1', 'private'],
  ['::ffff:10.0.0.1', 'private'],
  ['169.254.169.254', 'forbidden'],
  ['::ffff:169.254.169.254', 'forbidden'],
  ['::ffff:a9fe:a9fe', 'forbidden'],
  ['64:ff9b::a9fe:a9fe', 'forbidden'],
  ['2002:a9fe:a9fe::1', 'forbidden'],
  ['::169.254.169.254', 'forbidden'],
  ['fe80::1', 'forbidden'],
  ['fe80::1%eth0', 'forbidden'],
  ['fd00:ec2::254', 'forbidden'],
  ['0.0.0.0', 'forbidden'],
  ['::', 'forbidden'],
  ['224.0.0.1', 'forbidden'],
  ['255.255.255.255', 'forbidden'],
  ['ff02::1', 'forbidden'],
  ['example.com', 'forbidden'],
])('%s is %s', (address, kind) => {
  expect(classifyAddress(address)).toBe(kind);
});

describe('the address rule', () => {
  it.each([
    ['loopback when not allowed', 'http://127.0.0.1:9/', {}],
    ['a name that resolves to loopback when not allowed', 'http://localhost:8099/', { allowPrivate: true }],
    ['loopback in an odd form', 'http://0x7f.1:9/', {}],
    ['a private address when not allowed', 'http://10.0.0.1/', { allowLoopback: true }],
    ['cloud metadata, whatever is allowed', 'http://169.254.169.254/', { allowLoopback: true, allowPrivate: true }],
    ['cloud metadata as IPv6', 'http://[::ffff:169.254.169.254]/', { allowLoopback: true, allowPrivate: true }],
    ['the unspecified address', 'http://0.0.0.0:9/', { allowLoopback: true, allowPrivate: true }],
  ])('refuses %s', async (_situation, url, options) => {
    const error = await client(options)
      .fetch(url)
      .catch((reason: Error) => reason);
    expect([error, (error as Error).cause]).toContainEqual(expect.objectContaining({ code: 'EADDRNOTALLOWED' }));
  });

  it('lets a name pass that resolves to what is allowed', async () => {
    const url = await serve((_request, response) => response.end('here'));
    const response = await client().fetch(url.replace('127.0.0.1', 'localhost'));
    expect(await response.text()).toBe('here');
  });
});

it('hands redirects to the caller', async () => {
  const url = await serve((_request, response) => response.writeHead(302, { Location: 'http://127.0.0.1:9/' }).end());
  const response = await client().fetch(url);
  expect([response.status, response.headers.get('location')]).toEqual([302, 'http://127.0.0.1:9/']);
});

it('keeps connections alive', async () => {
  const ports = new Set<number | undefined>();
  const url = await serve((request, response) => {
    ports.add(request.socket.remotePort);
    response.end('ok');
  });
  const { fetch } = client();
  for (let count = 0; count < 20; count++) await (await fetch(url)).text();
  // A connection is given back a moment after its body was read.
  expect(ports.size).toBeLessThan(5);
});

it.each([
  ['a body that says that it is too long', { 'content-length': '2000' }, Buffer.alloc(2000)],
  ['a body without a length', {}, Buffer.alloc(2000)],
  ['a small body that unpacks to a large one', { 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(2_000_000))],
  ['one event that is too long', { 'content-type': 'text/event-stream' }, Buffer.from(`data: ${'x'.repeat(2000)}`)],
])('refuses %s', async (_situation, headers, body) => {
  const url = await serve((_request, response) => response.writeHead(200, headers).end(body));
  const { fetch } = client({ allowLoopback: true, maxResponseBytes: 1000 });
  const reading = fetch(url).then(response => response.text());
  await expect(reading).rejects.toMatchObject({ code: 'EBODYTOOLARGE' });
});

it('lets an event stream be long, of events that are not', async () => {
  const events = 'data: 12345678\n\n'.repeat(1000);
  const url = await serve((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events),
  );
  const response = await client({ allowLoopback: true, maxResponseBytes: 1000 }).fetch(url);
  expect(await response.text()).toBe(events);
});

it('gives up on a server that does not answer', async () => {
  const url = await serve(() => undefined);
  const waiting = client({ allowLoopback: true, headersTimeoutMs: 200 }).fetch(url);
  await expect(waiting).rejects.toMatchObject({ cause: { code: 'UND_ERR_HEADERS_TIMEOUT' } });
});

it('goes through the proxy of the environment, but never for loopback', async () => {
  const seen: string[] = [];
  const proxy = await serve((request, response) => {
    seen.push(String(request.url));
    response.end('from the proxy');
  });
  const target = await serve((_request, response) => response.end('direct'));
  process.env.http_proxy = proxy;
  const { fetch } = client();
  expect(await (await fetch(target)).text()).toBe('direct');
  expect(await (await fetch('http://name.invalid/path')).text()).toBe('from the proxy');
  expect(seen).toEqual(['http://name.invalid/path']);
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

it.skipIf(!hasOpenssl)('trusts certificates given besides the system’s', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'http-test-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    execFileSync(
      'openssl',
      ['req', '-x509', ...curve, '-nodes', '-days', '2', ...subject, '-keyout', key, '-out', cert],
      {
        stdio: 'ignore',
      },
    );
    const pem = readFileSync(cert, 'utf8');
    const server = createTlsServer({ key: readFileSync(key), cert: pem }, (_request, response) => response.end('safe'));
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
    await expect(client().fetch(url)).rejects.toThrow('fetch failed');
    expect(await (await client({ allowLoopback: true, extraCa: [pem] }).fetch(url)).text()).toBe('safe');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.each([
  ['localhost', true],
  ['a.localhost', true],
  ['[::1]', true],
  ['127.0.0.1', true],
  ['localhost.example.com', false],
  ['10.0.0.1', false],
])('%s is this machine: %s', (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected);
});
