import { execFileSync, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface GitServerOptions {
  /** The folder whose repositories are served. */
  root: string;
  /** Basic auth; without it everybody may read. */
  login?: { username: string; password: string };
  /** Bearer auth. */
  token?: string;
  tls?: Tls;
  /** Told of every part of an answer: bytes. */
  onSent?(bytes: number): void;
  /** Send no more of an answer than this, and never end it. */
  stallAfter?: number;
}

/** A private key and its certificate, PEM. */
export interface Tls {
  key: string;
  cert: string;
}

export interface RecordedRequest {
  method: string;
  url: string;
  authorization: string | undefined;
}

/** A server on a free loopback port that remembers what it was asked. */
export interface RunningServer {
  /** `http://127.0.0.1:<port>` */
  url: string;
  requests: RecordedRequest[];
  close(): Promise<void>;
}

/** Serve real repositories over smart HTTP: `git http-backend`, as behind any web server. */
export function startGitServer(options: GitServerOptions): Promise<RunningServer> {
  return startServer((request, response) => {
    if (!isAllowed(request, options)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('who are you?');
      return;
    }
    serveByGit(request, response, options);
  }, options.tls);
}

/** Serve whatever the handler does: servers that hang, drip, redirect or fail. */
export async function startServer(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  tls?: Tls,
): Promise<RunningServer> {
  const requests: RecordedRequest[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url = '', headers } = request;
    requests.push({ method, url, authorization: headers.authorization });
    handler(request, response);
  };
  const server = tls ? createTlsServer({ ...tls }, listener) : createServer(listener);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isAllowed(request: IncomingMessage, { login, token }: GitServerOptions): boolean {
  if (token !== undefined) return request.headers.authorization === `Bearer ${token}`;
  if (!login) return true;
  const expected = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  return request.headers.authorization === `Basic ${expected}`;
}

let execPath: string | undefined;

/**
 * CGI, as RFC 3875 has it: the request in the environment and on standard input, headers before the body.
 * @param path another one than the request's own
 */
export function serveByGit(
  request: IncomingMessage,
  response: ServerResponse,
  options: GitServerOptions,
  path?: string,
): void {
  execPath ??= execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim();
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn(join(execPath, 'git-http-backend'), [], {
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_PROJECT_ROOT: options.root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(path ?? url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => undefined);
  let head = Buffer.alloc(0);
  let sent = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    options.onSent?.(chunk.length);
    if (response.headersSent) {
      sent += chunk.length;
      if (sent > (options.stallAfter ?? Number.POSITIVE_INFINITY)) child.stdout.pause();
      else response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    writeHead(response, head.subarray(0, end).toString('latin1'));
    response.write(head.subarray(end + 4));
  });
  child.stdout.on('end', () => response.end());
}

function writeHead(response: ServerResponse, head: string): void {
  let status = 200;
  for (const line of head.split('\r\n')) {
    const [name = '', value = ''] = line.split(/:\s*/, 2);
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}
