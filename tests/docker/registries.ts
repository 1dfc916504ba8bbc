import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { basename } from 'node:path';
import type { TestDocker } from './daemon.ts';

/** What containers can reach of this machine: they have no way out, and need none. */
export interface Registries {
  /** npm's registry, passed on. */
  npm: string;
  /** An index of PyPI's kind, with the given wheel in it. */
  pypi: string;
  /** What was asked for. */
  asked: string[];
  close(): void;
}

/** An address of this machine that containers reach. */
export function addressFor(docker: Pick<TestDocker, 'run'>): string {
  const network = docker.run('network', 'create', 'registries');
  return docker.run('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', network);
}

/** @param wheel of the package `name`; its path */
export async function startRegistries(address: string, name: string, wheel: string): Promise<Registries> {
  const npm = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim().replace(/\/$/, '');
  const asked: string[] = [];
  const servers: Server[] = [];

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      listener(request, response);
    }).listen(0, address);
    servers.push(server);
    await once(server, 'listening');
    return `http://${address}:${(server.address() as { port: number }).port}`;
  }

  return {
    asked,
    npm: await serve((request, response) => {
      fetch(`${npm}${request.url}`, { headers: { accept: request.headers.accept ?? '*/*' } })
        .then(async answer => {
          const type = answer.headers.get('content-type') ?? 'application/octet-stream';
          response.writeHead(answer.status, { 'content-type': type }).end(Buffer.from(await answer.arrayBuffer()));
        })
        .catch(error => response.writeHead(502).end(String(error)));
    }),
    pypi: `${await serve((request, response) => {
      const file = basename(wheel);
      if (request.url === `/simple/${name}/`) {
        response.writeHead(200, { 'content-type': 'text/html' }).end(`<a href="/${file}">${file}</a>`);
      } else if (request.url === `/${file}`) response.end(readFileSync(wheel));
      else response.writeHead(404).end();
    })}/simple`,
    close: () => {
      for (const server of servers) server.close().closeAllConnections();
    },
  };
}
