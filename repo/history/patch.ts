import type { AskedPatch } from './ask-patch.ts';
import type { FilePair } from './compare.ts';
import { type History, ownPath } from './history.ts';
import { MAX_TEXT_BYTES } from './limits.ts';
import { type FileChange, parseRaw } from './log.ts';
import { PatchCutter, type PatchParts } from './patch-parts.ts';
import { MAX_EDITS } from './text-diff.ts';
import { TextContent, WholeHunk } from './whole-hunk.ts';

/** A file that is not the same on both sides; with both contents and what is different, where git shows it as text. */
export interface PatchedFile {
  change: FileChange;
  pair?: FilePair;
}

/** The longest section that may be a text which is compared: both sides, the marks of their lines, and what stands above. */
const MAX_SECTION = 2 * MAX_TEXT_BYTES + 128 * 1024;

/**
 * What is not the same in two commits, taken apart while git still works.
 * @param onFile is given each file, in the order of their paths
 * @returns how many bytes that were; undefined when it was not all (it is too long, or not what was expected), and has to be
 * read in another way
 */
export async function readPatch(
  history: History,
  asked: AskedPatch,
  onFile: (file: PatchedFile) => void,
): Promise<number | undefined> {
  const reader = new PatchReader(path => ownPath(history, path), onFile);
  const cutter = new PatchCutter(reader, MAX_SECTION);
  let bytes = 0;
  const isWhole = await asked.pieces(piece => {
    bytes += piece.length;
    cutter.take(piece);
  });
  return isWhole && cutter.end() && reader.end() ? bytes : undefined;
}

/** Puts the list of a patch and its sections together. */
class PatchReader implements PatchParts {
  private readonly ownPathOf: (path: string) => string | undefined;
  private readonly onFile: (file: PatchedFile) => void;
  private readonly changes: FileChange[] = [];
  private at = 0;
  /** What became a link is shown twice: as gone, and as new. */
  private isSecond = false;
  private isWrong = false;
  private last: FilePair | undefined;

  constructor(ownPathOf: (path: string) => string | undefined, onFile: (file: PatchedFile) => void) {
    this.ownPathOf = ownPathOf;
    this.onFile = onFile;
  }

  listed(facts: string, paths: readonly string[]): void {
    const [first = '', second] = paths.map(utf8);
    const path = this.ownPathOf(second ?? first);
    const change = parseRaw(facts, path, second === undefined ? undefined : this.ownPathOf(first));
    if (change) this.changes.push(change);
    else this.isWrong = true;
  }

  shown(section: string | undefined): void {
    const change = this.changes[this.at];
    if (!change) {
      this.isWrong = true;
      return;
    }
    const isTwice = isAnotherType(change);
    if (isTwice && !this.isSecond) {
      this.isSecond = true;
      return;
    }
    this.isSecond = false;
    this.at += 1;
    this.last = isTwice || section === undefined ? undefined : pairOf(change, section);
    this.onFile(this.last ? { change, pair: this.last } : { change });
  }

  /** @returns whether it was what was expected, to the last line: what was cut off would be missing there */
  end(): boolean {
    const { difference } = this.last ?? {};
    return (
      !this.isWrong && this.at === this.changes.length && (!(difference instanceof WholeHunk) || difference.isWhole())
    );
  }
}

function utf8(bytes: string): string {
  return /[\u0080-\u00ff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString() : bytes;
}

function isAnotherType({ before, after }: FileChange): boolean {
  return before !== undefined && after !== undefined && before.mode.slice(0, 3) !== after.mode.slice(0, 3);
}

/** Both sides of a file of which there is text; undefined for anything else. */
function pairOf({ path, from, before, after }: FileChange, section: string): FilePair | undefined {
  const ids = section.indexOf('\nindex ') + '\nindex '.length;
  const at = section.indexOf('\n@@ -', ids);
  if (at === -1 || !isOfFile(before) || !isOfFile(after)) return undefined;
  const isMeant =
    (!before || section.startsWith(before.oid, ids)) &&
    (!after || section.startsWith(after.oid, section.indexOf('..', ids) + '..'.length));
  const body = isMeant ? textOf(section.slice(at + 1)) : undefined;
  if (body === undefined) return undefined;
  const whole = new WholeHunk(body);
  // What may be too large, or have too many differences, is left to those who look closely.
  if (whole.lines > MAX_EDITS || whole.isLarger(MAX_TEXT_BYTES)) return undefined;
  return {
    path,
    ...(from !== undefined && { from }),
    before: before && new TextContent(before.mode, whole, '-'),
    after: after && new TextContent(after.mode, whole, '+'),
    ...(after && { blob: after.oid }),
    difference: whole,
  };
}

function isOfFile(side: { mode: string } | undefined): boolean {
  return side === undefined || side.mode.startsWith('100');
}

/** What bytes are as text; undefined for what is none, or might be something else, such as a byte order mark. */
function textOf(bytes: string): string | undefined {
  if (bytes.includes('\0')) return undefined;
  const text = utf8(bytes);
  return text !== bytes && /[\ufffd\ufeff]/.test(text) ? undefined : text;
}
