import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

/** The addresses on which a listener would be in the way of one on the loopback address. */
const ADDRESSES = ['127.0.0.1', '0.0.0.0', '::'];
/** proc_net(5): the state of a socket that listens. */
const LISTENING = '0A';

/** A TCP port that nothing listens on now. Somebody else may take it before it is used. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.on('error', reject);
  server.listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
  });
  return promise;
}

/** Whether something listens on a TCP port of this machine: on 127.0.0.1 or on every interface. */
export async function isPortTaken(port: number): Promise<boolean> {
  for (const host of ADDRESSES) {
    if (!(await canListen(host, port))) return true;
  }
  return false;
}

/** The pid of the process that listens on a TCP port, where the system tells (Linux, own processes). */
export function portHolder(port: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const sockets = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap(table => listeningSockets(table, port)));
  if (sockets.size === 0) return undefined;
  return readdirSync('/proc')
    .map(Number)
    .find(pid => Number.isInteger(pid) && openFiles(pid).some(file => sockets.has(file)));
}

function canListen(host: string, port: number): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  // Only this error means that somebody is there: a machine without IPv6 or a port below 1024 has others.
  server.on('error', error => resolve(!('code' in error && error.code === 'EADDRINUSE')));
  server.listen({ port, host, exclusive: true, ipv6Only: true }, () => server.close(() => resolve(true)));
  return promise;
}

function listeningSockets(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return readLines(table).flatMap(line => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === LISTENING && local?.endsWith(`:${wanted}`) ? [`socket:[${inode}]`] : [];
  });
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n').slice(1);
  } catch {
    return [];
  }
}

function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap(name => {
      try {
        return [readlinkSync(`${folder}/${name}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}
