import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../host/index.ts';
import { parseArmour, signWithKey } from '../repo/trust/index.ts';
import { ProblemError, problem } from '../schema/index.ts';
import type { CliContext } from './context.ts';

export interface SignRequest {
  text: string;
  namespace: string;
  /** The clone whose git configuration may name a key. */
  gitDir: string;
  /** Its `gpg.format`, where that is known. */
  format?: string | undefined;
  /** A file that the user named. */
  key?: string | undefined;
}

/**
 * Sign a text with the user's SSH key: the one named, else git's `user.signingkey`, else `~/.ssh/id_ed25519`.
 * @returns the signature's blob
 * @throws ProblemError SIGNING_FAILED
 */
export async function signText(context: Pick<CliContext, 'env' | 'signal'>, request: SignRequest): Promise<Buffer> {
  const { env, signal } = context;
  const key = request.key ?? (await configured(request, env)) ?? usual(env.HOME);
  if (key === undefined) {
    const hint = 'Name a key with `--sign-key`, or make one: `ssh-keygen -t ed25519`.';
    throw new ProblemError(problem('SIGNING_FAILED', 'there is no SSH key to sign with', { hint }));
  }
  const { armour } = await signWithKey(key, request.namespace, Buffer.from(request.text), env, signal);
  return parseArmour(armour);
}

async function configured({ gitDir, format }: SignRequest, env: CliContext['env']): Promise<string | undefined> {
  const get = (name: string) =>
    run(['git', `--git-dir=${gitDir}`, 'config', '--type=path', '--get', name], { env, timeoutMs: 10_000 });
  if ((format ?? (await get('gpg.format')).stdout.toString().trim()) !== 'ssh') return undefined;
  const key = (await get('user.signingkey')).stdout.toString().trim();
  return key !== '' && existsSync(key) ? key : undefined;
}

function usual(home: string | undefined): string | undefined {
  if (home === undefined) return undefined;
  const names = ['id_ed25519', 'id_ecdsa', 'id_rsa', 'id_ed25519_sk', 'id_ecdsa_sk'];
  return names.map(name => join(home, '.ssh', name)).find(file => existsSync(file));
}
