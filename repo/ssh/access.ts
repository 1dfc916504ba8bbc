import { type Problem, problem } from '../../schema/index.ts';
import type { SshRemote } from '../types.ts';
import { sshCommandLine } from './command.ts';
import { type HostKey, hostName, pinKeys, pinnedKeys } from './host-keys.ts';
import { type SshProxy, sshProxy } from './proxy.ts';
import { presentedKeys } from './scan.ts';

export interface SshOptions {
  /** The private key to show. */
  key: string;
  /** The file of pinned host keys. */
  knownHosts: string;
  /** Fingerprints (`SHA256:…`) given by hand: one of them is what the host must have. */
  hostKeys: readonly string[];
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  /** What went wrong when the host could not even be asked for its key. */
  explain(outcome: { stderr: string; timedOut: boolean }): Problem;
}

/**
 * What git needs to reach an ssh remote. A host whose key is not pinned is not spoken with: it is asked for its keys,
 * and only one whose fingerprint was given by hand is pinned.
 * @returns HOST_KEY_UNKNOWN, HOST_KEY_MISMATCH, SSH_MISSING, REMOTE_*
 */
export async function sshAccess(
  remote: SshRemote,
  options: SshOptions,
): Promise<{ variables: Record<string, string>; secrets: readonly string[] } | { problem: Problem }> {
  const proxy = sshProxy(remote.host, remote.port, options.env);
  if (proxy && 'problem' in proxy) return proxy;
  const untrusted = await requirePinned(remote, proxy, options);
  if (untrusted) return { problem: untrusted };
  return {
    variables: {
      ...surroundings(options.env, proxy),
      GIT_SSH_COMMAND: sshCommandLine({ knownHosts: options.knownHosts, key: options.key, proxy }),
      GIT_SSH_VARIANT: 'ssh',
    },
    secrets: proxy?.secrets ?? [],
  };
}

/** ssh runs its ProxyCommand with the user's shell, which a service's user may not have. */
function surroundings(env: NodeJS.ProcessEnv, proxy: SshProxy | undefined): Record<string, string> {
  return {
    SHELL: '/bin/sh',
    LC_ALL: 'C',
    ...(env.PATH !== undefined && { PATH: env.PATH }),
    ...(proxy && env.NODE_EXTRA_CA_CERTS !== undefined && { NODE_EXTRA_CA_CERTS: env.NODE_EXTRA_CA_CERTS }),
    ...proxy?.environment,
  };
}

async function requirePinned(
  remote: SshRemote,
  proxy: SshProxy | undefined,
  { knownHosts, hostKeys, env, signal, explain }: SshOptions,
): Promise<Problem | undefined> {
  const name = hostName(remote);
  const isWanted = ({ fingerprint }: HostKey) => hostKeys.includes(fingerprint);
  const pinned = await pinnedKeys(knownHosts, name);
  if (hostKeys.length === 0 ? pinned.length > 0 : pinned.some(isWanted)) return undefined;

  const shown = await presentedKeys(remote, { env: surroundings(env, proxy), proxy, signal });
  if (shown.missing) return problem('SSH_MISSING', 'ssh could not be run');
  if (shown.keys.length === 0) return explain({ stderr: shown.words, timedOut: shown.timedOut });
  const list = shown.keys.map(({ type, fingerprint }) => `${fingerprint} (${type})`).join(', ');
  if (hostKeys.length === 0) {
    const hint =
      'Compare with what the host’s owner publishes; then start once with ' +
      `\`mcpctl up ${remote.display} --host-key ${shown.keys[0]?.fingerprint}\`.`;
    return problem('HOST_KEY_UNKNOWN', `No key of the host ${name} is pinned; it shows ${list}`, { hint });
  }
  const wanted = shown.keys.filter(isWanted);
  if (wanted.length === 0) {
    return problem('HOST_KEY_MISMATCH', `The host ${name} has none of the keys given; it shows ${list}`);
  }
  await pinKeys(knownHosts, name, wanted);
  return undefined;
}
