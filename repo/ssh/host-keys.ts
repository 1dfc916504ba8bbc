import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ensurePrivateDir, writeAtomic } from '../../host/index.ts';

/** One key of a host, as a line of known_hosts has it. */
export interface HostKey {
  /** `ssh-ed25519` and the like. */
  type: string;
  base64: string;
  /** `SHA256:…`, as `ssh-keygen -l` and forges show it. */
  fingerprint: string;
}

/** A host's name in known_hosts. */
export function hostName({ host, port }: { host: string; port: number }): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

/** The keys that a known_hosts text has for exactly this name. */
export function parseHostKeys(text: string, name: string): HostKey[] {
  return text.split('\n').flatMap(line => {
    const [names, type = '', base64 = ''] = line.trim().split(/\s+/);
    return names === name && base64 !== '' ? [{ type, base64, fingerprint: fingerprintOf(base64) }] : [];
  });
}

/** The keys pinned for a host; none when there is no file yet. */
export async function pinnedKeys(file: string, name: string): Promise<HostKey[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return parseHostKeys(text, name);
}

/** Make these the only keys pinned for a host; what is pinned for others stays. */
export async function pinKeys(file: string, name: string, keys: readonly HostKey[]): Promise<void> {
  await ensurePrivateDir(dirname(file));
  const before = await readFile(file, 'utf8').catch(() => '');
  const others = before.split('\n').filter(line => line !== '' && line.split(/\s+/)[0] !== name);
  const own = keys.map(({ type, base64 }) => `${name} ${type} ${base64}`);
  await writeAtomic(file, `${[...others, ...own].join('\n')}\n`, { mode: 0o600 });
}

function fingerprintOf(base64: string): string {
  const digest = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}
