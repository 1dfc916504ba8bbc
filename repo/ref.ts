import { type Problem, problem } from '../schema/index.ts';

const MAX_REF_LENGTH = 250;
const MAX_PATH_BYTES = 1024;
/** What git-check-ref-format(1) forbids anywhere in a ref, and invisible characters besides. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\u2028\u2029 ~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$/u;

/**
 * Check the ref to follow: a branch name, or a full ref below `refs/heads/` or `refs/tags/`.
 * @returns the full ref and the name people are shown, or REF_INVALID
 */
export function parseRef(text: string): { ref: string; name: string } | { problem: Problem } {
  const match = /^(refs\/(?:heads|tags)\/)?(.*)$/su.exec(text);
  const prefix = match?.[1] ?? 'refs/heads/';
  const name = match?.[2] ?? '';
  const wrong = refFault(name);
  if (wrong !== undefined) return { problem: problem('REF_INVALID', `The ref is not usable: ${wrong}`) };
  return { ref: `${prefix}${name}`, name };
}

function refFault(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.length > MAX_REF_LENGTH) return `it is longer than ${MAX_REF_LENGTH} characters`;
  if (name.startsWith('-')) return 'it begins with `-`, as an option does';
  if (!name.isWellFormed() || FORBIDDEN.test(name)) return 'it has characters that git does not allow in a ref';
  if (name.split('/').some(part => part.startsWith('.') || part.endsWith('.lock'))) {
    return 'a part of it begins with `.` or ends with `.lock`';
  }
  if (name === '@' || name === 'HEAD') return `\`${name}\` is not a branch`;
  if (name.startsWith('refs/')) return 'only refs below `refs/heads/` and `refs/tags/` are followed';
  return undefined;
}

/**
 * Check a folder inside the repository.
 * @returns the path without `.` parts and outer slashes, empty for the root, or REF_INVALID
 */
export function parseRepoPath(text: string): { path: string } | { problem: Problem } {
  const wrong = pathFault(text);
  if (wrong !== undefined) return { problem: problem('REF_INVALID', `The path is not usable: ${wrong}`) };
  const parts = text.split('/').filter(part => part !== '' && part !== '.');
  return { path: parts.join('/') };
}

function pathFault(text: string): string | undefined {
  if (Buffer.byteLength(text) > MAX_PATH_BYTES) return `it is longer than ${MAX_PATH_BYTES} bytes`;
  if (text.startsWith('-')) return 'it begins with `-`, as an option does';
  if (text.startsWith('/')) return 'it is absolute; give it from the repository’s root';
  if (!text.isWellFormed() || /[\p{Cc}\u2028\u2029\\]/u.test(text)) return 'it has a control character or a backslash';
  const parts = text.split('/');
  if (parts.includes('..')) return 'it has a `..` part';
  if (parts.some(part => part.toLowerCase() === '.git')) return 'it leads into `.git`';
  return undefined;
}
