import type { Command } from 'commander';
import { Option } from 'commander';
import type { ChangeTrailers } from '../repo/forges/index.ts';
import { isVersion, ProblemError, problem } from '../schema/index.ts';

/** A line at the end of a commit's message, for people and for `mcpctl release`. Nothing is decided by it. */
export interface Trailer {
  key: keyof ChangeTrailers;
  value: string;
}

/** What somebody wishes for the next version of what they change, and why they change it. */
export interface Wishes {
  bump?: 'major' | 'minor' | 'patch';
  semver?: string;
  note?: string;
}

const MAX_NOTE = 1_000;

/** Add `--bump`, `--semver` and `--note`. */
export function wishOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--bump <part>', 'how far the next release raises its version (implies --commit)')
        .choices(['major', 'minor', 'patch'])
        .conflicts('semver'),
    )
    .option('--semver <version>', 'its version in the next release (implies --commit)')
    .option('--note <text>', 'why; kept with the commit (implies --commit)');
}

/** The trailers that record wishes. @throws ProblemError USAGE */
export function trailersOf({ bump, semver, note }: Wishes): Trailer[] {
  const version = semver?.replace(/^v/, '');
  if (version !== undefined && !isVersion(version)) {
    throw new ProblemError(problem('USAGE', `\`${semver}\` is not a version such as 1.2.0`));
  }
  const trailers: Trailer[] = [];
  if (bump !== undefined) trailers.push({ key: 'Bump', value: bump });
  if (version !== undefined) trailers.push({ key: 'Version', value: version });
  if (note !== undefined) trailers.push(noteTrailer(note));
  return trailers;
}

/** A note as one line, which is what a trailer is. @throws ProblemError USAGE */
export function noteTrailer(note: string): Trailer {
  const value = note.replace(/\s+/g, ' ').trim();
  if (value !== '' && value.length <= MAX_NOTE && !/\p{Cc}/u.test(value)) return { key: 'Note', value };
  throw new ProblemError(problem('USAGE', `a note is text of 1 to ${MAX_NOTE} characters`));
}

/** A commit's message with trailers at its end. */
export function withTrailers(message: string, trailers: readonly Trailer[]): string {
  if (trailers.length === 0) return message;
  return `${message.trimEnd()}\n\n${trailers.map(({ key, value }) => `${key}: ${value}\n`).join('')}`;
}
