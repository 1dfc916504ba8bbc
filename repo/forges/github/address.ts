import { isIP } from 'node:net';
import { type Problem, problem } from '../../../schema/index.ts';
import { parseRemote } from '../../url.ts';

/** A repository on GitHub or GitHub Enterprise, and where its API is. */
export interface GithubAddress {
  host: string;
  owner: string;
  name: string;
  /** `https://api.github.com`, `https://<host>/api/v3`; no slash at the end. */
  api: string;
  graphql: string;
}

const OWNER = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9_])?$/;
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/;
const HOST = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/**
 * Which repository of GitHub a remote is, by its address; undefined for one that is none.
 * @param api where the API is, said by whoever runs this and never by the repository: the token goes there
 */
export function githubAddress(remote: string, api?: string): GithubAddress | { problem: Problem } | undefined {
  const parsed = parseRemote(remote, '/');
  if ('problem' in parsed || parsed.kind === 'path') return undefined;
  const url = parsed.kind === 'http' ? new URL(parsed.url) : undefined;
  const host = url?.hostname ?? (parsed.kind === 'ssh' ? sshHost(parsed.host) : '');
  const path = url?.pathname ?? parsed.url.replace(/^ssh:\/\/[^/]*\//, '').replace(/^[^:/]*:/, '');
  const [, owner = '', name = ''] = /^\/?([^/]+)\/([^/]+?)(?:\.git)?\/?$/.exec(path) ?? [];
  if (!OWNER.test(owner) || !NAME.test(name)) return undefined;
  const base = api === undefined ? standardApi(host, url) : checkedApi(api);
  if (typeof base !== 'string') return base;
  const graphql = base.endsWith('/api/v3') ? `${base.slice(0, -'/v3'.length)}/graphql` : `${base}/graphql`;
  return { host, owner, name, api: base, graphql };
}

/** GitHub offers ssh on the port of https under a name of its own. */
function sshHost(host: string): string {
  return host === 'ssh.github.com' ? 'github.com' : host;
}

function standardApi(host: string, url: URL | undefined): string | { problem: Problem } {
  if (host === 'github.com') return 'https://api.github.com';
  // Data residency: a host of one's own below this name has its API beside it.
  if (host.endsWith('.ghe.com')) return `https://api.${host}`;
  return checkedApi(`${url?.protocol === 'http:' ? 'http:' : 'https:'}//${url?.host ?? host}/api/v3`);
}

/** `https://`, a host, perhaps a port and a plain path; `http://` on this machine only. */
function checkedApi(text: string): string | { problem: Problem } {
  const url =
    text.length <= 300 && /^https?:\/\/[A-Za-z0-9.:[\]-]+(?:\/[A-Za-z0-9._-]+)*\/?$/.test(text)
      ? URL.parse(text)
      : null;
  const loopback = url !== null && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  if (url && (HOST.test(host) || isIP(host) !== 0) && (url.protocol === 'https:' || loopback)) {
    return url.href.replace(/\/$/, '');
  }
  const message = `\`${text}\` is no address of GitHub's API`;
  return { problem: problem('FORGE_UNUSABLE', message, { hint: 'Write it as `https://github.example.com/api/v3`.' }) };
}
