import { hiddenIn, visibleLine } from '../hidden-text.ts';
import type { ChangedFile, Risk } from './risk.ts';
import { textOf } from './said.ts';

/** Of one file no more are told. */
const MOST = 20;
const AROUND = 40;

/** Lines of a file that are new and have something in them that nobody sees; and such a file name. */
export function hiddenRisks({ path, before, after }: ChangedFile): Omit<Risk, 'resource' | 'file'>[] {
  const found: Omit<Risk, 'resource' | 'file'>[] = [];
  if (!before && after && hiddenIn(path) !== 'nothing') {
    found.push({ category: 'hidden-text', op: 'added', what: 'the name of the file', after: visibleLine(path) });
  }
  const text = textOf(after);
  // Most text has nothing to hide: one look at the whole of it is cheaper than one at each line.
  if (text === undefined || hiddenIn(text.replaceAll('\r\n', '\n')) === 'nothing') return found;
  const old = new Set(textOf(before)?.split('\n'));
  let more = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const hidden = old.has(line) ? 'nothing' : hiddenIn(line);
    if (hidden === 'nothing') continue;
    if (found.length >= MOST) more += 1;
    else {
      const what = hidden === 'direction' ? 'text whose direction is turned' : 'invisible characters';
      found.push({ category: 'hidden-text', op: 'added', line: index + 1, what, after: excerpt(line) });
    }
  }
  if (more > 0) found.push({ category: 'hidden-text', op: 'added', what: `${more} more lines with hidden characters` });
  return found;
}

/** The surroundings of the first hidden character. */
function excerpt(line: string): string {
  let at = 0;
  for (const character of line) {
    if (visibleLine(character) !== character) break;
    at += character.length;
  }
  const start = Math.max(0, at - AROUND);
  const end = Math.min(line.length, at + AROUND);
  return `${start > 0 ? '…' : ''}${visibleLine(line.slice(start, end))}${end < line.length ? '…' : ''}`;
}
