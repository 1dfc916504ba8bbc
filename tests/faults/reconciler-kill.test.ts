import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { condition, poll } from '../e2e/daemon.ts';
import { type FaultScene, faultScene, seededRandom } from './scene.ts';

const seed = Number(process.env.MCPCTL_FAULT_SEED ?? 1);
const rounds = Number(process.env.MCPCTL_FAULT_ROUNDS ?? 4);
const mcpctl = join(import.meta.dirname, '..', '..', 'cli', 'mcpctl.mjs');
const SERVERS = 3;
/** Longer than a start takes, so that kills come before, during and after everything. Milliseconds. */
const LATEST_KILL_MS = 2_500;

it.skipIf(process.platform !== 'linux')(
  `killed outright at ${rounds} random moments (seed ${seed}): no orphan, no double, nothing forgotten`,
  async () => {
    const random = seededRandom(seed);
    const pick = (count: number) => Math.floor(random() * count);
    const scene = faultScene(SERVERS);
    const wanted = new Map<number, { version: number; replicas: number }>();
    for (let index = 0; index < SERVERS; index++) wanted.set(index, { version: 0, replicas: 1 });
    const expected = () =>
      [...wanted.values()].flatMap(({ version, replicas }) => Array(replicas).fill(`version-${version}`)).sort();

    try {
      for (let round = 1; round <= rounds; round++) {
        const changed = pick(SERVERS);
        const replicas = 1 + pick(2);
        wanted.set(changed, { version: round, replicas });
        scene.repository.commit({ [`servers/s${changed}.yaml`]: scene.server(round, replicas) });
        if (random() < 0.5) await killWhileStarting(scene, random() * LATEST_KILL_MS);
        else await killAfterReady(scene, random() * 1_000);
        // What it left is at most what was wanted before and now; the next start has to deal with it.
        if (round % 3 !== 0 && round !== rounds) continue;

        const first = wanted.get(0) ?? { version: 0, replicas: 1 };
        scene.repository.commit({ 'servers/s0.yaml': scene.server(first.version, first.replicas) });
        const daemon = await scene.up();
        const commit = scene.repository.git('rev-parse', 'HEAD');
        await daemon.until(
          `Ready after round ${round}`,
          status => condition(status, 'Ready') === 'True' && status.revision.applied === commit,
        );
        await poll(`round ${round}: ${expected()}, not ${scene.running()}`, 30_000, () =>
          same(scene.running(), expected()),
        );
        expect(await daemon.stop()).toBe(0);
        await poll('every server to end', 30_000, () => scene.running().length === 0);
      }
    } finally {
      await scene.remove();
    }
  },
  60_000 + rounds * 15_000,
);

/** Perhaps before it has a state directory, perhaps when everything runs. */
async function killWhileStarting({ repository, stateDir }: FaultScene, ms: number): Promise<void> {
  const args = ['up', repository.bare, '--state-dir', stateDir, '--port', '0', '--poll', '0.2'];
  const doomed = spawn(process.execPath, [mcpctl, ...args], { stdio: 'ignore' });
  const exited = once(doomed, 'exit');
  await sleep(ms);
  doomed.kill('SIGKILL');
  await exited;
}

/** When everything runs, and a push is perhaps being carried out. */
async function killAfterReady(scene: FaultScene, ms: number): Promise<void> {
  const doomed = await scene.up();
  const exited = once(doomed.child, 'exit');
  await doomed.until('Ready', status => condition(status, 'Ready') === 'True');
  scene.repository.commit({ 'servers/s0.yaml': scene.server(-1) });
  await scene.poke(doomed);
  await sleep(ms);
  doomed.child.kill('SIGKILL');
  await exited;
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
