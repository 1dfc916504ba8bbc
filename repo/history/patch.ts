import type { AskedPatch } from './ask-patch.ts';
import type { FilePair } from './compare.ts';
import { type History, ownPath } from './history.ts';
import { type FileChange, parseRaw } from './log.ts';
import { MAX_EDITS } from './text-diff.ts';
import { TextContent, WholeHunk } from './whole-hunk.ts';

/** A file that is not the same on both sides; with both contents and what is different, where git shows it as text. */
export interface PatchedFile {
  change: FileChange;
  pair?: FilePair;
}

/**
 * What is not the same in two commits, taken apart while git still works.
 * @param onFile is given each file, in the order of their paths
 * @returns whether that was all; otherwise (it is too long, or not what was expected) it has to be read in another way
 */
export async function readPatch(
  history: History,
  asked: AskedPatch,
  onFile: (file: PatchedFile) => void,
): Promise<boolean> {
  const reader = new PatchReader(path => ownPath(history, path), onFile);
  const isWhole = await asked.pieces(piece => reader.take(piece));
  return isWhole && reader.end();
}

const SECTION = '\ndiff --git ';

/** Takes an answer to `PATCH` apart. */
class PatchReader {
  private readonly ownPathOf: (path: string) => string | undefined;
  private readonly onFile: (file: PatchedFile) => void;
  /** What is not taken apart yet, as text of one byte a character: where something stands does not depend on what it says. */
  private rest = '';
  private readonly changes: FileChange[] = [];
  private isListed = false;
  private at = 0;
  /** What became a link is shown twice: as gone, and as new. */
  private isSecond = false;
  private isWrong = false;

  constructor(ownPathOf: (path: string) => string | undefined, onFile: (file: PatchedFile) => void) {
    this.ownPathOf = ownPathOf;
    this.onFile = onFile;
  }

  take(piece: Buffer): void {
    this.rest += piece.toString('latin1');
    if (!this.isListed) this.list();
    if (!this.isListed) return;
    let start = 0;
    for (let end = this.rest.indexOf(SECTION, 1); end !== -1; end = this.rest.indexOf(SECTION, start + 1)) {
      this.section(this.rest.slice(start, end + 1));
      start = end;
    }
    this.rest = this.rest.slice(start);
  }

  /** @returns whether it was whole, and what was expected */
  end(): boolean {
    if (!this.isListed) return this.rest === '' && this.changes.length === 0;
    this.section(this.rest);
    return !this.isWrong && this.at === this.changes.length;
  }

  /** Which files there are: `:<modes and ids> M`, a path or two, each ended by NUL; nothing stands behind the last one. */
  private list(): void {
    const tokens = this.rest.split('\0');
    let at = 0;
    // The last token may go on in the next piece.
    while (!this.isListed && at + 1 < tokens.length) {
      const facts = tokens[at] ?? '';
      const length = facts === '' ? 1 : /[RC]\d*$/.test(facts) ? 3 : 2;
      if (at + length >= tokens.length) break;
      if (facts === '') this.isListed = true;
      else this.add(facts, tokens.slice(at + 1, at + length).map(utf8));
      at += length;
    }
    // As if each section began on a new line.
    this.rest = `${this.isListed ? '\n' : ''}${tokens.slice(at).join('\0')}`;
  }

  private add(facts: string, [first = '', last = first]: readonly string[]): void {
    const change = parseRaw(facts, this.ownPathOf(last), last === first ? undefined : this.ownPathOf(first));
    if (change) this.changes.push(change);
    else this.isWrong = true;
  }

  private section(text: string): void {
    const change = this.changes[this.at];
    if (!change || !text.startsWith(SECTION)) {
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
    const pair = isTwice ? undefined : pairOf(change, text);
    this.onFile(pair ? { change, pair } : { change });
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
  // What may have too many differences is left to those who count them.
  if (whole.lines > MAX_EDITS) return undefined;
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
