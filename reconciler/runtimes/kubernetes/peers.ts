import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { Mux } from './mux.ts';
import { splitLines } from './mux.ts';
import type { Streams } from './streams.ts';

/** Where other processes of the installation speak with the servers that this one is attached to. */
export interface PeerDoor {
  /** `address:port`, as others reach it. */
  address: string;
  close(): void;
}

/** Both sides know one secret, and nobody needs a certificate; what is said is encrypted, with keys of its own each time. */
const TLS = { ciphers: 'ECDHE-PSK-CHACHA20-POLY1305', maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' } as const;
const IDENTITY = 'mcpctl';
const GREETING_MS = 10_000;
const HERE = 'here\n';

/** @param muxOf the server in a pod, by the pod's uid, where this process is attached to it */
export async function openPeerDoor(
  address: string,
  secret: Buffer,
  muxOf: (uid: string) => Mux | undefined,
): Promise<PeerDoor> {
  const open = new Set<TLSSocket>();
  const server = createServer({ ...TLS, pskCallback: (_socket, identity) => (identity === IDENTITY ? secret : null) });
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', socket => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    welcome(socket, muxOf);
  });
  server.listen(0, address);
  await once(server, 'listening');
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    address: `${address.includes(':') ? `[${address}]` : address}:${port}`,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** Its first line is the uid of the pod that is meant. */
function welcome(socket: TLSSocket, muxOf: (uid: string) => Mux | undefined): void {
  let joined: ReturnType<Mux['join']> | undefined;
  socket.setTimeout(GREETING_MS, () => socket.destroy());
  const split = splitLines(line => {
    if (joined) return joined.hear(line);
    const mux = muxOf(line.toString('utf8').trim());
    if (!mux) return void socket.destroy();
    socket.setTimeout(0);
    socket.write(HERE);
    // One that does not read what it is sent must not hold up the others.
    joined = mux.join({
      write: bytes => void (socket.writableLength > MAX_UNREAD ? socket.destroy() : socket.write(bytes)),
    });
  });
  socket.on('data', split).on('close', () => joined?.leave());
}

const MAX_UNREAD = 64 * 1024 * 1024;

/**
 * Speak with a server through the process that is attached to it.
 * @returns undefined when that process does not answer, or is not attached to it any more
 */
export async function joinPeer(address: string, secret: Buffer, uid: string): Promise<Streams | undefined> {
  const { hostname, port } = new URL(`tls://${address}`);
  const socket = connect({
    ...TLS,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port),
    pskCallback: () => ({ psk: secret, identity: IDENTITY }),
    checkServerIdentity: () => undefined,
  });
  const closed = new Promise<undefined>(resolve => void socket.on('close', () => resolve(undefined)));
  socket.on('error', () => undefined);
  socket.setTimeout(GREETING_MS, () => socket.destroy());
  socket.write(`${uid}\n`);
  const stdout = new PassThrough();
  const greeted = await Promise.race([greeting(socket, stdout), closed]);
  if (!greeted) return undefined;
  socket.setTimeout(0);
  socket.setKeepAlive(true, GREETING_MS);
  return { stdin: socket, stdout, ended: closed, close: () => void socket.destroy() };
}

/** What stands behind it is the server's. */
function greeting(socket: TLSSocket, stdout: PassThrough): Promise<true> {
  return new Promise(resolve => {
    let seen = '';
    const hear = (chunk: Buffer) => {
      seen += chunk.toString('latin1');
      if (seen.length < HERE.length) return;
      socket.off('data', hear);
      stdout.write(Buffer.from(seen.slice(HERE.length), 'latin1'));
      socket.pipe(stdout);
      resolve(true);
    };
    socket.on('data', hear);
  });
}
