import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { acquireLock } from './lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpctl-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('is exclusive until released', () => {
  const path = join(folder, 'lock');
  const release = acquireLock(path);
  expect(release).toBeTypeOf('function');
  expect(acquireLock(path)).toBeUndefined();
  release?.();
  const again = acquireLock(path);
  expect(again).toBeTypeOf('function');
  again?.();
});

it('is held against another process, and free at once when that process is killed', async () => {
  const path = join(folder, 'lock');
  const holder = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `import { acquireLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))};
     console.log(acquireLock(${JSON.stringify(path)}) ? 'held' : 'busy'); setInterval(() => {}, 1000);`,
  ]);
  const [line] = await once(holder.stdout, 'data');
  expect(String(line).trim()).toBe('held');
  expect(acquireLock(path)).toBeUndefined();
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const release = acquireLock(path);
  expect(release).toBeTypeOf('function');
  release?.();
});
