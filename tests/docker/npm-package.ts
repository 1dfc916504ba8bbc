import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const NAME = 'notes-over-http';
const VERSION = '1.0.0';

/** Speaks MCP over HTTP, on the port that it is given, and answers with what it was given in its environment. */
const SERVER = `#!/usr/bin/env node
const { createServer } = require('node:http');
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'notes', version: '1.0.0' },
  }),
  'tools/list': () => ({ tools: [{ name: 'note', inputSchema: { type: 'object' } }] }),
  'tools/call': () => ({ content: [{ type: 'text', text: String(process.env.WORD) }] }),
  ping: () => ({}),
};
createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  if (request.method !== 'POST' || request.url !== '/mcp') return response.writeHead(405).end();
  const { id, method, params } = JSON.parse(text);
  if (id === undefined) return response.writeHead(202).end();
  const answer = answers[method];
  const error = { code: -32601, message: 'no such method' };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, ...(answer ? { result: answer(params) } : { error }) }));
}).listen(Number(process.env.PORT));
process.on('SIGTERM', () => process.exit(0));
`;

/** A registry of npm's kind, with one package that serves MCP over HTTP and depends on nothing. */
export interface NpmRegistry {
  url: string;
  identifier: string;
  version: string;
  /** What was asked for. */
  asked: string[];
  close(): void;
}

/** @param folder where the package is made @param address that those reach who install it */
export async function serveNpmPackage(folder: string, address: string): Promise<NpmRegistry> {
  const source = join(folder, NAME);
  mkdirSync(source, { recursive: true });
  const manifest = { name: NAME, version: VERSION, bin: { [NAME]: 'server.js' }, files: ['server.js'] };
  writeFileSync(join(source, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(source, 'server.js'), SERVER, { mode: 0o755 });
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: source, stdio: 'ignore' });
  const tarball = readFileSync(join(folder, `${NAME}-${VERSION}.tgz`));
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (request.url?.endsWith('.tgz')) return void response.end(tarball);
    if (request.url !== `/${NAME}`) return void response.writeHead(404).end('{}');
    const dist = { tarball: `${url}/${NAME}-${VERSION}.tgz`, integrity };
    const versions = { [VERSION]: { ...manifest, dist } };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ name: NAME, 'dist-tags': { latest: VERSION }, versions }));
  }).listen(0, address);
  await once(server, 'listening');
  const url = `http://${address}:${(server.address() as AddressInfo).port}`;
  return {
    url,
    identifier: NAME,
    version: VERSION,
    asked,
    close: () => void server.close().closeAllConnections(),
  };
}
