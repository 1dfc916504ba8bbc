import type { SshProxy } from './proxy.ts';

export interface SshCommand {
  knownHosts: string;
  /** The private key; without one nobody is logged in. */
  key?: string;
  proxy: SshProxy | undefined;
  /** Further `-o` options, which come first and so win. */
  options?: readonly string[];
}

/**
 * The ssh program with all its options: no configuration file, no agent, no prompt, no forwarding, one key, and only
 * hosts whose key is pinned.
 */
export function sshArguments({ knownHosts, key, proxy, options = [] }: SshCommand): string[] {
  const settings = [
    ...options,
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${pathValue(knownHosts)}`,
    'GlobalKnownHostsFile=/dev/null',
    'UpdateHostKeys=no',
    'VerifyHostKeyDNS=no',
    'CheckHostIP=no',
    'HashKnownHosts=no',
    `IdentityFile=${key === undefined ? 'none' : pathValue(key)}`,
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'AddKeysToAgent=no',
    `PreferredAuthentications=${key === undefined ? 'none' : 'publickey'}`,
    'ForwardAgent=no',
    'ForwardX11=no',
    'ClearAllForwardings=yes',
    'PermitLocalCommand=no',
    'ControlMaster=no',
    'ControlPath=none',
    'CanonicalizeHostname=no',
    'ConnectTimeout=20',
    'ServerAliveInterval=10',
    'ServerAliveCountMax=3',
    ...(proxy ? [`ProxyCommand=${proxy.command}`] : []),
  ];
  return ['ssh', '-F', '/dev/null', '-T', '-a', '-x', ...settings.flatMap(setting => ['-o', setting])];
}

/** As `GIT_SSH_COMMAND`, which a shell reads. */
export function sshCommandLine(command: SshCommand): string {
  return sshArguments(command).map(shellQuote).join(' ');
}

export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** ssh splits values at spaces, and takes `%` and `${` in paths for something else. */
function pathValue(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`;
}
