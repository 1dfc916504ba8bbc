/** What any change of a resource may say about itself, whether it is committed or proposed. */
export interface ChangeTrailers {
  /** The commit whose content it brings back. */
  Restores?: string;
  /** How far the next release is to raise the version: `major`, `minor`, `patch`. */
  Bump?: string;
  /** The version that the next release is to give. */
  Version?: string;
  /** Why, in a line. */
  Note?: string;
}

/** One of them: key and value. */
export type ChangeTrailer = readonly [keyof ChangeTrailers, string];

/**
 * Trailers (git-interpret-trailers(1)) that tell people where a change comes from. Hints only: nothing is decided by
 * them, but that a change which says that an AI session made it needs somebody else's approval.
 */
export interface ProposalTrailers extends ChangeTrailers {
  'Proposal-Id'?: string;
  'Proposed-By'?: string;
  'Session-Id'?: string;
  Reason?: string;
  /** A reviewer's statement and the signature over it, base64, in pairs. */
  'Review-Statement'?: string;
  'Review-Signature'?: string;
}

/** A statement has up to 4,096 characters, each of up to six bytes in JSON, and is in base64. */
const MAX_VALUE = 64 * 1024;

/**
 * A commit message: subject, text, trailers. What is given is put on one line where one is needed, so that no value can
 * become a further trailer.
 */
export function commitMessage(
  subject: string,
  body: string,
  trailers: readonly (readonly [keyof ProposalTrailers, string])[],
): string {
  // A key without a value would keep the whole paragraph from being trailers, and so would a missing subject.
  const lines = trailers.flatMap(([key, value]) => (oneLine(value) === '' ? [] : `${key}: ${oneLine(value)}`));
  const text = body
    .split('\n')
    // A line of the text that looks like one of ours would count as one.
    .map(line => (TRAILER.test(line) ? ` ${line}` : line))
    .join('\n')
    .trim();
  return [oneLine(subject).slice(0, 200).trim() || 'Change', text, lines.join('\n')]
    .filter(part => part !== '')
    .join('\n\n')
    .concat('\n');
}

const TRAILER = /^[A-Za-z][A-Za-z0-9-]*:\s/;

/** The trailers of a message: the last paragraph, when every line of it is one. In order, keys as written. */
export function trailersOf(message: string): [key: string, value: string][] {
  const paragraphs = message.trimEnd().split(/\n[ \t]*\n/);
  if (paragraphs.length < 2) return [];
  const lines = (paragraphs.at(-1) ?? '').split('\n');
  if (!lines.every(line => TRAILER.test(line))) return [];
  return lines.map(line => {
    const colon = line.indexOf(':');
    return [
      line.slice(0, colon),
      line
        .slice(colon + 1)
        .trim()
        .slice(0, MAX_VALUE),
    ];
  });
}

/** The first value of a trailer. */
export function trailer(message: string, key: keyof ProposalTrailers): string | undefined {
  return trailersOf(message).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
