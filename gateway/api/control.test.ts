import { afterEach, beforeEach, expect, it } from 'vitest';
import { type TestView, testView } from '../../tests/served-view.ts';
import { createGateway, type Gateway } from '../index.ts';

let view: TestView;
let gateway: Gateway;
beforeEach(async () => {
  view = testView();
  gateway = await createGateway(view, { token: 'token', hookSecret: 'secret', host: '127.0.0.1', port: 0 });
});
afterEach(() => gateway.close());

async function post(path: string, token = 'token'): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${gateway.url}/api/v1/${path}`, { method: 'POST', headers });
  return { status: answer.status, body: await answer.json() };
}

it.each<[path: string, asked: string[], pokes: number]>([
  ['reconcile', [], 1],
  ['reconcile?now=true', ['retry now'], 1],
  ['suspend', ['suspend all'], 0],
  ['resume', ['resume all'], 0],
  ['servers/memory/suspend', ['suspend memory'], 0],
  ['servers/memory/resume', ['resume memory'], 0],
  ['servers/memory/restart', ['restart memory'], 0],
  ['instances/memory/restart', ['restart memory'], 0],
])('POST %s is carried out', async (path, asked, pokes) => {
  expect(await post(path)).toEqual({ status: 202, body: { accepted: true } });
  expect([view.asked, view.pokes]).toEqual([asked, pokes]);
});

it.each<[path: string, status: number, code: string]>([
  ['servers/nobody/suspend', 404, 'RESOURCE_NOT_FOUND'],
  ['servers/nobody/restart', 404, 'RESOURCE_NOT_FOUND'],
  ['instances/nobody-0/restart', 404, 'RESOURCE_NOT_FOUND'],
  ['reconcile?now=perhaps', 400, 'USAGE'],
])('POST %s is refused', async (path, status, code) => {
  expect(await post(path)).toMatchObject({ status, body: { code } });
});

it.each(['suspend', 'servers/memory/restart', 'reconcile?now=true'])('POST %s needs the token', async path => {
  expect(await post(path, 'wrong')).toMatchObject({ status: 401 });
  expect([view.asked, view.pokes]).toEqual([[], 0]);
});
