import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { mcpctlHome } from '../host/index.ts';
import { signWithKey } from '../repo/trust/index.ts';
import { ProblemError, problem } from '../schema/index.ts';
import type { CliContext } from './context.ts';
import type { OwnGit } from './own-git.ts';

type Context = Pick<CliContext, 'cwd' | 'env' | 'signal'>;

/** Where `trust init` keeps a key that it made. */
export function ownKeyFile(env: CliContext['env'], repository: string): string {
  return join(mcpctlHome(env), 'keys', repository);
}

/**
 * The file of the key to sign with: `--sign-key`, git's `user.signingKey` where git signs with SSH, or the one that
 * `trust init` made. `key::ssh-ed25519 …` names a key of the ssh-agent. `release` removes what was made for it.
 * @throws ProblemError SIGNING_FAILED when there is none
 */
export async function findSigningKey(
  context: Context,
  git: OwnGit,
  repository: string,
  given: string | undefined,
): Promise<{ file: string; release(): Promise<void> }> {
  const text = given ?? (await fromGit(git)) ?? ownKeyFile(context.env, repository);
  const literal = /^(?:key::)?((?:ssh|ecdsa|sk)-[^ ]+ [A-Za-z0-9+/=]+)/.exec(text)?.[1];
  if (literal !== undefined) {
    const folder = await mkdtemp(join(tmpdir(), 'mcpctl-key-'));
    const file = join(folder, 'key.pub');
    await writeFile(file, `${literal}\n`, { mode: 0o600 });
    return { file, release: () => rm(folder, { recursive: true, force: true }) };
  }
  const home = context.env.HOME ?? homedir();
  const file = resolve(context.cwd, text.replace(/^~(?=\/)/, home));
  if (existsSync(file)) return { file, release: async () => undefined };
  const why = given === undefined ? 'no key to sign with was found' : `there is no key ${file}`;
  const hint = 'Name one with `--sign-key FILE`: a private key, or the .pub of one that the ssh-agent has.';
  throw new ProblemError(problem('SIGNING_FAILED', why, { hint }));
}

async function fromGit(git: OwnGit): Promise<string | undefined> {
  const format = await git.try(['config', '--get', 'gpg.format']);
  if (format.stdout.toString().trim() !== 'ssh') return undefined;
  const key = (await git.try(['config', '--get', 'user.signingKey'])).stdout.toString().trim();
  return key === '' ? undefined : key;
}

/** The public half of a key, found by letting it sign something that is of no use to anybody. */
export async function publicKeyOf(context: Context, file: string): Promise<{ id: string; key: string }> {
  const { keyId, publicKey } = await signWithKey(file, 'mcpctl-who', Buffer.from('who'), context.env, context.signal);
  return { id: keyId, key: publicKey };
}
