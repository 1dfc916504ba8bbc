import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readPrivateFile, UnsafeFileError } from '../host/index.ts';
import { type Problem, problem } from '../schema/index.ts';
import type { Remote } from './types.ts';

const MAX_FILE_BYTES = 256 * 1024;

/** What git is given to authenticate against one host, and the values no message may show. */
export interface Credentials {
  config: readonly (readonly [string, string])[];
  extra: Readonly<Record<string, string>>;
  secrets: readonly string[];
  /** What to do when the remote refuses them, if more can be said than that. */
  advice?: string;
}

/** For a bearer token, `username` is `bearer`. */
interface Login {
  username: string;
  password: string;
}

/** The user name that tells a token to be sent as `Authorization: Bearer` from a password. */
const BEARER = 'bearer';

const none: Credentials = { config: [], extra: {}, secrets: [] };

/** A shell function of ours, in git's configuration; the values reach it through the environment alone. */
const HELPER =
  '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" ' +
  '"$MCPCTL_CREDENTIAL_USERNAME" "$MCPCTL_CREDENTIAL_PASSWORD"; }; f';

/**
 * The credentials for a remote: `MCPCTL_GIT_TOKEN` (sent as a bearer token), or `MCPCTL_GIT_USERNAME` and
 * `MCPCTL_GIT_PASSWORD`, or else the first matching line of `git-credentials` in `home` (the format of
 * git-credential-store(1), mode 0600; the user name `bearer` makes the password a bearer token). Only the remote's own
 * host gets them.
 * @returns REMOTE_AUTH when the variables are incomplete, or the file is not private or not in that format
 */
export async function findCredentials(
  remote: Remote,
  env: NodeJS.ProcessEnv,
  home: string,
): Promise<Credentials | { problem: Problem }> {
  const login = await findLogin(remote, env, home);
  if (login === undefined) return none;
  if ('problem' in login) return login;
  const { origin } = new URL(remote.url);
  if (login.username === BEARER) return bearer(origin, login.password);
  const basic = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  return {
    config: [[`credential.${origin}.helper`, HELPER]],
    extra: { MCPCTL_CREDENTIAL_USERNAME: login.username, MCPCTL_CREDENTIAL_PASSWORD: login.password },
    secrets: [login.password, basic],
  };
}

/** The same as a header of HTTP; none where there are no credentials. */
export async function authorizationFor(
  remote: Remote,
  env: NodeJS.ProcessEnv,
  home: string,
): Promise<{ headers: Record<string, string> } | { problem: Problem }> {
  const login = await findLogin(remote, env, home);
  if (login === undefined) return { headers: {} };
  if ('problem' in login) return login;
  if (login.username === BEARER) {
    const { problem: why } = { problem: undefined, ...bearer(new URL(remote.url).origin, login.password) };
    return why ? { problem: why } : { headers: { authorization: `Bearer ${login.password}` } };
  }
  const basic = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  return { headers: { authorization: `Basic ${basic}` } };
}

async function findLogin(
  remote: Remote,
  env: NodeJS.ProcessEnv,
  home: string,
): Promise<Login | { problem: Problem } | undefined> {
  if (remote.kind !== 'http') return undefined;
  const login = fromEnvironment(env) ?? (await fromFile(join(home, 'git-credentials'), new URL(remote.url)));
  if (login === undefined || 'problem' in login) return login;
  if (/[\n\r\0]/.test(login.username + login.password)) return refused('The git credentials have a line break in them');
  return login;
}

/** git has no other way for these until 2.46. It follows no redirect, so no other host gets the header. */
function bearer(origin: string, token: string): Credentials | { problem: Problem } {
  if (!/^[\x21-\x7e]+$/.test(token)) return refused('The bearer token has characters that no header can carry');
  return {
    config: [[`http.${origin}/.extraHeader`, `Authorization: Bearer ${token}`]],
    extra: {},
    secrets: [token],
  };
}

function fromEnvironment(env: NodeJS.ProcessEnv): Login | { problem: Problem } | undefined {
  if (env.MCPCTL_GIT_TOKEN) return { username: BEARER, password: env.MCPCTL_GIT_TOKEN };
  const username = env.MCPCTL_GIT_USERNAME ?? '';
  const password = env.MCPCTL_GIT_PASSWORD ?? '';
  if (username === '' && password === '') return undefined;
  if (password === '') return refused('MCPCTL_GIT_USERNAME is set, but MCPCTL_GIT_PASSWORD is not');
  // Forges take any user name beside a token.
  return { username: username === '' ? 'git' : username, password };
}

async function fromFile(path: string, remote: URL): Promise<Login | { problem: Problem } | undefined> {
  let text: string;
  try {
    // Most machines have none, and what reads one starts threads for it.
    if (!statSync(path, { throwIfNoEntry: false })) return undefined;
    text = (await readPrivateFile(path, MAX_FILE_BYTES)).toString('utf8');
  } catch (error) {
    if (error instanceof UnsafeFileError) {
      return refused(`The git credentials are not used: ${error.message}`, `Run \`chmod 600 ${path}\`.`);
    }
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return refused(`The git credentials could not be read: ${path}: ${code}`);
  }
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const url = URL.parse(line.trim());
    const login = url && decodeLogin(url);
    if (!login) return refused(`${path}:${index + 1} is not of the form \`https://user:password@host\``);
    if (matches(url, remote)) return login;
  }
  return undefined;
}

function decodeLogin(url: URL): Login | undefined {
  if (url.hostname === '' || url.password === '') return undefined;
  try {
    return { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  } catch {
    return undefined;
  }
}

/** Same scheme, host and port; a path in the file limits the line to addresses below it. */
function matches(entry: URL, remote: URL): boolean {
  if (entry.origin !== remote.origin) return false;
  const path = entry.pathname.replace(/\/$/, '');
  return path === '' || remote.pathname === path || remote.pathname.startsWith(`${path}/`);
}

function refused(message: string, hint?: string): { problem: Problem } {
  return { problem: problem('REMOTE_AUTH', message, hint === undefined ? {} : { hint }) };
}
