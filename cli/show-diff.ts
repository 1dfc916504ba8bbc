import { type FileDiff, type Word, wordDiff } from '../repo/history/index.ts';
import { type Risk, riskCategories, visibleLine } from '../schema/index.ts';
import type { Io } from './context.ts';
import { paint } from './style.ts';

/** Longer than that, a change of a line is not looked at word by word. */
const MAX_WORDS_LENGTH = 4_000;

/** Files as a unified diff, as git shows them. What could steer a terminal, or hides, is shown as `\u…`. */
export function diffsText(io: Io, files: readonly FileDiff[]): string {
  return files.map(file => `${fileLines(io, file).join('\n')}\n`).join('');
}

/** What a change may bring about, to stand above its text; empty when there is nothing to say. */
export function risksText(io: Io, risks: readonly Risk[]): string {
  if (risks.length === 0) return '';
  const lines = risks.map(({ category, op, resource, file, line, what, before, after }) => {
    const where = `${resource ?? visibleLine(file)}${line === undefined ? '' : `:${line}`}`;
    const values = op === 'changed' ? `${before} → ${after}` : (after ?? before ?? '');
    const sign = { added: paint(io, 'red', '+'), changed: paint(io, 'yellow', '~'), removed: paint(io, 'green', '-') }[
      op
    ];
    return `  ${sign} ${paint(io, 'bold', riskCategories[category])}: ${where}: ${what}${values === '' ? '' : `: ${values}`}\n`;
  });
  return `${paint(io, 'yellow', `Look at ${risks.length === 1 ? 'this' : `these ${risks.length}`} first:`)}\n${lines.join('')}\n`;
}

function fileLines(io: Io, file: FileDiff): string[] {
  const { path, from = path, op, mode, summary, hunks } = file;
  const before = op === 'added' ? '/dev/null' : `a/${visibleLine(from)}`;
  const after = op === 'removed' ? '/dev/null' : `b/${visibleLine(path)}`;
  const modes = mode ? [`mode ${mode.before} → ${mode.after}`] : [];
  const moved = op === 'renamed' ? [`moved from ${visibleLine(from)}`] : [];
  if (summary === 'binary') return [...modes, ...moved, `binary files ${before} and ${after} differ`];
  if (summary === 'too-large') {
    const { bytes } = file;
    return [
      ...modes,
      ...moved,
      `${before} and ${after} differ: ${bytes.before} → ${bytes.after} bytes, too large to show`,
    ];
  }
  return [
    paint(io, 'bold', `--- ${before}`),
    paint(io, 'bold', `+++ ${after}`),
    ...modes,
    ...moved,
    ...hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
      paint(io, 'cyan', `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`),
      ...(io.colour ? marked(io, lines) : lines.map(visibleLine)),
    ]),
  ];
}

/** Lines in colour; where some are replaced by others, the words that differ stand out. */
function marked(io: Io, lines: readonly string[]): string[] {
  const result: string[] = [];
  for (let index = 0; index < lines.length; ) {
    const removed = runOf(lines, index, '-');
    const added = runOf(lines, index + removed.length, '+');
    if (removed.length + added.length === 0) result.push(visibleLine(lines[index++] ?? ''));
    else {
      result.push(...replaced(io, removed, added));
      index += removed.length + added.length;
    }
  }
  return result;
}

function runOf(lines: readonly string[], start: number, sign: string): string[] {
  let end = start;
  while (lines[end]?.startsWith(sign)) end++;
  return lines.slice(start, end).map(line => line.slice(1));
}

function replaced(io: Io, removed: readonly string[], added: readonly string[]): string[] {
  const [old, now] = [removed.join('\n'), added.join('\n')];
  if (removed.length === 0 || added.length === 0 || old.length + now.length > MAX_WORDS_LENGTH) {
    return [
      ...removed.map(line => paint(io, 'red', visibleLine(`-${line}`))),
      ...added.map(line => paint(io, 'green', visibleLine(`+${line}`))),
    ];
  }
  const { before, after } = wordDiff(old, now);
  return [...wordLines(io, '-', before), ...wordLines(io, '+', after)];
}

/** Words put together to lines again. */
function wordLines(io: Io, sign: '-' | '+', words: readonly Word[]): string[] {
  const colour = sign === '-' ? 'red' : 'green';
  const strong = sign === '-' ? 'redBlock' : 'greenBlock';
  const lines = [paint(io, colour, sign)];
  for (const { text, changed } of words) {
    for (const [index, part] of text.split('\n').entries()) {
      if (index > 0) lines.push(paint(io, colour, sign));
      if (part !== '') lines.push(`${lines.pop()}${paint(io, changed ? strong : colour, visibleLine(part))}`);
    }
  }
  return lines;
}
