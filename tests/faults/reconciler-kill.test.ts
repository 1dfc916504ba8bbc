import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startDocker, whyNoDocker } from '../docker/daemon.ts';
import { condition, poll } from '../e2e/daemon.ts';
import { seededRandom } from '../seeded-random.ts';
import { dockerMachine, type FaultScene, faultScene } from './scene.ts';

const seed = Number(process.env.MCPCTL_FAULT_SEED ?? 1);
const rounds = Number(process.env.MCPCTL_FAULT_ROUNDS ?? 4);
const mcpctl = join(import.meta.dirname, '..', '..', 'cli', 'mcpctl.mjs');
const SERVERS = 3;
/** Longer than a start takes, so that kills come before, during and after everything. Milliseconds. */
const LATEST_KILL_MS = 2_500;

const title = `killed outright at ${rounds} random moments (seed ${seed}): no orphan, no double, nothing forgotten`;
const patience = 60_000 + rounds * 15_000;

it.skipIf(process.platform !== 'linux')(`processes: ${title}`, () => killAtRandom(faultScene(SERVERS)), patience);

const whyNot = whyNoDocker();
it.skipIf(whyNot !== undefined)(
  `containers: ${whyNot ?? title}`,
  async () => {
    const docker = await startDocker();
    try {
      await killAtRandom(faultScene(SERVERS, { machine: dockerMachine(docker) }));
    } finally {
      await docker.stop();
    }
  },
  patience + 120_000,
);

async function killAtRandom(scene: FaultScene): Promise<void> {
  const { machine, repository } = scene;
  const random = seededRandom(seed);
  const pick = (count: number) => Math.floor(random() * count);
  const wanted = Array.from({ length: SERVERS }, () => ({ version: 0, replicas: 1 }));
  const expected = () =>
    wanted.flatMap(({ version, replicas }) => Array<string>(replicas).fill(`version-${version}`)).sort();
  const declare = (index: number) => {
    const { version, replicas } = wanted[index] ?? { version: 0, replicas: 1 };
    repository.commit({ [`servers/s${index}.yaml`]: machine.server(version, replicas) });
  };

  try {
    for (let round = 1; round <= rounds; round++) {
      const changed = pick(SERVERS);
      wanted[changed] = { version: round, replicas: 1 + pick(2) };
      declare(changed);
      if (random() < 0.5) await killWhileStarting(scene, random() * LATEST_KILL_MS);
      else await killAfterReady(scene, random() * 1_000);
      // What it left is at most what was wanted before and now; the next start has to deal with it.
      if (round % 3 !== 0 && round !== rounds) continue;

      declare(0);
      const commit = repository.git('rev-parse', 'HEAD');
      const daemon = await scene.up();
      await daemon.until(
        `Ready after round ${round}`,
        status => condition(status, 'Ready') === 'True' && status.revision.applied === commit,
      );
      await poll(`round ${round}: ${expected()}`, 30_000, () => same(machine.running(), expected())).catch(error => {
        throw new Error(`${error.message}, not ${machine.running()}`);
      });
      expect(await daemon.stop()).toBe(0);
      if (machine.outlive) expect(machine.running()).toEqual(expected());
      else await poll('every server to end', 30_000, () => machine.running().length === 0);
    }
  } finally {
    await scene.remove();
  }
}

/** Perhaps before it has a state directory, perhaps when everything runs. */
async function killWhileStarting({ repository, stateDir, machine }: FaultScene, ms: number): Promise<void> {
  const args = ['up', repository.bare, '--state-dir', stateDir, '--port', '0', '--poll', '0.2'];
  const doomed = spawn(process.execPath, [mcpctl, ...args], {
    stdio: 'ignore',
    env: { ...process.env, ...machine.env },
  });
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
  scene.repository.commit({ 'servers/s0.yaml': scene.machine.server(-1) });
  await scene.poke(doomed);
  await sleep(ms);
  doomed.child.kill('SIGKILL');
  await exited;
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
