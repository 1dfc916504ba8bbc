import { createHash, randomBytes } from 'node:crypto';
import { link, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateDir, readPrivateFile, writeAtomic } from '../../host/index.ts';

/** Longer than base64url of the most bytes a Secret may ask for. */
const MAX_BYTES = 1_024;

/**
 * A random value that this machine makes up at first use and then keeps, in a 0600 file below `<stateDir>/secrets/`.
 * Whoever asks at the same time gets the same one.
 * @returns base64url (RFC 4648, unpadded) of `bytes` random bytes
 */
export async function generatedValue(stateDir: string, scopeId: string, key: string, bytes: number): Promise<string> {
  const folder = join(stateDir, 'secrets');
  await ensurePrivateDir(folder);
  // A key may be any text up to 253 characters, `..` among them.
  const path = join(
    folder,
    createHash('sha256')
      .update(JSON.stringify([scopeId, key]))
      .digest('hex'),
  );
  const present = await readValue(path);
  if (present !== undefined) return present;
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeAtomic(fresh, randomBytes(bytes).toString('base64url'));
    // Unlike a rename, a link never replaces what somebody else has just made.
    await link(fresh, path).catch(error => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(fresh, { force: true });
  }
  const made = await readValue(path);
  if (made === undefined) throw new Error(`the value made up in ${folder} vanished`);
  return made;
}

async function readValue(path: string): Promise<string | undefined> {
  try {
    return (await readPrivateFile(path, MAX_BYTES)).toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
