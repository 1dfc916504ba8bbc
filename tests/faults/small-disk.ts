import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A small disk of its own for a test file, away when its tests are over. @returns where it is, or why there is none */
export function smallDisk(mebibytes: number): { root: string; why: string | undefined } {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return { root: '', why: 'only root on Linux can mount a small disk' };
  }
  const root = mkdtempSync(join(tmpdir(), 'mcpctl-small-'));
  const options = `size=${mebibytes}m,mode=0700`;
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', root], { encoding: 'utf8' });
  if (status !== 0) {
    rmSync(root, { recursive: true });
    return { root: '', why: `a small disk could not be mounted: ${stderr.trim()}` };
  }
  afterAll(() => {
    spawnSync('umount', ['-l', root]);
    rmSync(root, { recursive: true, force: true });
  });
  return { root, why: undefined };
}
