import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DatabaseUnusable, openDatabase } from './database.ts';

let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'mcpctl-database-')), 'state.sqlite');
});
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }));

it('runs each migration once, and keeps the file to its owner', () => {
  openDatabase(path, ['CREATE TABLE a (x)']).close();
  const database = openDatabase(path, ['CREATE TABLE a (x)', 'CREATE TABLE b (y)']);
  expect(database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all()).toEqual([
    { name: 'a' },
    { name: 'b' },
  ]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  database.close();
});

it.each([
  ['written by a newer version', () => openDatabase(path, ['CREATE TABLE a (x)', 'CREATE TABLE b (y)']).close()],
  ['not a database', () => writeFileSync(path, 'x'.repeat(5000))],
])('%s: refused', (_situation, prepare) => {
  prepare();
  expect(() => openDatabase(path, ['CREATE TABLE a (x)'])).toThrow(DatabaseUnusable);
});
