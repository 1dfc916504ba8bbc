import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { problem } from '../../schema/index.ts';
import { openStateStore, type StateStore } from './index.ts';

let folder: string;
let path: string;
let store: StateStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-state-'));
  path = join(folder, 'state.sqlite');
  store = openStateStore(path);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const error = problem('SERVER_EXITED', 'it ended', { resource: 'server/one' });
const attempts = { attempt: 2, failures: 3, restarts: 1, lastAttemptAt: 1_000, nextRetryAt: 2_000, diedAt: 500, error };

function reopen(): void {
  store.close();
  store = openStateStore(path);
}

it('gives attempts back as they were, over a restart, for the same spec only', () => {
  store.attempts.put('one-0', 'sha256:a', attempts);
  reopen();
  expect(store.attempts.get('one-0', 'sha256:a')).toEqual(attempts);
  expect(store.attempts.get('one-0', 'sha256:b')).toBeUndefined();
  expect(store.attempts.get('one-1', 'sha256:a')).toBeUndefined();
  store.attempts.delete('one-0');
  expect(store.attempts.get('one-0', 'sha256:a')).toBeUndefined();
});

it.each([
  ['no JSON', '{'],
  ['something else', '{"attempt":"two"}'],
  ['a time before time', '{"attempt":1,"failures":1,"restarts":0,"nextRetryAt":-5}'],
  ['a time that no clock shows', '{"attempt":1,"failures":1,"restarts":0,"nextRetryAt":1e300}'],
])('starts afresh when a row holds %s', (_situation, text) => {
  store.attempts.put('one-0', 'sha256:a', attempts);
  const database = new DatabaseSync(path);
  database.prepare('UPDATE attempts SET attempts = ?').run(text);
  database.close();
  expect(store.attempts.get('one-0', 'sha256:a')).toBeUndefined();
});

it('keeps what is suspended, since when it first was', () => {
  store.suspensions.put('server/one', 1_000);
  store.suspensions.put('server/one', 2_000);
  store.suspensions.put('repository', 3_000);
  reopen();
  expect([...store.suspensions.all()]).toEqual([
    ['repository', 3_000],
    ['server/one', 1_000],
  ]);
  store.suspensions.delete('repository');
  expect([...store.suspensions.all().keys()]).toEqual(['server/one']);
});

it('says so when a suspension cannot be kept', () => {
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  expect(() => store.suspensions.put('repository', 1)).toThrow(/the state cannot be written/);
  // What only spares the next start a try is not worth a failure.
  store.attempts.put('one-0', 'sha256:a', attempts);
  other.exec('ROLLBACK');
  other.close();
});
