import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Secret } from '../../schema/index.ts';
import { resolveSecret } from './resolve.ts';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcpctl-secrets-'));
  mkdirSync(join(home, 'secrets/team'), { recursive: true });
  write('token', 'file-value\n');
  write('team/token', 'deep');
  write('two-newlines', 'a\n\n');
  write('windows', 'a\r\n');
  write('inner', ' a\nb ');
  write('empty', '\n');
  write('binary', Buffer.from([0xff, 0xfe]));
  write('nul', 'a\0b');
  write('large', 'x'.repeat(64 * 1024 + 1));
  write('largest', 'x'.repeat(64 * 1024));
  write('open', 'hidden', 0o644);
  mkdirSync(join(home, 'elsewhere'));
  writeFileSync(join(home, 'elsewhere/key'), 'hidden', { mode: 0o600 });
  symlinkSync(join(home, 'elsewhere/key'), join(home, 'secrets/link'));
  symlinkSync(join(home, 'elsewhere'), join(home, 'secrets/folder-link'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function write(name: string, data: string | Buffer, mode = 0o600): void {
  writeFileSync(join(home, 'secrets', name), data);
  chmodSync(join(home, 'secrets', name), mode);
}

function resolve(source: Secret['data'][string], key = 'key', scopeId = 'secret/demo') {
  const env = { MCPCTL_SECRET_A: 'env-value', MCPCTL_SECRET_EMPTY: '' };
  return resolveSecret({ data: { key: source } }, key, { env, home, stateDir: join(home, 'state'), scopeId });
}

it.each([
  ['a variable', { env: 'MCPCTL_SECRET_A' }, 'env-value'],
  ['a file, without its newline', { file: 'token' }, 'file-value'],
  ['a file in a folder', { file: 'team/token' }, 'deep'],
  ['only one newline is taken off', { file: 'two-newlines' }, 'a\n'],
  ['a Windows newline', { file: 'windows' }, 'a'],
  ['white space inside stays', { file: 'inner' }, ' a\nb '],
  ['a file as large as may be', { file: 'largest' }, 'x'.repeat(64 * 1024)],
])('resolves %s', async (_situation, source, value) => {
  expect(await resolve(source)).toEqual({ value });
});

it.each([
  ['a variable that is not set', { env: 'MCPCTL_SECRET_NONE' }, /MCPCTL_SECRET_NONE is not set/],
  ['a variable that is empty', { env: 'MCPCTL_SECRET_EMPTY' }, /MCPCTL_SECRET_EMPTY is empty/],
  ['a name that every object has', { env: 'constructor' }, /constructor is not set/],
  ['a file that is not there', { file: 'none' }, /no file .*none/],
  ['a file below a file', { file: 'token/x' }, /no file/],
  ['a folder', { file: 'team' }, /not a regular file/],
  ['an empty file', { file: 'empty' }, /is empty/],
  ['a file others may read', { file: 'open' }, /mode 0644/],
  ['a file that is too large', { file: 'large' }, /larger than 65536/],
  ['a file that is not text', { file: 'binary' }, /not text/],
  ['a file with a NUL', { file: 'nul' }, /not text/],
  ['a symbolic link', { file: 'link' }, /symbolic link/],
  ['a file through a linked folder', { file: 'folder-link/key' }, /symbolic link/],
  ['a file outside', { file: '../elsewhere/key' }, /is outside/],
])('refuses %s, and tells no value', async (_situation, source, message) => {
  const result = await resolve(source);
  expect(result).toMatchObject({ problem: { code: 'SECRET_UNRESOLVED', message: expect.stringMatching(message) } });
  expect(JSON.stringify(result)).not.toMatch(/hidden|xxx/);
});

it('refuses a key that the Secret does not have', async () => {
  const refused = { problem: { code: 'SECRET_UNRESOLVED', message: 'secret/demo has no key other' } };
  expect(await resolve({ env: 'MCPCTL_SECRET_A' }, 'other')).toMatchObject(refused);
});

it('makes a value up once, keeps it private, and another for each key and Secret', async () => {
  const source = { generate: { bytes: 32 } };
  const values = await Promise.all(Array.from({ length: 20 }, () => resolve(source)));
  const [first] = values;
  expect(first).toEqual({ value: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) });
  for (const value of values) expect(value).toEqual(first);
  expect(await resolve(source)).toEqual(first);
  expect(await resolve(source, 'key', 'secret/other')).not.toEqual(first);
  const folder = join(home, 'state/secrets');
  const modes = [folder, ...readdirSync(folder).map(name => join(folder, name))].map(
    path => statSync(path).mode & 0o777,
  );
  expect(modes).toEqual([0o700, 0o600, 0o600]);
});

it('does not use a made-up value that others may read', async () => {
  const source = { generate: { bytes: 16 } };
  await resolve(source);
  const folder = join(home, 'state/secrets');
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o644);
  expect(await resolve(source)).toMatchObject({ problem: { message: expect.stringMatching(/mode 0644/) } });
});
