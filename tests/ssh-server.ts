import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../host/index.ts';

export const SSHD = '/usr/sbin/sshd';

/** A real sshd on a loopback port, with host keys and authorized keys of its own. */
export interface SshServer {
  port: number;
  user: string;
  /** SHA256:… of its ed25519 key. */
  fingerprint(): string;
  /** Let the owner of this public key in. */
  authorize(line: string): void;
  /** Come back with another host key. */
  changeHostKey(): Promise<void>;
  /** What it logged so far. */
  log(): string;
  close(): Promise<void>;
}

export async function startSshServer(): Promise<SshServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mcpctl-sshd-'));
  const port = await freePort();
  const { username } = userInfo();
  const hostKey = join(folder, 'host_key');
  const authorized = join(folder, 'authorized_keys');
  let log = '';
  let child: ChildProcess | undefined;
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  writeFileSync(authorized, '', { mode: 0o600 });
  const settings = [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${authorized}`,
    `PidFile ${join(folder, 'pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'MaxStartups 100',
  ];
  writeFileSync(join(folder, 'config'), `${settings.join('\n')}\n`);

  function makeHostKey(): void {
    rmSync(hostKey, { force: true });
    rmSync(`${hostKey}.pub`, { force: true });
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', hostKey]);
  }
  async function start(): Promise<void> {
    child = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'config')], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.on('data', chunk => {
      log += chunk;
    });
    while (!(await accepts(port))) {
      if (child.exitCode !== null) throw new Error(`sshd ended: ${log}`);
      await sleep(20);
    }
  }
  async function stop(): Promise<void> {
    if (!child || child.exitCode !== null) return;
    const ended = new Promise(resolve => child?.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  makeHostKey();
  await start();
  return {
    port,
    user: username,
    fingerprint: () => execFileSync('ssh-keygen', ['-lf', hostKey], { encoding: 'utf8' }).split(' ')[1] ?? '',
    authorize: line => writeFileSync(authorized, `${line}\n`, { flag: 'a' }),
    async changeHostKey() {
      await stop();
      makeHostKey();
      await start();
    },
    log: () => log,
    async close() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
