import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readPrivateFile, writeAtomic } from '../../../host/index.ts';

const FILE = 'owner';
const OWNER = /^[0-9a-f]{24}$/;

/** What is written on a container. None of it is secret: everybody who may ask Docker can read it. */
export const labels = {
  owner: 'mcpctl.dev/owner',
  instance: 'mcpctl.dev/instance',
  server: 'mcpctl.dev/server',
  spec: 'mcpctl.dev/spec-digest',
  image: 'mcpctl.dev/image',
  port: 'mcpctl.dev/port',
  network: 'mcpctl.dev/network',
  limits: 'mcpctl.dev/limits',
} as const;

/** Whether this state directory ever had containers. */
export function hasOwner(stateDir: string): boolean {
  return existsSync(join(stateDir, FILE));
}

/**
 * The identity of a state directory, made when it is first needed: by it, containers are ours or not.
 * @param name the file; each runtime has its own, for its presence says that there may be something of ours
 */
export async function ownerOf(stateDir: string, name = FILE): Promise<string> {
  const file = join(stateDir, name);
  if (existsSync(file)) {
    const present = (await readPrivateFile(file, 100)).toString('utf8').trim();
    if (OWNER.test(present)) return present;
  }
  const owner = randomBytes(12).toString('hex');
  await writeAtomic(file, `${owner}\n`, { mode: 0o600 });
  return owner;
}
