import type { FileContent } from '../../schema/index.ts';
import { CONTEXT, type Difference, type Hunk } from './text-diff.ts';

/**
 * A hunk of a patch that has a whole file: `@@ -1,9 +1,9 @@`, then its lines. Of thousands of files only some are looked at
 * closely: what is in it is told when it is asked for, and not kept.
 */
export class WholeHunk implements Difference {
  /** How many both sides have together. */
  readonly lines: number;
  private readonly body: string;

  /** @param body as git writes it; ends with a line end */
  constructor(body: string) {
    const { old, now } = countsOf(body);
    this.lines = old + now;
    this.body = body;
  }

  /** Whether it has as many lines as it says. */
  isWhole(): boolean {
    const { old, now } = countsOf(this.body);
    const lines = this.body.split('\n').slice(1, -1);
    const of = (mark: string) => lines.filter(line => line.startsWith(mark)).length;
    return of(' ') + of('-') === old && of(' ') + of('+') === now;
  }

  /** Whether a side has more bytes than that. */
  isLarger(bytes: number): boolean {
    // No character takes more than three bytes as they are counted here.
    if (this.body.length * 3 <= bytes) return false;
    const { before, after } = this.bytes;
    return before > bytes || after > bytes;
  }

  /** One side, whole. */
  text(side: '-' | '+'): string {
    const { body } = this;
    const other = side === '-' ? '+' : '-';
    const lines: string[] = [];
    let isOwn = true;
    let lineEnd = '\n';
    for (let start = body.indexOf('\n') + 1, end = start; start < body.length; start = end + 1) {
      end = body.indexOf('\n', start);
      if (end === -1) end = body.length;
      const mark = body[start];
      // `\ No newline at end of file`: of the line before this one.
      if (mark === '\\') lineEnd = isOwn ? '' : lineEnd;
      else {
        isOwn = mark !== other;
        if (isOwn) lines.push(body.slice(start + 1, end));
      }
    }
    return lines.length === 0 ? '' : `${lines.join('\n')}${lineEnd}`;
  }

  get bytes(): Difference['bytes'] {
    return { before: Buffer.byteLength(this.text('-')), after: Buffer.byteLength(this.text('+')) };
  }

  get hunks(): Hunk[] {
    return hunksOf(this.body.split('\n').slice(1, -1));
  }
}

function countsOf(body: string): { old: number; now: number } {
  const [, old = '1', now = '1'] = /^@@ -[01](?:,(\d+))? \+[01](?:,(\d+))? /.exec(body) ?? [];
  return { old: Number(old), now: Number(now) };
}

/** One side of a file that is known as a hunk. */
export class TextContent implements FileContent {
  readonly mode: FileContent['mode'];
  private readonly hunk: WholeHunk;
  private readonly side: '-' | '+';
  private whole: string | undefined;

  constructor(mode: string, hunk: WholeHunk, side: '-' | '+') {
    this.mode = mode === '100755' ? '100755' : '100644';
    this.hunk = hunk;
    this.side = side;
  }

  get text(): string {
    this.whole ??= this.hunk.text(this.side);
    return this.whole;
  }

  get bytes(): Uint8Array {
    return Buffer.from(this.text);
  }
}

/** What of a whole file's lines is different, with the lines around it. */
function hunksOf(lines: readonly string[]): Hunk[] {
  const hunks: Hunk[] = [];
  let [old, now] = [0, 0];
  for (let at = 0; ; ) {
    let start = at;
    while (lines[start]?.startsWith(' ')) start += 1;
    if (start >= lines.length || lines[start]?.startsWith('\\')) return hunks;
    let end = start;
    for (let index = start, alike = 0; index < lines.length && alike <= 2 * CONTEXT; index++) {
      if (lines[index]?.startsWith(' ')) alike += 1;
      // What says that there is no line end belongs to the line before it.
      else if (alike === 0 || !lines[index]?.startsWith('\\')) [alike, end] = [0, index + 1];
    }
    const from = Math.max(at, start - CONTEXT);
    const to = end + CONTEXT + (lines[end + CONTEXT]?.startsWith('\\') ? 1 : 0);
    const own = lines.slice(from, to);
    const oldLines = own.filter(line => line.startsWith(' ') || line.startsWith('-')).length;
    const newLines = own.filter(line => line.startsWith(' ') || line.startsWith('+')).length;
    old += from - at;
    now += from - at;
    // Where nothing stands, the line before it is named.
    const [oldStart, newStart] = [oldLines === 0 ? old : old + 1, newLines === 0 ? now : now + 1];
    hunks.push({ oldStart, oldLines, newStart, newLines, lines: own });
    [at, old, now] = [to, old + oldLines, now + newLines];
  }
}
