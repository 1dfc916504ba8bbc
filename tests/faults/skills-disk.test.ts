import { spawnSync } from 'node:child_process';
import { rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mcpctl } from '../command-line.ts';
import { emptyRepository, skillFiles } from '../skills-machine.ts';
import { tempRepository } from '../temp-repository.ts';
import { smallDisk } from './small-disk.ts';

const { root, why } = smallDisk(12);

it.skipIf(why !== undefined)(
  `a full disk${why ? `: ${why}` : ' ends a sync with exit 2, tears nothing, and the next one goes on'}`,
  async () => {
    const repository = tempRepository({ ...emptyRepository, ...skillFiles('skills/review', 'One.') });
    try {
      const env = { PATH: process.env.PATH, HOME: root };
      const sync = (...argv: string[]) => mcpctl(['skills', 'sync', '-o', 'json', ...argv], { cwd: root, env });
      expect((await sync('--from', repository.bare)).code).toBe(0);
      const read = () => spawnSync('cat', [join(root, '.claude/skills/review/SKILL.md')], { encoding: 'utf8' }).stdout;
      repository.commit({ ...skillFiles('skills/review', 'Two.', { 'big.bin': Buffer.alloc(3_000_000, 7) }) });
      // Fill it to different degrees, so that it is full at different moments.
      for (const left of [0, 40, 200, 1_000, 3_500]) {
        const filler = join(root, 'filler');
        rmSync(filler, { force: true });
        const { bavail, bsize } = statfsSync(root);
        const blocks = Math.max(0, Math.floor((bavail * bsize) / 1024) - left);
        spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1024', `count=${blocks}`], { stdio: 'ignore' });
        const { code, stdout } = await sync();
        expect(code, `with ${left} KiB left: ${stdout}`).toBe(2);
        expect(read()).toContain('One.');
      }
      rmSync(join(root, 'filler'));
      const { code, stdout } = await sync();
      expect(code, stdout).toBe(0);
      expect(JSON.parse(stdout).updated).toEqual(['skill/review']);
      expect(read()).toContain('Two.');
    } finally {
      repository.remove();
    }
  },
);
