import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { person, protectedBy, userFile } from '../people.ts';
import { serverFile, serverFiles, tempRepository, writeFiles } from '../temp-repository.ts';
import { seededRandom } from './scene.ts';

const seed = Number(process.env.MCPCTL_FAULT_SEED ?? 1);
const rounds = Number(process.env.MCPCTL_FAULT_ROUNDS ?? 4);
const program = join(import.meta.dirname, '..', '..', 'cli', 'mcpctl.mjs');

const policy = protectedBy('servers/', ['ann']);

it(
  `an approval killed outright at ${rounds} random moments (seed ${seed}): pending or approved, nothing between`,
  async () => {
    const random = seededRandom(seed);
    const repository = tempRepository(serverFiles(1));
    const [ann, zoe] = [
      person(repository.folder, 'ann', repository.bare),
      person(repository.folder, 'zoe', repository.bare),
    ];
    const run = (who: typeof ann, ...argv: string[]) =>
      execFileSync(process.execPath, [program, ...argv], { cwd: who.work, env: who.env, stdio: 'pipe' })
        .toString()
        .trim();
    const git = (...args: string[]) => execFileSync('git', args, { cwd: repository.bare, encoding: 'utf8' }).trim();
    const refs = () => git('for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads');

    async function proposed(round: number): Promise<string> {
      zoe.git('fetch', '--quiet');
      zoe.git('reset', '--quiet', '--hard', 'origin/main');
      writeFiles(zoe.work, { [`servers/new-${round}.yaml`]: serverFile(`new-${round}`) });
      const id = run(zoe, 'propose', '-m', `Serve ${round}`);
      run(ann, 'review', 'diff', id);
      return id;
    }

    try {
      repository.commit({
        'mcpctl.yaml': policy,
        'access/users/ann.yaml': userFile(ann),
        'access/users/zoe.yaml': userFile(zoe),
      });
      const first = await proposed(0);
      const began = performance.now();
      run(ann, 'review', 'approve', first);
      const whole = performance.now() - began;
      let killed = 0;
      for (let round = 1; round <= rounds; round++) {
        const id = await proposed(round);
        const before = refs();
        const child = spawn(process.execPath, [program, 'review', 'approve', id], {
          cwd: ann.work,
          env: ann.env,
          detached: true,
          stdio: 'ignore',
        });
        const exit = once(child, 'exit');
        await Promise.race([exit, sleep(random() * whole)]);
        if (child.exitCode === null && child.pid !== undefined) {
          killed++;
          process.kill(-child.pid, 'SIGKILL');
        }
        await exit;
        await remoteIsQuiet();
        const after = refs();
        const approved = git('ls-tree', '--name-only', '-r', 'main').includes(`servers/new-${round}.yaml`);
        if (!approved) expect(after, `round ${round}: pending, as it was`).toBe(before);
        else {
          expect(after, `round ${round}: approved`).not.toContain(`proposals/${id}`);
          expect(after).toContain(`reviews/${id}`);
          expect(git('log', '-1', '--format=%(trailers:key=Review-Statement,valueonly)', 'main')).not.toBe('');
        }
        git('fsck', '--connectivity-only');
        // Whatever was left behind, the reviewer goes on.
        if (!approved) expect(run(ann, 'review', 'approve', id)).toMatch(new RegExp(`^${id} merged [0-9a-f]{40}$`));
      }
      expect(killed).toBeGreaterThan(0);
    } finally {
      repository.remove();
    }

    /** The remote's own side of a push may outlive the one who pushed. */
    async function remoteIsQuiet(): Promise<void> {
      for (let last = ''; ; await sleep(100)) {
        const now = refs();
        if (now === last) return;
        last = now;
      }
    }
  },
  60_000 + rounds * 15_000,
);
