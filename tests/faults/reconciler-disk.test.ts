import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { condition } from '../e2e/daemon.ts';
import { faultScene } from './scene.ts';
import { smallDisk } from './small-disk.ts';

const { root, why } = smallDisk(160);

it.skipIf(why !== undefined)(
  `a full disk${why ? `: ${why}` : ' stops nothing that runs, is said, and heals when there is room again'}`,
  async () => {
    const scene = faultScene(1, { stateRoot: root });
    try {
      const daemon = await scene.up({ args: ['--poll', '0.3'] });
      const first = await daemon.until('Ready', status => condition(status, 'Ready') === 'True');
      const filler = join(root, 'filler');
      const { bavail, bsize } = statfsSync(root);
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=65536', `count=${Math.ceil((bavail * bsize) / 65536) + 1}`]);

      // The content cannot be packed, so that it needs room.
      const note = `---\n---\n${randomBytes(20_000).toString('base64')}\n`;
      const commit = scene.repository.commit({ 'servers/s0.yaml': scene.machine.server(1), 'prompts/note.md': note });
      const full = await daemon.until('the complaint', ({ conditions }) =>
        conditions.some(({ type, reason }) => type === 'Ready' && reason === 'SourceFailed'),
      );
      expect(full.problems.map(({ code }) => code)).toContain('STATE_UNUSABLE');
      expect(full.revision.applied).toBe(first.revision.applied);
      expect(scene.machine.running()).toEqual(['version-0']);

      rmSync(filler);
      await daemon.until('the push', now => now.revision.applied === commit && condition(now, 'Ready') === 'True');
      expect(scene.machine.running()).toEqual(['version-1']);
      expect(await daemon.stop()).toBe(0);
    } finally {
      await scene.remove();
    }
  },
  120_000,
);
