import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, it } from 'vitest';
import { serveWeb } from './web-adapter.ts';

const MEGABYTE = new Uint8Array(1024 * 1024).fill(46);

it('a client that does not read is cut off, and its stream ended', async () => {
  let produced = 0;
  const cancelled = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    // As the SDK does: whether somebody reads or not.
    start(controller) {
      const timer = setInterval(() => {
        controller.enqueue(MEGABYTE);
        produced += 1;
      }, 1);
      cancelled.promise.then(() => clearInterval(timer));
    },
    cancel: () => cancelled.resolve(),
  });
  const headers = { 'content-type': 'text/event-stream' };
  const server = createServer((request, response) => {
    void serveWeb(async () => new Response(body, { headers }), request, response, { mayBeJson: false });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  client.on('error', () => undefined).write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await cancelled.promise;
  expect(produced).toBeLessThan(64);
  client.destroy();
  server.close();
});
