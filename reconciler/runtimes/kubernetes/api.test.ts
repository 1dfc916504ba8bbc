import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { afterEach, expect, it } from 'vitest';
import { createApi } from './api.ts';

const server = createServer(({ url = '' }, answer) => {
  if (url.includes('watch')) answer.writeHead(200).write('\n');
  else answer.end('{"kind":"PodList"}');
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

it('answers without an end, however many, leave room for questions', async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const config = new KubeConfig();
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  config.loadFromClusterAndUser({ name: 'test', server: address, skipTLSVerify: true }, { name: 'test' });
  const api = createApi(config);
  const stop = new AbortController();
  const open = Array.from({ length: 100 }, () => Promise.withResolvers<void>());
  const watches = open.map(({ resolve }, number) =>
    api.lines(`/watch/${number}`, stop.signal, () => undefined, resolve).catch(() => undefined),
  );
  await Promise.all(open.map(({ promise }) => promise));
  expect(await api.get('/pods')).toEqual({ kind: 'PodList' });
  stop.abort();
  await Promise.all(watches);
  api.close();
});
