import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { openDockerRuntime } from '../../reconciler/runtimes/index.ts';
import { startDocker, whyNoDocker } from '../docker/daemon.ts';
import { behaviours } from './behaviours.ts';
import { type Misdeed, type RuntimeAdapter, runtimeContract } from './runtime.ts';

const reason = whyNoDocker();
const docker = reason === undefined ? await startDocker() : undefined;
afterAll(() => docker?.stop());

describe.skipIf(!docker)(reason === undefined ? 'Docker' : `Docker (skipped: ${reason})`, () => {
  if (!docker) return;
  const { run, host, images } = docker;
  const env = { DOCKER_HOST: host, MCPCTL_RUNNER_NODE: images[0] };

  /** The container of the newest runtime: state directories are not shared between tests. */
  function containerOf(id: string, stateDir: string): string {
    return `mcpctl-${ownerIn(stateDir)}-${id}`;
  }

  function ownerIn(stateDir: string): string {
    return readFileSync(join(stateDir, 'owner'), 'utf8').slice(0, 12);
  }

  const behind: Record<Misdeed, (id: string, stateDir: string) => Promise<void>> = {
    kill: async (id, stateDir) => void run('kill', containerOf(id, stateDir)),
    stop: async (id, stateDir) => void run('stop', '-t', '1', containerOf(id, stateDir)),
    remove: async (id, stateDir) => void run('rm', '-f', containerOf(id, stateDir)),
    pause: async (id, stateDir) => void run('pause', containerOf(id, stateDir)),
    async replace(id, stateDir) {
      const name = containerOf(id, stateDir);
      const marks = JSON.parse(run('inspect', '-f', '{{json .Config.Labels}}', name)) as Record<string, string>;
      run('rm', '-f', name);
      const labels = Object.entries(marks).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
      run(
        'run',
        '-d',
        '--read-only',
        '--cap-drop=ALL',
        '--security-opt=no-new-privileges',
        `--network=${marks['mcpctl.dev/network']}`,
        '--name',
        name,
        ...labels,
        images[1],
        '-e',
        'setInterval(() => {}, 1e6)',
      );
    },
  };
  const common: Pick<RuntimeAdapter, 'open' | 'behind' | 'not'> = {
    open: stateDir => openDockerRuntime({ stateDir, env, graceMs: 500 }),
    behind,
    not: { 'leaves nothing where instances cannot go on alone': 'containers can' },
  };

  describe('a command, run in a runner image', () => {
    runtimeContract('docker', { ...common, behave: name => ({ argv: ['node', '-e', behaviours[name].script] }) });
  });

  describe('an image', () => {
    runtimeContract('docker', {
      ...common,
      behave: name => ({ image: images[0], argv: ['-e', behaviours[name].script] }),
      program: name => ['node', '-e', behaviours[name].script],
      not: { ...common.not, 'says that a program is missing': 'arguments are the entrypoint’s, which is there' },
    });
  });
});
