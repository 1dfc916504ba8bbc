import { existsSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateDir, readPrivateFile, run, UnsafeFileError } from '../../host/index.ts';
import { ProblemError, problem } from '../../schema/index.ts';
import type { DeployKey } from '../types.ts';

const MAX_KEY_BYTES = 64 * 1024;

export interface DeployKeyFile extends DeployKey {
  /** The private key. */
  path: string;
}

/**
 * The key this machine shows to one repository's host, made at the first start: ed25519, without a passphrase, in a
 * 0600 file. Each repository has its own, because forges take a deploy key for one repository only.
 * `MCPCTL_GIT_SSH_KEY` names another private key to use instead. Throws a ProblemError: SSH_MISSING, REMOTE_AUTH.
 */
export async function openDeployKey(dir: string, env: NodeJS.ProcessEnv): Promise<DeployKeyFile> {
  const named = env.MCPCTL_GIT_SSH_KEY;
  const path = named || join(dir, 'id_ed25519');
  const made = !named && !existsSync(path);
  if (made) await makeKey(dir, path, env);
  await readPrivateFile(path, MAX_KEY_BYTES).catch((error: NodeJS.ErrnoException | UnsafeFileError) => {
    const hint = error instanceof UnsafeFileError ? `Run \`chmod 600 ${path}\`.` : 'Check MCPCTL_GIT_SSH_KEY.';
    throw new ProblemError(problem('REMOTE_AUTH', `The ssh key cannot be used: ${error.message}`, { hint }));
  });
  return { path, line: await publicLine(path, env), made };
}

async function makeKey(dir: string, path: string, env: NodeJS.ProcessEnv): Promise<void> {
  await ensurePrivateDir(dir);
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  await rm(`${draft}.pub`, { force: true });
  await keygen(['-q', '-t', 'ed25519', '-N', '', '-C', 'mcpctl-deploy-key', '-f', draft], env);
  // The public half first: whoever finds the private one finds both.
  await rename(`${draft}.pub`, `${path}.pub`);
  await rename(draft, path);
}

async function publicLine(path: string, env: NodeJS.ProcessEnv): Promise<string> {
  const kept = await readFile(`${path}.pub`, 'utf8').catch(() => undefined);
  const line = (kept ?? (await keygen(['-y', '-P', '', '-f', path], env))).trim();
  if (/^[a-z0-9@.-]+ [A-Za-z0-9+/=]+(?: \S+)?$/.test(line)) return line;
  throw new ProblemError(problem('REMOTE_AUTH', `${path}.pub is not one line with a public key`));
}

async function keygen(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const result = await run(['ssh-keygen', ...args], { env: { PATH: env.PATH, LC_ALL: 'C' }, timeoutMs: 20_000 });
  if (result.spawnError) {
    throw new ProblemError(problem('SSH_MISSING', `ssh-keygen could not be run: ${result.spawnError.code}`));
  }
  if (result.code === 0) return result.stdout.toString();
  const why = result.stderr.trim().split('\n').at(-1) ?? '';
  throw new ProblemError(problem('REMOTE_AUTH', `The ssh key could not be made or read: ${why}`));
}
