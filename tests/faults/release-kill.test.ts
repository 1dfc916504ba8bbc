import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { seededRandom } from '../seeded-random.ts';
import { tempRepository } from '../temp-repository.ts';
import { makeKey } from '../trust-scene.ts';

const seed = Number(process.env.MCPCTL_FAULT_SEED ?? 1);
const rounds = Number(process.env.MCPCTL_FAULT_ROUNDS ?? 4);
const mcpctl = join(import.meta.dirname, '..', '..', 'cli', 'mcpctl.mjs');

it(
  `a release killed outright at ${rounds} random moments (seed ${seed}): the remote is before or after`,
  async () => {
    const random = seededRandom(seed);
    const repository = tempRepository({
      'mcpctl.yaml': 'apiVersion: mcpctl.dev/v1\nkind: Repository\nspec:\n  id: test.example\n',
      'prompts/one.md': '---\n---\nOne',
    });
    const home = mkdtempSync(join(tmpdir(), 'mcpctl-home-'));
    const config = join(home, '.gitconfig');
    writeFileSync(config, '[user]\n\tname = Alice\n\temail = alice@example.com\n');
    const key = makeKey(join(home, 'keys'), 'alice');
    const env = { PATH: process.env.PATH, HOME: home, MCPCTL_HOME: home, GIT_CONFIG_GLOBAL: config };
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [mcpctl, ...args], { cwd: repository.work, env, stdio: 'pipe' }).toString();
    const release = ['release', '--push', '--sign-key', key.file];

    /** The release tags on the remote, and the tags of their sequences: each pair is there, or neither. */
    function remote(): { versions: string[]; sequences: string[] } {
      const format = ['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)', 'refs/tags'];
      const lines = execFileSync('git', format, { cwd: repository.bare, encoding: 'utf8' }).trim().split('\n');
      const named = lines.map(line => line.split(' ') as [string, string]);
      const of = (pattern: RegExp) => named.filter(([, name]) => pattern.test(name)).map(([oid]) => oid);
      return { versions: of(/^v/).sort(), sequences: of(/^release\//).sort() };
    }

    try {
      run('trust', 'init', '--sign-key', key.file);
      repository.commit({});
      const began = performance.now();
      run(...release);
      const whole = performance.now() - began;
      const fingerprint = JSON.parse(run('trust', 'show', '-o', 'json')).roots[0].fingerprint;
      run('trust', 'add', '.', '--fingerprint', fingerprint);
      let killed = 0;
      for (let round = 1; round <= rounds; round++) {
        repository.commit({ 'prompts/one.md': `---\n---\nRound ${round}` });
        const before = remote();
        const child = spawn(process.execPath, [mcpctl, ...release], {
          cwd: repository.work,
          env,
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

        const after = remote();
        expect(after.sequences, `round ${round}`).toEqual(after.versions);
        expect([0, 1]).toContain(after.versions.length - before.versions.length);
        // What is there is whole; and whoever releases next brings it to an end, whatever was left behind.
        run(...release);
        expect(remote().versions.length).toBe(before.versions.length + 1);
        run('verify', '--files');
      }
      expect(killed).toBeGreaterThan(0);
    } finally {
      repository.remove();
      rmSync(home, { recursive: true, force: true });
    }

    /** The remote's own side of a push may outlive the one who pushed. */
    async function remoteIsQuiet(): Promise<void> {
      for (let last = ''; ; await sleep(100)) {
        const now = JSON.stringify(remote());
        if (now === last) return;
        last = now;
      }
    }
  },
  60_000 + rounds * 15_000,
);
