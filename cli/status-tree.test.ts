import { expect, it } from 'vitest';
import type { Status } from '../reconciler/index.ts';
import { problem } from '../schema/index.ts';
import { statusTree } from './status-tree.ts';

it('a long reason does not tear the table apart; the problems tell it whole', () => {
  const message = `the server said: ${'word '.repeat(100)}end`;
  const since = '2026-01-01T00:00:00.000Z';
  const ready = { type: 'Ready', status: 'False', reason: 'InstancesNotRunning', message, since } as const;
  const status: Status = {
    repository: { display: 'test', ref: 'main', path: '', mode: 'open' },
    revision: {},
    conditions: [],
    servers: [{ name: 'one', revision: '', conditions: [ready], instances: [], tools: 0, prompts: 0 }],
    projects: [],
    problems: [problem('SERVER_EXITED', message)],
  };
  const io = { stdout: () => undefined, stderr: () => undefined, isTTY: false, colour: false };
  const lines = statusTree(io, status, 'http://localhost').split('\n');
  expect(lines.find(line => line.includes('server one '))).toMatch(/the server said: (?:word ){10}.*…$/);
  expect(Math.max(...lines.filter(line => !line.startsWith('✗')).map(line => line.length))).toBeLessThan(200);
  expect(lines.find(line => line.startsWith('✗'))).toContain('word end [SERVER_EXITED]');
});
