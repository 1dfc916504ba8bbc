import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { takeGlobals } from './globals.ts';

const home = mkdtempSync(join(tmpdir(), 'mcpctl-globals-'));
mkdirSync(join(home, 'ai', 'deep', 'er'), { recursive: true });
writeFileSync(join(home, 'file'), '');
afterAll(() => rmSync(home, { recursive: true }));

it.each([
  ['nothing', ['get', 'servers'], { argv: ['get', 'servers'] }],
  ['a folder before the command', ['-C', 'ai', 'get'], { cwd: join(home, 'ai'), argv: ['get'] }],
  ['a folder in a folder', ['--dir=ai', '--path', 'deep/er', 'get'], { cwd: join(home, 'ai/deep/er'), argv: ['get'] }],
  [
    'behind the command they are its own',
    ['up', '--path', 'x', '--timeout', '3'],
    { argv: ['up', '--path', 'x', '--timeout', '3'] },
  ],
  ['a time limit', ['--timeout', '1.5', 'status'], { timeoutMs: 1500, argv: ['status'] }],
  [
    'what many commands have, before the command',
    ['--env', 'prod', '--server=https://x.example', 'get', 'servers'],
    { argv: ['get', 'servers', '--env', 'prod', '--server', 'https://x.example'] },
  ],
  ['the same before --', ['--context', 'far', 'x', '--', 'y'], { argv: ['x', '--context', 'far', '--', 'y'] }],
  [
    'quiet and verbose anywhere',
    ['-q', 'get', '-v', 'servers'],
    { quiet: true, verbose: true, argv: ['get', 'servers'] },
  ],
  [
    'but not behind --',
    ['create', 'server', 'x', '--', 'node', '-v'],
    { argv: ['create', 'server', 'x', '--', 'node', '-v'] },
  ],
])('%s', (_situation, words, expected) => {
  const none = { quiet: false, verbose: false, cwd: home, timeoutMs: undefined };
  expect(takeGlobals(words, home)).toEqual({ ...none, ...expected });
});

it.each([[['-C']], [['--server']], [['--timeout', 'soon', 'get']], [['--timeout=0', 'get']]])(
  '%j: wrong usage',
  words => {
    expect(() => takeGlobals(words, home)).toThrow('USAGE');
  },
);
