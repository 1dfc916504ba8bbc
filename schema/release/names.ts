import parse from 'semver/functions/parse.js';
import { int, maximum, maxLength, minimum, refine, regex, string } from 'zod/mini';

/** A version without build metadata, which has no rank of its own. */
export const Version = string().check(maxLength(64), refine(isVersion, 'not a version such as 1.2.0'));

/** Whether text is a semantic version as it is canonically written, without `v` and without build metadata. */
export function isVersion(text: string): boolean {
  // Nearly all of many thousand.
  if (/^(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})$/.test(text)) return true;
  const parsed = text.length <= 64 ? parse(text) : null;
  return parsed !== null && parsed.version === text && parsed.build.length === 0;
}

/** The version in the name of a release's tag, `v1.2.0`; undefined for any other name. */
export function releaseVersion(tag: string): string | undefined {
  const version = tag.startsWith('v') ? tag.slice(1) : '';
  return isVersion(version) ? version : undefined;
}

export const RepositoryId = string().check(
  maxLength(128),
  regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, 'not a repository id: lower-case letters, digits, `.` and `-`'),
);

/** A full git object id. */
export const ObjectId = string().check(regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'not an object id'));

export const Sha256 = string().check(regex(/^[0-9a-f]{64}$/, 'not a sha256 in hex'));

export const ContentDigest = string().check(regex(/^sha256:[0-9a-f]{64}$/, 'not `sha256:` and 64 hex digits'));

/** Sizes, sequences and root versions: far beyond what is real, far below where numbers become inexact. */
export const Size = int().check(minimum(0), maximum(2 ** 40));
export const Sequence = int().check(minimum(1), maximum(2 ** 48));

/** A path below the repository's root folder that is safe to write on a disk. */
export const FilePath = string().check(maxLength(1024), refine(isSafePath, 'not a path below the root folder'));

function isSafePath(path: string): boolean {
  // Nearly all of many thousand.
  if (/^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(path)) return true;
  if (!path.isWellFormed() || /[\p{Cc}\u2028\u2029\\]/u.test(path)) return false;
  return path.split('/').every(part => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git');
}
