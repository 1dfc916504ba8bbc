import { afterEach, beforeEach, expect, it } from 'vitest';
import { absentServer, projectOf, type TestView, testView } from '../../tests/served-view.ts';
import { createGateway, type Gateway } from '../index.ts';

let view: TestView;
let gateway: Gateway;
beforeEach(async () => {
  view = testView();
  gateway = await createGateway(view, { token: 'token', hookSecret: 'secret', host: '127.0.0.1', port: 0 });
});
afterEach(() => gateway.close());

async function ask(path: string, token = 'token'): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${gateway.url}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, body: await answer.json() };
}

function logOf(lines: string[]): void {
  view.logs = (id, after) => {
    if (id !== 'memory-0') return undefined;
    const fresh = lines.slice(Number(after ?? 0));
    const runs = fresh.length > 0 ? [{ startedAt: '2026-01-01T00:00:00.000Z', lines: fresh }] : [];
    return { cursor: String(lines.length), runs };
  };
}

it.each<[situation: string, path: string, status: number, code: string]>([
  ['the log of no instance', 'instances/memory-7/logs', 404, 'RESOURCE_NOT_FOUND'],
  ['a wait without end', 'instances/memory-0/logs?wait=9999', 400, 'USAGE'],
  ['an endless cursor', `instances/memory-0/logs?after=${'x'.repeat(65)}`, 400, 'USAGE'],
  ['a sequence that is no number', 'events?after=first', 400, 'USAGE'],
  ['a negative sequence', 'events?after=-1', 400, 'USAGE'],
  ['no such project', 'projects/nope', 404, 'RESOURCE_NOT_FOUND'],
])('refuses %s', async (_situation, path, status, code) => {
  logOf(['a']);
  expect(await ask(path)).toMatchObject({ status, body: { code } });
});

it.each(['instances/memory-0/logs', 'events', 'projects/demo'])('%s needs the token', async path => {
  expect(await ask(path, 'wrong')).toMatchObject({ status: 401 });
});

it('gives a log, then waits for what is new', async () => {
  const lines = ['a', 'b'];
  logOf(lines);
  const startedAt = '2026-01-01T00:00:00.000Z';
  expect(await ask('instances/memory-0/logs')).toEqual({
    status: 200,
    body: { cursor: '2', runs: [{ startedAt, lines: ['a', 'b'] }] },
  });
  expect(await ask('instances/memory-0/logs?after=2')).toMatchObject({ body: { cursor: '2', runs: [] } });
  const next = ask('instances/memory-0/logs?after=2&wait=20');
  lines.push('c');
  expect(await next).toMatchObject({ body: { cursor: '3', runs: [{ lines: ['c'] }] } });
});

it('gives events, then waits for the next one', async () => {
  view.happened({ type: 'instance', id: 'memory-0', state: 'Starting' });
  const first = await ask('events');
  expect(first.body).toMatchObject({ events: [{ sequence: 1, id: 'memory-0', state: 'Starting' }] });
  const next = ask('events?after=1&wait=20');
  await new Promise(resolve => setTimeout(resolve, 50));
  view.happened({ type: 'instance', id: 'memory-0', state: 'Running' });
  expect((await next).body).toMatchObject({ events: [{ sequence: 2, state: 'Running' }] });
});

it('names what a project offers as its clients see it', async () => {
  const server = absentServer('memory', {
    tools: [{ name: 'read', inputSchema: { type: 'object' } }],
    prompts: [{ name: 'greet' }],
  });
  view.projects.set('demo', projectOf('demo', [server]));
  expect(await ask('projects/demo')).toEqual({
    status: 200,
    body: { name: 'demo', tools: ['memory__read'], prompts: ['memory__greet'] },
  });
});

it('closing lets go of those who wait', async () => {
  logOf([]);
  const waiting = [ask('events?wait=20'), ask('instances/memory-0/logs?wait=20')];
  const ended = Promise.allSettled(waiting);
  await new Promise(resolve => setTimeout(resolve, 50));
  await gateway.close();
  await ended;
});
