import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Problem, problem } from '../schema/index.ts';
import type { Remote } from './types.ts';

const MAX_LENGTH = 4096;
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

export type ParsedRemote = Remote | { problem: Problem };

/**
 * Check where a repository is, by our own grammar, before git sees it: a path, `file://`, `http://`, `https://`,
 * `ssh://`, or ssh's short form `user@host:path`. Everything else is refused with REMOTE_UNSUPPORTED: other schemes,
 * git's `helper::address`, what looks like an option, and addresses that carry a password, a query or a fragment.
 * @param cwd what a relative path starts from
 */
export function parseRemote(text: string, cwd: string): ParsedRemote {
  if (text === '' || text.length > MAX_LENGTH) return unsupported('The repository’s address is empty or too long');
  if (CONTROL.test(text)) return unsupported('The repository’s address has a control character in it');
  if (text.startsWith('-')) {
    return unsupported('The repository’s address looks like an option', 'Write a path as `./-name`.');
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return parsePath(text, cwd);
  if (scheme === 'file') return parseFileUrl(text);
  if (scheme === 'http' || scheme === 'https') return parseHttpUrl(text);
  if (scheme === 'ssh') return parseSshUrl(text);
  const hint = 'Use a path, `file://`, `http://`, `https://` or `ssh://`.';
  return unsupported(`Addresses of the scheme \`${scheme}://\` are not supported`, hint);
}

function parsePath(text: string, cwd: string): ParsedRemote {
  if (/^[A-Za-z0-9+._-]*::/.test(text)) {
    return unsupported('The address names a remote helper of git (`helper::address`)');
  }
  if (/^[^/]*:/.test(text)) return parseShortSsh(text);
  return pathRemote(resolve(cwd, text), text);
}

function parseFileUrl(text: string): ParsedRemote {
  const url = URL.parse(text);
  if (url === null) return unsupported('The `file://` address is not a valid URL');
  if (url.search !== '' || url.hash !== '') return unsupported('The `file://` address has a query or a fragment');
  if (url.host !== '' || url.username !== '') {
    return unsupported('The `file://` address names a host', 'Write `file:///path`, with three slashes.');
  }
  try {
    return pathRemote(fileURLToPath(url), text);
  } catch {
    return unsupported('The `file://` address is not a path on this machine');
  }
}

function pathRemote(path: string, display: string): ParsedRemote {
  if (CONTROL.test(path)) return unsupported('The repository’s path has a control character in it');
  return { kind: 'path', url: path, display };
}

function parseHttpUrl(text: string): ParsedRemote {
  const url = URL.parse(text);
  if (!url || url.hostname === '') return unsupported('The address is not a valid URL');
  if (url.username !== '' || url.password !== '' || /^[a-z]+:\/\/[^/?#]*@/i.test(text)) {
    return unsupported(
      'The address carries a user or a password',
      'Leave them out: set MCPCTL_GIT_USERNAME and MCPCTL_GIT_PASSWORD, or write ~/.mcpctl/git-credentials (mode 0600).',
    );
  }
  if (url.search !== '' || url.hash !== '') {
    return unsupported('The address has a query or a fragment', 'Give the repository’s plain address.');
  }
  return { kind: 'http', url: url.href, display: url.href };
}

/** git undoes percent signs and hands user, host and path to other programs: only what none of them reads otherwise. */
const SSH_USER = '(?:(?<user>[A-Za-z0-9_][A-Za-z0-9._-]*)@)?';
const SSH_HOST = '(?:\\[(?<address>[0-9A-Fa-f:.]+)\\]|(?<name>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?))';
const SSH_PATH = '[\\p{L}\\p{N}._~+@=,/-]+';
const SSH_URL = new RegExp(`^ssh://${SSH_USER}${SSH_HOST}(?::(?<port>[0-9]{1,5}))?(?<path>/${SSH_PATH})$`, 'u');
const SSH_SHORT = new RegExp(`^${SSH_USER}${SSH_HOST}:(?<path>${SSH_PATH})$`, 'u');

function parseSshUrl(text: string): ParsedRemote {
  if (/^ssh:\/\/[^/@]*:[^/@]*@/i.test(text)) {
    return unsupported('The address carries a password', 'Leave it out: ssh shows the deploy key that mcpctl makes.');
  }
  const url = `ssh${text.slice('ssh'.length)}`;
  return sshRemote(url, SSH_URL.exec(url)?.groups);
}

/** ssh's short form; one letter before the colon is a drive of Windows, not a host. */
function parseShortSsh(text: string): ParsedRemote {
  const groups = SSH_SHORT.exec(text)?.groups;
  return sshRemote(text, groups?.name?.length === 1 ? undefined : groups);
}

function sshRemote(url: string, groups: Record<string, string | undefined> | undefined): ParsedRemote {
  const host = groups?.address ?? groups?.name;
  const port = Number(groups?.port ?? 22);
  const path = groups?.path ?? '';
  if (host === undefined || port < 1 || port > 65_535 || /^-|\/-/.test(path)) {
    return unsupported(
      'The address is none of ssh’s: `ssh://[user@]host[:port]/path` or `[user@]host:path`',
      'Paths have letters, digits and `._~+@=,-/`. A folder whose name has a colon is written `./name`.',
    );
  }
  return { kind: 'ssh', url, display: url, host: host.toLowerCase(), port, user: groups?.user };
}

function unsupported(message: string, hint?: string): { problem: Problem } {
  return { problem: problem('REMOTE_UNSUPPORTED', message, hint === undefined ? {} : { hint }) };
}
