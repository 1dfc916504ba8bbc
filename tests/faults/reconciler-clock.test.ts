import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { missingProgram } from '../apt.ts';
import { condition, poll } from '../e2e/daemon.ts';
import { faultScene } from './scene.ts';

const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
const why =
  process.platform === 'linux' && process.arch === 'x64'
    ? missingProgram(library, 'libfaketime')
    : 'the clock can be faked on Linux x64 only';

it.skipIf(why !== undefined).each([
  ['a year ahead', '+31536000'],
  ['a year back', '-31536000'],
])(`the clock jumps %s${why ? `: ${why}` : ': pushes, polls and restarts go on'}`, async (_situation, offset) => {
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-clock-'));
  const time = join(folder, 'time');
  writeFileSync(time, '+0\n');
  const scene = faultScene(2);
  try {
    const env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: time,
      FAKETIME_NO_CACHE: '1',
      // Only the time of day is set by people and NTP.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
    const daemon = await scene.up({ args: ['--poll', '0.5'], env });
    const before = await daemon.until('Ready', status => condition(status, 'Ready') === 'True');
    writeFileSync(time, `${offset}\n`);

    const commit = scene.repository.commit({ 'servers/s0.yaml': scene.machine.server(1) });
    const after = await daemon.until(
      'the push',
      status => status.revision.applied === commit && condition(status, 'Ready') === 'True',
    );
    // The daemon did live through the jump: its own times tell.
    const began = (status: typeof before) =>
      Date.parse(status.servers.find(({ name }) => name === 's0')?.instances[0]?.since ?? '');
    expect(Math.sign(Number(offset)) * (began(after) - began(before))).toBeGreaterThan(30_000_000_000);

    const victim = after.servers.find(({ name }) => name === 's1')?.instances[0]?.pid ?? 0;
    process.kill(victim, 'SIGKILL');
    await daemon.until('the restart', status => {
      const [instance] = status.servers.find(({ name }) => name === 's1')?.instances ?? [];
      return instance?.state === 'Running' && instance.pid !== victim;
    });
    await poll('one of each', 20_000, () => scene.machine.running().join() === 'version-0,version-1');
    expect(await daemon.stop()).toBe(0);
  } finally {
    await scene.remove();
    rmSync(folder, { recursive: true, force: true });
  }
});
