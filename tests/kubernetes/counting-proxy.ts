import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestCluster } from './cluster.ts';

/** What one request to the API server was. */
export interface Asked {
  method: string;
  path: string;
  /** When it was asked, and when it was answered (performance.now). */
  at: number;
  answered?: number;
  status?: number;
}

/** A way to the API server on which every request is counted. It asks as the kubeconfig's user. */
export interface CountingProxy {
  /** A kubeconfig that leads through it, as JSON. */
  kubeconfig: string;
  asked: Asked[];
  /** End every watch, so that whoever follows has to begin anew. */
  cut(): void;
  /** Keep back what matches, and answer nothing else any more from the first such request on. */
  hold(which: (one: Asked) => boolean): Held;
  close(): void;
}

/** A request that was sent and has not reached the API. */
export interface Held {
  /** Settles when there is one. */
  there: Promise<void>;
  /** Let it reach the API, as late as it is. @returns its status */
  letGo(): Promise<number>;
}

export async function openCountingProxy({ kubectl }: Pick<TestCluster, 'kubectl'>): Promise<CountingProxy> {
  const config = JSON.parse(kubectl('config', 'view', '--raw', '--flatten', '--minify', '-o', 'json'));
  const target = new URL(config.clusters[0].cluster.server);
  const user = config.users[0].user;
  const decode = (text: string | undefined) => text && Buffer.from(text, 'base64');
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 64,
    ca: decode(config.clusters[0].cluster['certificate-authority-data']),
    cert: decode(user['client-certificate-data']),
    key: decode(user['client-key-data']),
  } as object);
  const asked: Asked[] = [];
  const watches = new Set<ServerResponse>();
  let holding: { which(one: Asked): boolean; keep(pass: () => void, entry: Asked): void } | undefined;
  let deaf = false;

  const server = createServer((incoming, response) => {
    const { method = 'GET', url: path = '' } = incoming;
    const entry: Asked = { method, path, at: performance.now() };
    asked.push(entry);
    if (deaf) return void response.destroy();
    if (path.includes('watch=1')) {
      watches.add(response);
      response.on('close', () => watches.delete(response));
    }
    const headers = {
      ...incoming.headers,
      host: target.host,
      ...(user.token && { authorization: `Bearer ${user.token}` }),
    };
    if (holding?.which(entry)) {
      deaf = true;
      for (const watch of watches) watch.destroy();
      return holding.keep(pass, entry);
    }
    pass();

    function pass(): void {
      const options = { agent, method, host: target.hostname, port: target.port || 443, path, headers };
      const onward = request(options, (answer: IncomingMessage) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        entry.status = answer.statusCode ?? 0;
        answer.pipe(response);
        answer.on('end', () => {
          entry.answered = performance.now();
        });
      });
      onward.on('error', () => response.destroy());
      response.on('close', () => onward.destroy());
      incoming.pipe(onward);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // Plain HTTP is used only where that is said.
  const cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  return {
    kubeconfig: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'counted', cluster }],
      users: [{ name: 'counted', user: {} }],
      contexts: [{ name: 'counted', context: { cluster: 'counted', user: 'counted' } }],
      'current-context': 'counted',
    }),
    asked,
    cut() {
      for (const watch of watches) watch.destroy();
    },
    hold(which) {
      const there = Promise.withResolvers<void>();
      let late: { pass(): void; entry: Asked } | undefined;
      holding = {
        which,
        keep(pass, entry) {
          late = { pass, entry };
          there.resolve();
        },
      };
      return {
        there: there.promise,
        async letGo() {
          late?.pass();
          while (late?.entry.status === undefined) await sleep(20);
          return late.entry.status;
        },
      };
    },
    close() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}

/** What changes something; a lease that is renewed tells only that somebody is there. */
export function isWrite({ method, path }: Asked): boolean {
  return method !== 'GET' && !path.includes('/leases');
}
