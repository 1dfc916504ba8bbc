import { applyPatch, structuredPatch } from 'diff';
import { describe, expect, it } from 'vitest';
import { type Hunk, textDiff } from './text-diff.ts';

const content = (text: string) => ({ bytes: Buffer.from(text), mode: '100644' as const });

function hunksOf(before: string, after: string): Hunk[] {
  const diff = textDiff(content(before), content(after));
  return diff.kind === 'text' ? diff.hunks : [];
}

/** What the library makes of both texts as a whole. */
function whole(before: string, after: string) {
  return structuredPatch('', '', before, after, undefined, undefined, { context: 3 }).hunks;
}

/** How git counts where nothing stands, undone. */
function asLibrary(hunks: readonly Hunk[]) {
  return hunks.map(hunk => ({
    ...hunk,
    oldStart: hunk.oldLines === 0 ? hunk.oldStart + 1 : hunk.oldStart,
    newStart: hunk.newLines === 0 ? hunk.newStart + 1 : hunk.newStart,
  }));
}

function lines(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('');
}

describe('a difference', () => {
  it.each<[situation: string, before: string, after: string]>([
    ['behind empty lines', `\n\n${lines(0, 9)}`, `\n\nnew\n${lines(1, 9)}`],
    ['at the beginning', lines(0, 20), `new\n${lines(1, 20)}`],
    ['in the middle', lines(0, 20), `${lines(0, 10)}new\n${lines(11, 20)}`],
    ['at the end', lines(0, 20), `${lines(0, 19)}new\n`],
    ['of a line end alone', lines(0, 20), lines(0, 20).trimEnd()],
    ['of a line end that comes', lines(0, 20).trimEnd(), lines(0, 20)],
    ['in two places', lines(0, 40), `a\n${lines(1, 30)}b\n${lines(31, 40)}`],
    ['of everything', lines(0, 5), lines(10, 12)],
    ['from nothing', '', lines(0, 3)],
    ['to nothing', lines(0, 3), ''],
    ['of one line of several alike', 'x\nx\nx\nx\nx\nx\nx\nx\nx\n', 'x\nx\nx\nx\nx\nx\nx\nx\nx\nx\n'],
    [
      'within a line that begins and ends alike',
      `${lines(0, 9)}aXa\n${lines(0, 9)}`,
      `${lines(0, 9)}aYYa\n${lines(0, 9)}`,
    ],
    ['of blank lines first', '\n\n\n\n\na\n', '\n\n\n\n\nb\n'],
  ])('%s is told as when the whole is compared', (_situation, before, after) => {
    expect(asLibrary(hunksOf(before, after))).toEqual(whole(before, after));
  });

  it('leads from the one text to the other, whatever they are', () => {
    let seed = 11;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    const text = () => Array.from({ length: random(30) }, () => 'abc'[random(3)]).join('\n') + '\n'.repeat(random(2));
    for (let round = 0; round < 2_000; round++) {
      const [before, middle, after] = [text(), text(), text()];
      const [old, now] = [`${before}${middle}${after}`, `${before}${text()}${after}`];
      const hunks = asLibrary(hunksOf(old, now));
      const patch = { oldFileName: 'a', newFileName: 'b', oldHeader: '', newHeader: '', index: '', hunks };
      expect(applyPatch(old, patch), JSON.stringify([old, now])).toBe(now);
      const changes = (all: readonly { lines: string[] }[]) =>
        all.flatMap(hunk => hunk.lines.filter(line => /^[-+]/.test(line))).length;
      expect(changes(hunks)).toBe(changes(whole(old, now)));
    }
  });
});
