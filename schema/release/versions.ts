import compare from 'semver/functions/compare.js';
import inc from 'semver/functions/inc.js';
import { isVersion } from './names.ts';

/** How far a version is raised. */
export type Bump = 'patch' | 'minor' | 'major';

const order: readonly Bump[] = ['patch', 'minor', 'major'];

/** The first version of anything. */
const FIRST_VERSION = '0.1.0';

export function isBump(text: string): text is Bump {
  return (order as readonly string[]).includes(text);
}

/** The largest of several bumps; undefined when there is none. */
export function largestBump(bumps: Iterable<Bump | undefined>): Bump | undefined {
  let largest = -1;
  for (const bump of bumps) if (bump) largest = Math.max(largest, order.indexOf(bump));
  return order[largest];
}

/** Which part of a version grew from one to the other; `minor` for the first one. */
export function bumpBetween(before: string | undefined, after: string): Bump {
  if (before === undefined) return 'minor';
  const [major, minor] = before.split('.');
  const [newMajor, newMinor] = after.split('.');
  if (major !== newMajor) return 'major';
  return minor === newMinor ? 'patch' : 'minor';
}

export function raise(version: string, bump: Bump): string {
  const raised = inc(version, bump);
  if (raised === null) throw new TypeError(`${version} is not a version`);
  return raised;
}

/** Negative, zero or positive, as for sorting: `0.9.0` before `0.10.0`, `1.0.0-rc.1` before `1.0.0`. */
export function compareVersions(a: string, b: string): number {
  return compare(a, b);
}

/** What the commits since the last release ask for: trailers `Bump:` and `Version:`. */
export interface VersionHint {
  bump?: Bump;
  /** Wins over the bump. */
  version?: string;
}

/** The hint that a commit message's trailers give. What is not understood is left in, to be refused where it counts. */
export function hintOf(trailers: Iterable<readonly [key: string, value: string]>): VersionHint {
  const hint: VersionHint = {};
  for (const [key, value] of trailers) {
    const name = key.toLowerCase();
    const word = value.trim().toLowerCase();
    if (name === 'bump' && isBump(word)) hint.bump = largestBump([hint.bump, word]) ?? word;
    if (name === 'version') hint.version = value.trim().replace(/^v/, '');
  }
  return hint;
}

/**
 * The next version of a resource whose content changed, or why what was asked for is refused.
 * @param before undefined for a new one
 */
export function nextVersion(before: string | undefined, hint: VersionHint): { version: string } | { refused: string } {
  if (hint.version === undefined) {
    return { version: before === undefined ? FIRST_VERSION : raise(before, hint.bump ?? 'patch') };
  }
  if (!isVersion(hint.version)) return { refused: `\`${hint.version.slice(0, 64)}\` is not a version such as 1.2.0` };
  if (before !== undefined && compare(hint.version, before) <= 0) {
    return { refused: `${hint.version} is not above ${before}` };
  }
  return { version: hint.version };
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30m`, `12h` or `90d` in milliseconds; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  const [, count, unit = ''] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS[unit] ?? 0);
}
