import { sign } from 'node:crypto';
import { readPrivateFile, UnsafeFileError } from '../../../host/index.ts';
import { ProblemError, problem } from '../../../schema/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** How requests are authorised. */
export type GithubLogin =
  | { token: string }
  /** A GitHub App as it is installed for the repository: tokens are asked for, and last an hour. */
  | { app: string; installation: string; key: string };

/** The login that a repository declares, as it is now. @throws ProblemError when its secret cannot be had */
export type DeclaredLogin = () => Promise<GithubLogin>;

const MAX_BYTES = 64 * 1024;

/**
 * The login for a host: `MCPCTL_GITHUB_TOKEN`, a 0600 file named by `MCPCTL_GITHUB_TOKEN_FILE`, or an App by
 * `MCPCTL_GITHUB_APP_ID`, `MCPCTL_GITHUB_APP_INSTALLATION` and the 0600 file `MCPCTL_GITHUB_APP_KEY_FILE`; else what the
 * repository declares. `GH_TOKEN` and `GITHUB_TOKEN` are GitHub's own and go to no other host.
 * @throws ProblemError FORGE_UNUSABLE when one is named and cannot be used
 */
export async function findGithubLogin(
  env: Env,
  host: string,
  declared?: DeclaredLogin,
): Promise<GithubLogin | undefined> {
  const { MCPCTL_GITHUB_APP_ID: app, MCPCTL_GITHUB_APP_INSTALLATION: installation } = env;
  const keyFile = env.MCPCTL_GITHUB_APP_KEY_FILE;
  if (env.MCPCTL_GITHUB_TOKEN) return { token: checkedToken(env.MCPCTL_GITHUB_TOKEN) };
  if (env.MCPCTL_GITHUB_TOKEN_FILE) return { token: checkedToken(await secretFrom(env.MCPCTL_GITHUB_TOKEN_FILE)) };
  if (app || installation || keyFile) {
    if (!app || !keyFile || !/^[A-Za-z0-9._-]{1,64}$/.test(app) || !/^\d{1,20}$/.test(installation ?? '')) {
      throw unusable(
        'a GitHub App needs MCPCTL_GITHUB_APP_ID, MCPCTL_GITHUB_APP_INSTALLATION and MCPCTL_GITHUB_APP_KEY_FILE',
      );
    }
    return { app, installation: installation ?? '', key: await secretFrom(keyFile) };
  }
  const own = await declared?.();
  if (own) return own;
  const common = env.GH_TOKEN || env.GITHUB_TOKEN;
  return host === 'github.com' && common ? { token: checkedToken(common) } : undefined;
}

/** What an App says to be given a token: RS256, ten minutes at most, a minute back for clocks that differ. */
export function appAssertion({ app, key }: { app: string; key: string }, now: number): string {
  const seconds = Math.floor(now / 1000);
  const claims = { iat: seconds - 60, exp: seconds + 540, iss: app };
  const parts = [{ alg: 'RS256', typ: 'JWT' }, claims].map(part =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  try {
    return `${parts.join('.')}.${sign('RSA-SHA256', Buffer.from(parts.join('.')), key).toString('base64url')}`;
  } catch {
    throw unusable('the App’s key is no RSA key in PEM');
  }
}

/** @throws ProblemError FORGE_UNUSABLE */
export function checkedToken(text: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]{1,1024}$/.test(token)) return token;
  throw unusable('GitHub’s token has characters that no header can carry');
}

async function secretFrom(file: string): Promise<string> {
  try {
    return (await readPrivateFile(file, MAX_BYTES)).toString('utf8');
  } catch (error) {
    const why = error instanceof UnsafeFileError ? error.message : `${file}: ${(error as NodeJS.ErrnoException).code}`;
    throw unusable(`GitHub’s token cannot be read: ${why}`);
  }
}

function unusable(message: string): ProblemError {
  return new ProblemError(problem('FORGE_UNUSABLE', message));
}
