import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The way to an API server, which can be shut: nobody answers at its port then, and every connection is cut. */
export interface Gate {
  port: number;
  shut(): Promise<void>;
  open(): Promise<void>;
}

export async function openGate(target: URL): Promise<Gate> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;

  async function open(): Promise<void> {
    server = createServer(socket => {
      const onward = connect(Number(target.port || 443), target.hostname);
      for (const [one, other] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        sockets.add(one);
        one.on('error', () => other.destroy()).on('close', () => other.destroy());
        one.pipe(other);
      }
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.unref();
    port = (server.address() as AddressInfo).port;
  }

  await open();
  return {
    port,
    open,
    async shut() {
      const closed = server && once(server, 'close');
      server?.close();
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      await closed;
    },
  };
}
