import { afterEach, beforeEach, expect, it } from 'vitest';
import { type TestView, testView } from '../../tests/served-view.ts';
import { createGateway, type Gateway } from '../index.ts';

const HELD = 'a'.repeat(40);
let view: TestView;
let gateway: Gateway;
beforeEach(async () => {
  view = testView();
  view.held = HELD;
  gateway = await createGateway(view, { token: 'token', hookSecret: 'secret', host: '127.0.0.1', port: 0 });
});
afterEach(() => gateway.close());

it.each<[situation: string, query: string, token: string, status: number, code: string | undefined, pokes: number]>([
  ['the commit whose removals wait', HELD, 'token', 202, undefined, 1],
  ['another commit', 'b'.repeat(40), 'token', 409, 'PRUNE_NOT_HELD', 0],
  ['the first digits only', HELD.slice(0, 7), 'token', 400, 'USAGE', 0],
  ['no commit at all', 'main', 'token', 400, 'USAGE', 0],
  ['without the token', HELD, 'wrong', 401, undefined, 0],
])('%s', async (_situation, query, token, status, code, pokes) => {
  const answer = await fetch(`${gateway.url}/api/v1/reconcile?allowPrune=${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  expect(answer.status).toBe(status);
  if (code !== undefined) expect(await answer.json()).toMatchObject({ code });
  expect(view.pokes).toBe(pokes);
});
