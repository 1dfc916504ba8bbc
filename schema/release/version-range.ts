import satisfies from 'semver/functions/satisfies.js';

/** Whether a version is within a range such as `^1.2`; none is. */
export function inRange(version: string | undefined, range: string): boolean {
  return version !== undefined && satisfies(version, range);
}
