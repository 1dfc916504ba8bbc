import { diffWordsWithSpace, structuredPatch } from 'diff';
import type { FileContent } from '../../schema/index.ts';
import { MAX_TEXT_BYTES } from './limits.ts';

export interface Hunk {
  oldStart: number;
  oldLines: number;
  newStart: number;
  newLines: number;
  /** Each begins with ` `, `-`, `+`, or `\` for a missing line end. As they are: not fit for a terminal. */
  lines: string[];
}

/** What of a text is different, and how many bytes both sides have; both may be made anew each time. */
export interface Difference {
  readonly hunks: Hunk[];
  readonly bytes: { before: number; after: number };
}

/** What of a file is different: hunks, or why there are none. */
export type TextDiff = { kind: 'text'; hunks: Hunk[] } | { kind: 'binary' } | { kind: 'too-large' };

/** Lines that may be different on both sides together, so that the time stays bounded. */
export const MAX_EDITS = 20_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Compare two versions of a file line by line, with three lines around each difference. */
export function textDiff(before: FileContent | undefined, after: FileContent | undefined): TextDiff {
  const largest = Math.max(before?.bytes.length ?? 0, after?.bytes.length ?? 0);
  if (largest > MAX_TEXT_BYTES) return { kind: 'too-large' };
  const old = textOf(before?.bytes);
  const now = textOf(after?.bytes);
  if (old === undefined || now === undefined) return { kind: 'binary' };
  if (old === now) return { kind: 'text', hunks: [] };
  const { skipped, before: oldPart, after: newPart } = differentPart(old, now);
  const options = { context: CONTEXT, maxEditLength: MAX_EDITS };
  const patch = structuredPatch('', '', oldPart, newPart, undefined, undefined, options);
  if (!patch) return { kind: 'too-large' };
  const hunks = patch.hunks.map(({ oldStart, oldLines, newStart, newLines, lines }) => ({
    // Where nothing stands, the line before it is named.
    oldStart: skipped + (oldLines === 0 ? oldStart - 1 : oldStart),
    oldLines,
    newStart: skipped + (newLines === 0 ? newStart - 1 : newStart),
    newLines,
    lines,
  }));
  return { kind: 'text', hunks };
}

/** Lines shown around what is different. */
export const CONTEXT = 3;

/**
 * Two texts without what they begin and end with alike, but for the lines around it: comparing takes time for every line,
 * and most changes are small.
 * @returns how many lines were left out at the beginning
 */
function differentPart(before: string, after: string): { skipped: number; before: string; after: string } {
  const shorter = Math.min(before.length, after.length);
  let alike = 0;
  while (alike < shorter && before.charCodeAt(alike) === after.charCodeAt(alike)) alike += 1;
  let start = alike;
  for (let lines = 0; lines <= CONTEXT && start > 0; lines++) {
    // Before the first character there is none, which `lastIndexOf` takes for the first.
    start = start < 2 ? 0 : before.lastIndexOf('\n', start - 2) + 1;
  }
  let same = 0;
  while (
    same < shorter - alike &&
    before.charCodeAt(before.length - 1 - same) === after.charCodeAt(after.length - 1 - same)
  ) {
    same += 1;
  }
  let end = before.length - same;
  for (let lines = 0; lines <= CONTEXT && end < before.length; lines++) {
    end = before.indexOf('\n', end) + 1 || before.length;
  }
  let skipped = 0;
  for (let at = before.indexOf('\n'); at !== -1 && at < start; at = before.indexOf('\n', at + 1)) skipped += 1;
  return { skipped, before: before.slice(start, end), after: after.slice(start, after.length - (before.length - end)) };
}

/** A piece of a line, and whether the other side has it not. */
export interface Word {
  text: string;
  changed: boolean;
}

/** Two versions of some lines word by word. */
export function wordDiff(before: string, after: string): { before: Word[]; after: Word[] } {
  const parts = diffWordsWithSpace(before, after);
  return {
    before: parts.filter(({ added }) => !added).map(({ value, removed }) => ({ text: value, changed: removed })),
    after: parts.filter(({ removed }) => !removed).map(({ value, added }) => ({ text: value, changed: added })),
  };
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (!bytes) return '';
  try {
    const text = utf8.decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
