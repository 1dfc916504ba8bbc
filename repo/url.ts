import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Problem, problem } from '../schema/index.ts';
import type { Remote } from './types.ts';

const MAX_LENGTH = 4096;
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

export type ParsedRemote = Remote | { problem: Problem };

/**
 * Check where a repository is, by our own grammar, before git sees it: a path, `file://`, `http://` or `https://`.
 * Everything else is refused with REMOTE_UNSUPPORTED: other schemes, `host:path`, git's `helper::address`, what looks
 * like an option, and addresses that carry a user, a password, a query or a fragment.
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
  const hint = scheme.includes('ssh') ? sshHint : 'Use a path, `file://`, `http://` or `https://`.';
  return unsupported(`Addresses of the scheme \`${scheme}://\` are not supported`, hint);
}

const sshHint = 'ssh is not supported yet: use the repository’s `https://` address, or a path on this machine.';

function parsePath(text: string, cwd: string): ParsedRemote {
  if (/^[A-Za-z0-9+._-]*::/.test(text)) {
    return unsupported('The address names a remote helper of git (`helper::address`)');
  }
  if (/^[^/]*:/.test(text)) {
    return unsupported(
      'The address has the form `host:path`',
      `${sshHint} A folder whose name has a colon is written \`./name\`.`,
    );
  }
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

function unsupported(message: string, hint?: string): { problem: Problem } {
  return { problem: problem('REMOTE_UNSUPPORTED', message, hint === undefined ? {} : { hint }) };
}
