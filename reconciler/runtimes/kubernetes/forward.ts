import { once } from 'node:events';
import { type AddressInfo, type Socket as Connection, createServer } from 'node:net';
import type { PodPlace } from './exec.ts';

/** A port of this machine that leads to a port of a pod. */
export interface Forward {
  port: number;
  close(): void;
}

const DATA = 0;
const PORT_BYTES = 2;

/** Each connection is a WebSocket of its own, made when somebody connects. */
export async function forwardTo(place: PodPlace, port: number): Promise<Forward> {
  const open = new Set<Connection>();
  const server = createServer(connection => {
    open.add(connection);
    connection.on('error', () => undefined).on('close', () => open.delete(connection));
    connection.pause();
    void carry(place, port, connection).catch(() => connection.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const connection of open) connection.destroy();
    },
  };
}

async function carry({ api, namespace, pod }: PodPlace, port: number, connection: Connection): Promise<void> {
  // Each channel begins with the port's number.
  const greeted = new Set<number>();
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/portforward?ports=${port}`;
  const socket = await api.socket(path, (channel, data) => {
    const rest = greeted.has(channel) ? data : data.subarray(PORT_BYTES);
    greeted.add(channel);
    if (rest.length === 0) return;
    if (channel !== DATA) connection.destroy();
    else if (!connection.write(rest)) socket.pause();
  });
  connection.on('drain', () => socket.resume());
  connection.on('data', data => socket.send(DATA, data));
  connection.on('close', () => socket.close());
  connection.on('end', () => socket.close());
  void socket.closed.then(() => connection.end());
  connection.resume();
}
