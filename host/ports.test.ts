import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { freePort, isPortTaken, portHolder } from './ports.ts';

it.each([['127.0.0.1'], ['0.0.0.0'], ['::']])('a listener on %s takes the port, and is named', async host => {
  const server = createServer();
  await new Promise<void>(resolve => server.listen({ port: 0, host }, resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  expect(await isPortTaken(port)).toBe(true);
  if (process.platform === 'linux') expect(portHolder(port)).toBe(process.pid);
  await new Promise(resolve => server.close(resolve));
  expect(await isPortTaken(port)).toBe(false);
  expect(portHolder(port)).toBeUndefined();
});

it('a free port is free', async () => {
  const port = await freePort();
  expect(port).toBeGreaterThan(1023);
  expect(await isPortTaken(port)).toBe(false);
});
