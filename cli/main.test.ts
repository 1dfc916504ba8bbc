import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('says that its output could not be written', () => {
  const full = openSync('/dev/full', 'w');
  const program = join(import.meta.dirname, 'mcpctl.mjs');
  const { status, stderr } = spawnSync(process.execPath, [program, 'version'], {
    ...{ stdio: ['ignore', full, 'pipe'], encoding: 'utf8' },
  });
  closeSync(full);
  expect(stderr).toBe('✗ what there is to say could not be written: ENOSPC: no space left on device, write\n');
  expect(status).toBe(1);
});
