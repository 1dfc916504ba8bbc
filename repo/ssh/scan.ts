import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../host/index.ts';
import { sshArguments } from './command.ts';
import { type HostKey, hostName, parseHostKeys } from './host-keys.ts';
import type { SshProxy } from './proxy.ts';

/** One connection for each, because a host shows one key at a time. */
const KINDS = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512'];

/**
 * Ask a host which keys it has, without logging in and without believing it.
 * @returns its keys, and what ssh said when there is none
 */
export async function presentedKeys(
  { host, port }: { host: string; port: number },
  options: { env: Record<string, string>; proxy: SshProxy | undefined; signal?: AbortSignal | undefined },
): Promise<{ keys: HostKey[]; words: string; timedOut: boolean; missing: boolean }> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-host-keys-'));
  const found = { keys: [] as HostKey[], words: '', timedOut: false, missing: false };
  try {
    for (const kind of KINDS) {
      const knownHosts = join(folder, kind);
      const settings = ['StrictHostKeyChecking=accept-new', `HostKeyAlgorithms=${kind}`];
      const argv = sshArguments({ knownHosts, proxy: options.proxy, options: settings });
      const target = ['-p', String(port), '-l', 'git', '--', host, 'true'];
      const result = await run([...argv, ...target], {
        env: options.env,
        timeoutMs: 30_000,
        ...(options.signal && { signal: options.signal }),
      });
      found.missing = result.spawnError !== undefined;
      found.timedOut = result.timedOut;
      const text = await readFile(knownHosts, 'utf8').catch(() => '');
      const keys = parseHostKeys(text, hostName({ host, port }));
      found.keys.push(...keys);
      // A host that lacks a kind says so; one that is not there says it three times.
      if (keys.length === 0) found.words = result.stderr;
      const lacksKind = /no matching host key type/i.test(result.stderr);
      if (keys.length === 0 && !lacksKind) break;
    }
    return found;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
