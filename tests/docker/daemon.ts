import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endGroup, identify } from '../../host/index.ts';
import { clientEnv } from './client.ts';
import { findProgram, installMissing } from './debian.ts';
import { importNode } from './image.ts';

/** A Docker daemon that belongs to one test file. */
export interface TestDocker {
  /** `unix://…`, as DOCKER_HOST has it. */
  host: string;
  /** Docker's ids of two images of the same content: Node, its libraries and busybox. */
  images: [string, string];
  /** Docker's client, as a person uses it. Throws when it fails. */
  run(...args: string[]): string;
  /** The daemon goes away, and comes back. */
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
}

/** What keeps Docker from being tested here; undefined when nothing does. */
export function whyNoDocker(): string | undefined {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'dockerd needs root';
  return installMissing({ dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' });
}

/**
 * Start a daemon with a folder, a socket and networks of its own, and give it an image. Nothing of it touches the
 * machine's own Docker, or its firewall.
 */
export async function startDocker(): Promise<TestDocker> {
  // Short: a socket's path has to fit in 108 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'dock-'));
  const socket = join(folder, 'docker.sock');
  const host = `unix://${socket}`;
  writeFileSync(join(folder, 'daemon.json'), '{}');
  let daemon: ChildProcess | undefined;

  async function up(): Promise<void> {
    daemon = spawn(findProgram('dockerd') ?? 'dockerd', flags(folder, socket), {
      stdio: ['ignore', 'ignore', openSync(join(folder, 'log'), 'a')],
      detached: true,
    });
    while (spawnSync('docker', ['version'], { env: clientEnv(host) }).status !== 0) {
      if (daemon.exitCode !== null) throw new Error(`dockerd ended: ${readFileSync(join(folder, 'log'), 'utf8')}`);
      await sleep(100);
    }
  }

  async function down(): Promise<void> {
    if (!daemon?.pid || daemon.exitCode !== null) return;
    const exited = once(daemon, 'exit');
    const identity = identify(daemon.pid);
    if (identity) await endGroup(identity, { graceMs: 20_000 });
    await exited;
  }

  await up();
  return {
    host,
    images: [importNode(host, folder, 'one'), importNode(host, folder, 'two')],
    run(...args) {
      const { status, stdout, stderr } = spawnSync('docker', args, { env: clientEnv(host), encoding: 'utf8' });
      if (status !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
      return stdout.trim();
    },
    up,
    down,
    async stop() {
      const left = spawnSync('docker', ['ps', '-aq'], { env: clientEnv(host), encoding: 'utf8' }).stdout.split(/\s+/);
      const paused = spawnSync('docker', ['ps', '-q', '--filter', 'status=paused'], {
        env: clientEnv(host),
        encoding: 'utf8',
      });
      for (const id of paused.stdout.split(/\s+/))
        if (id) spawnSync('docker', ['unpause', id], { env: clientEnv(host) });
      spawnSync('docker', ['rm', '-fv', ...left.filter(id => id !== '')], { env: clientEnv(host) });
      const networks = spawnSync('docker', ['network', 'ls', '-q', '--filter', 'type=custom'], {
        env: clientEnv(host),
        encoding: 'utf8',
      });
      for (const id of networks.stdout.split(/\s+/))
        if (id) spawnSync('docker', ['network', 'rm', id], { env: clientEnv(host) });
      await down();
      unmountBelow(folder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A daemon that was ended with containers in it leaves their file systems mounted. */
function unmountBelow(folder: string): void {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[1] ?? '');
  const ours = mounts
    .filter(path => path.startsWith(`${folder}/`))
    .sort()
    .reverse();
  if (ours.length > 0) spawnSync('umount', ['-l', ...ours]);
}

function flags(folder: string, socket: string): string[] {
  // Daemons of several test files must not choose the same subnet at the same time.
  const pool = `base=10.${100 + (process.pid % 100)}.0.0/16,size=24`;
  return [
    `--config-file=${join(folder, 'daemon.json')}`,
    `--host=unix://${socket}`,
    `--pidfile=${join(folder, 'docker.pid')}`,
    `--data-root=${join(folder, 'data')}`,
    `--exec-root=${join(folder, 'exec')}`,
    `--default-address-pool=${pool}`,
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-masq=false',
    '--ip-forward=false',
    '--exec-opt=native.cgroupdriver=cgroupfs',
    '--shutdown-timeout=1',
    '--log-level=warn',
  ];
}
