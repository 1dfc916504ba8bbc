import { expect, it } from 'vitest';
import type { Status } from '../reconciler/index.ts';
import { problem } from '../schema/index.ts';
import { statusTree } from './status-tree.ts';

const since = '2026-01-01T00:00:00.000Z';
const io = { stdout: () => undefined, stderr: () => undefined, isTTY: false, colour: false };

it('an instance that was changed and left so is told, though all is Ready', () => {
  const because = 'somebody changed its limits (memory)';
  const status: Status = {
    repository: { display: 'test', ref: 'main', path: '', mode: 'open' },
    revision: {},
    conditions: [{ type: 'Ready', status: 'True', reason: 'AllReady', message: '', since }],
    servers: [
      {
        name: 'one',
        revision: '',
        conditions: [
          { type: 'Ready', status: 'True', reason: 'InstancesReady', message: '1 of 1 ready', since },
          { type: 'Degraded', status: 'True', reason: 'Drift', message: `one-0: ${because}`, since },
        ],
        instances: [],
        tools: 0,
        prompts: 0,
      },
    ],
    projects: [],
    drift: [{ id: 'one-0', server: 'one', because, action: 'report' }],
    problems: [],
  };
  const lines = statusTree(io, status, 'http://localhost').split('\n');
  expect(lines).toContain(`changed     one-0: ${because}; \`mcpctl restart one-0\` replaces it`);
  expect(lines.find(line => line.includes('server one'))).toContain(`changed, and left so: one-0: ${because}`);
});

it('a long reason does not tear the table apart; the problems tell it whole', () => {
  const message = `the server said: ${'word '.repeat(100)}end`;
  const ready = { type: 'Ready', status: 'False', reason: 'InstancesNotRunning', message, since } as const;
  const status: Status = {
    repository: { display: 'test', ref: 'main', path: '', mode: 'open' },
    revision: {},
    conditions: [],
    servers: [{ name: 'one', revision: '', conditions: [ready], instances: [], tools: 0, prompts: 0 }],
    projects: [],
    problems: [problem('SERVER_EXITED', message)],
  };
  const lines = statusTree(io, status, 'http://localhost').split('\n');
  expect(lines.find(line => line.includes('server one '))).toMatch(/the server said: (?:word ){10}.*…$/);
  expect(Math.max(...lines.filter(line => !line.startsWith('✗')).map(line => line.length))).toBeLessThan(200);
  expect(lines.find(line => line.startsWith('✗'))).toContain('word end [SERVER_EXITED]');
});
