import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { createHttpClient } from '../../host/index.ts';
import { startServer } from '../../tests/git-server.ts';
import { createSender, type Sender } from './sender.ts';

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

const http = createHttpClient({ allowLoopback: true });
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** A receiver that answers by turns, the last answer for ever; `hang` never answers. */
async function receiver(...answers: (number | 'hang')[]) {
  const received: Received[] = [];
  const waiting: (() => void)[] = [];
  const server = await startServer((request, response: ServerResponse) => {
    let body = '';
    request.on('data', chunk => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      for (const wake of waiting.splice(0)) wake();
      const answer = answers[Math.min(received.length, answers.length) - 1] ?? 200;
      if (answer !== 'hang') response.writeHead(answer, { location: 'http://127.0.0.1:1/' }).end();
    });
  });
  cleanUps.push(server.close);
  const until = async (count: number) => {
    while (received.length < count) await new Promise<void>(resolve => waiting.push(resolve));
  };
  return { url: `${server.url}/hook`, received, until };
}

function sender(failures: string[], pauses = [5, 5]): Sender {
  const one = createSender({ pauses, failed: (_url, why) => failures.push(why) });
  cleanUps.push(one.close);
  return one;
}

const delivery = (url: string, n = 0, secret = 'a secret') => ({
  url,
  http,
  body: { n },
  secret: async () => secret,
});

it.each([
  ['a plain secret', 'a secret', Buffer.from('a secret')],
  ['one as tools make it', `whsec_${Buffer.from('raw key').toString('base64')}`, Buffer.from('raw key')],
])('signs id, time and body with %s', async (_situation, secret, key) => {
  const { url, received, until } = await receiver(200);
  sender([]).add(delivery(url, 1, secret));
  await until(1);
  const { headers, body } = received[0] as Received;
  const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(text).digest('base64')}`);
  expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
  expect(body).toBe('{"n":1}');
});

it('tries again with the same id, and in order', async () => {
  const { url, received, until } = await receiver(500, 429, 200);
  const failures: string[] = [];
  const one = sender(failures);
  for (const n of [1, 2]) one.add(delivery(url, n));
  await until(4);
  expect(received.map(({ body }) => body)).toEqual(['{"n":1}', '{"n":1}', '{"n":1}', '{"n":2}']);
  expect(new Set(received.slice(0, 3).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(failures).toEqual([]);
});

it.each([
  ['refuses', 400, 1],
  ['redirects', 302, 1],
  ['always fails', 500, 3],
])('gives up on a receiver that %s, and goes on with the next', async (_situation, status, tries) => {
  const { url, received, until } = await receiver(...Array<number>(tries).fill(status), 200);
  const failures: string[] = [];
  const one = sender(failures);
  for (const n of [1, 2]) one.add(delivery(url, n));
  await until(tries + 1);
  expect(failures).toEqual([`HTTP ${status}`]);
  expect(received.at(-1)?.body).toBe('{"n":2}');
});

it('gives up at once on an address that is not allowed', async () => {
  const failures: string[] = [];
  const done = Promise.withResolvers<void>();
  const one = createSender({ pauses: [60_000], failed: (_url, why) => done.resolve(void failures.push(why)) });
  cleanUps.push(one.close);
  one.add({ ...delivery('http://127.0.0.1:1/'), http: createHttpClient() });
  await done.promise;
  expect(failures).toEqual([expect.stringContaining('not allowed')]);
});

it('keeps the newest when a receiver hangs, and never more than a hundred', async () => {
  const { url, until } = await receiver('hang');
  const failures: string[] = [];
  const one = sender(failures);
  for (let n = 0; n < 150; n++) one.add(delivery(url, n));
  expect(failures).toHaveLength(49);
  await until(1);
});

it('a secret that is missing is asked for again', async () => {
  const { url, received, until } = await receiver(200);
  let asked = 0;
  const secret = async () => {
    asked += 1;
    if (asked === 1) throw new Error('secret resolution failed');
    return 'there it is';
  };
  sender([]).add({ ...delivery(url), secret });
  await until(1);
  expect([asked, received.length]).toEqual([2, 1]);
});
