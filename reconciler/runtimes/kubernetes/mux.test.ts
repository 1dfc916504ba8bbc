import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createMux } from './mux.ts';

function scene() {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const told: string[] = [];
  stdin.on('data', chunk => told.push(...String(chunk).trim().split('\n')));
  const mux = createMux({ stdin, stdout });
  const own = mux.own();
  const heard: string[] = [];
  own.stdout.on('data', chunk => heard.push(...String(chunk).trim().split('\n')));
  const peer = () => {
    const lines: string[] = [];
    const joined = mux.join({ write: line => void lines.push(String(line).trim()) });
    return { lines, say: (message: object) => joined.hear(Buffer.from(JSON.stringify(message))), leave: joined.leave };
  };
  const server = (message: object) => stdout.write(`${JSON.stringify(message)}\n`);
  const say = (message: object) => own.stdin.write(`${JSON.stringify(message)}\n`);
  const settled = () => new Promise(resolve => setImmediate(resolve));
  return { told, heard, peer, server, say, settled, stdout, own, mux };
}

it('gives each answer to who asked, by the ids that they gave', async () => {
  const { told, heard, peer, server, say, settled } = scene();
  const [a, b] = [peer(), peer()];
  say({ id: 1, method: 'tools/list' });
  a.say({ id: 1, method: 'tools/call', params: { _meta: { progressToken: 1 } } });
  b.say({ id: 'x', method: 'tools/list' });
  await settled();
  expect(told.map(line => JSON.parse(line).id)).toEqual([1, 'mcpctl/1/1', 'mcpctl/2/"x"']);
  expect(JSON.parse(told[1] ?? '').params._meta.progressToken).toBe('mcpctl/1/1');
  server({ method: 'notifications/progress', params: { progressToken: 'mcpctl/1/1', progress: 1 } });
  server({ id: 'mcpctl/2/"x"', result: { b: true } });
  server({ id: 'mcpctl/1/1', error: { code: -1, message: 'no' } });
  server({ id: 1, result: {} });
  await settled();
  expect(heard.map(line => JSON.parse(line))).toEqual([{ id: 1, result: {} }]);
  expect(a.lines.map(line => JSON.parse(line))).toEqual([
    { method: 'notifications/progress', params: { progressToken: 1, progress: 1 } },
    { id: 1, error: { code: -1, message: 'no' } },
  ]);
  expect(b.lines.map(line => JSON.parse(line))).toEqual([{ id: 'x', result: { b: true } }]);
});

it('answers `initialize` of a peer with what the server said once, as soon as it has', async () => {
  const { told, peer, server, say, settled } = scene();
  const early = peer();
  early.say({ id: 7, method: 'initialize', params: {} });
  say({ id: 0, method: 'initialize', params: {} });
  await settled();
  expect(early.lines).toEqual([]);
  server({ id: 0, result: { serverInfo: { name: 'notes' } } });
  const late = peer();
  await settled();
  late.say({ id: 8, method: 'initialize', params: {} });
  late.say({ method: 'notifications/initialized' });
  await settled();
  expect(early.lines.map(line => JSON.parse(line))).toMatchObject([
    { id: 7, result: { serverInfo: { name: 'notes' } } },
  ]);
  expect(late.lines.map(line => JSON.parse(line))).toMatchObject([
    { id: 8, result: { serverInfo: { name: 'notes' } } },
  ]);
  expect(told).toHaveLength(1);
});

it('tells all of what concerns all, and asks nobody but this process', async () => {
  const { heard, peer, server, settled, say, told } = scene();
  const [a, b] = [peer(), peer()];
  b.leave();
  server({ method: 'notifications/tools/list_changed' });
  server({ id: 5, method: 'roots/list' });
  a.say({ id: 5, result: { roots: ['forged'] } });
  a.say({ method: 'notifications/cancelled', params: { requestId: 3 } });
  say({ id: 5, result: { roots: [] } });
  await settled();
  expect(heard.map(line => JSON.parse(line).method)).toEqual(['notifications/tools/list_changed', 'roots/list']);
  expect(a.lines).toHaveLength(1);
  expect(b.lines).toEqual([]);
  expect(told.map(line => JSON.parse(line))).toEqual([
    { method: 'notifications/cancelled', params: { requestId: 'mcpctl/1/3' } },
    { id: 5, result: { roots: [] } },
  ]);
});

it('passes what is no JSON to this process alone, and gives the newest connection the output', async () => {
  const { heard, peer, stdout, mux, settled } = scene();
  const a = peer();
  stdout.write('half ');
  stdout.write('a line\n');
  await settled();
  const next = mux.own();
  const newer: string[] = [];
  next.stdout.on('data', chunk => newer.push(String(chunk)));
  stdout.write('more\n');
  await settled();
  expect([heard, newer, a.lines]).toEqual([['half a line'], ['more\n'], []]);
});
