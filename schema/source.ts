import { type Position, type Problem, problem } from './problem.ts';

/** The text of one file, and where in it an offset is. A byte order mark at its beginning is not part of it. */
export interface Source {
  file: string;
  text: string;
  /** Line and column of an offset into `text`, both from 1; columns count UTF-16 code units. */
  position(offset: number): Position & { line: number; column: number };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Decode a file as UTF-8 without NUL characters, or say where it is not that. */
export function decodeSource(file: string, bytes: Uint8Array): Source | Problem {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    const lenient = textSource(file, new TextDecoder('utf-8').decode(bytes));
    const at = lenient.position(Math.max(0, lenient.text.indexOf('\ufffd')));
    return problem('FILE_NOT_TEXT', 'the file is not UTF-8', { at });
  }
  const source = textSource(file, text);
  const nul = text.indexOf('\0');
  if (nul !== -1) return problem('FILE_NOT_TEXT', 'the file has a NUL byte', { at: source.position(nul) });
  return source;
}

/** Text as a file has it. @param text without NUL characters and a byte order mark before it */
export function textSource(file: string, text: string): Source {
  let lineStarts: number[] | undefined;
  return {
    file,
    text,
    position(offset) {
      lineStarts ??= findLineStarts(text);
      const line = lastAtOrBefore(lineStarts, offset);
      return { file, line: line + 1, column: offset - (lineStarts[line] ?? 0) + 1 };
    },
  };
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return starts;
}

/** Index of the last of the sorted numbers that is not greater than `value`. */
function lastAtOrBefore(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
