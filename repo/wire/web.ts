import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openLightHttp } from '../../host/index.ts';
import { ProblemError } from '../../schema/index.ts';
import { authorizationFor } from '../credentials.ts';
import type { ThinCopyOptions } from '../remote-refs.ts';
import { certificateAuthorities } from './authorities.ts';
import { askCapabilities, type Capabilities, Unsupported, type WebRemote } from './upload-pack.ts';

/** A remote that this process speaks with itself. */
export interface Web {
  remote: WebRemote;
  /** What it said it can, now or an earlier time. */
  capabilities(signal: AbortSignal): Promise<Capabilities>;
  /** Whether that was an earlier time, so that it may be wrong by now. */
  remembered(): boolean;
  forget(): void;
}

const opened = new WeakMap<ThinCopyOptions, Promise<Web | undefined>>();

/**
 * The remote of these options, with the connections that are open to it; undefined where it is git’s: another kind of
 * remote, a proxy or certificates as only git takes them, a server that has turned out to be too old.
 */
export function webOf(options: ThinCopyOptions): Promise<Web | undefined> {
  const known = opened.get(options);
  if (known) return known;
  const web = open(options);
  opened.set(options, web);
  return web;
}

/** From now on it is git’s. */
function leaveToGit(options: ThinCopyOptions): void {
  opened.set(options, Promise.resolve(undefined));
}

async function open(options: ThinCopyOptions): Promise<Web | undefined> {
  const { remote, env, home, dir } = options;
  if (remote.kind !== 'http' || !isForUs(env, remote.url)) return undefined;
  const login = await authorizationFor(remote, env, home);
  if ('problem' in login) throw new ProblemError(login.problem);
  const ca = remote.url.startsWith('https:') ? await certificateAuthorities(env) : undefined;
  const place: WebRemote = {
    http: openLightHttp({ env, ...(ca && { ca }) }),
    url: remote.url,
    headers: login.headers,
  };
  const file = join(dirname(dir), 'web.json');
  let known = recall(file, remote.url);
  let isRecalled = known !== undefined;
  return {
    remote: place,
    async capabilities(signal) {
      if (known) return known;
      known = await askCapabilities(place, signal);
      isRecalled = false;
      await remember(file, { url: remote.url, capabilities: known });
      return known;
    },
    remembered: () => isRecalled,
    forget() {
      known = undefined;
      isRecalled = false;
    },
  };
}

/** curl, behind git, knows proxies and folders of certificates that Node does not. */
function isForUs(env: ThinCopyOptions['env'], url: string): boolean {
  const proxies = [env.http_proxy, env.https_proxy, env.HTTPS_PROXY, env.all_proxy, env.ALL_PROXY];
  const plain = proxies.every(proxy => !proxy || /^(?:https?:\/\/|[^:/]+(?::\d+)?\/?$)/.test(proxy));
  return plain && (url.startsWith('http:') || (!env.GIT_SSL_CAPATH && !env.SSL_CERT_DIR));
}

/** Best effort; the next time it is asked again. */
async function remember(file: string, value: unknown): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.tmp`, JSON.stringify(value), { mode: 0o600 });
    await rename(`${file}.tmp`, file);
  } catch {
    // A folder that cannot be written to is told of by those who need it.
  }
}

function recall(file: string, url: string): Capabilities | undefined {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8'));
    const { format, filter, given } = value.capabilities;
    const fine = (format === 'sha1' || format === 'sha256') && typeof filter === 'boolean' && Array.isArray(given);
    return value.url === url && fine ? { format, filter, given: given.map(String) } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Ask, and ask again when what was remembered of the server may be what is wrong.
 * @returns undefined when it is left to git from now on
 */
export async function asking<T>(
  options: ThinCopyOptions,
  web: Web,
  signal: AbortSignal,
  ask: (capabilities: Capabilities) => Promise<T>,
): Promise<T | undefined> {
  try {
    try {
      return await ask(await web.capabilities(signal));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (!web.remembered() || signal.aborted || code !== undefined) throw error;
      web.forget();
      return await ask(await web.capabilities(signal));
    }
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    leaveToGit(options);
    return undefined;
  }
}
