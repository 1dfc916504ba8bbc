import { expect, it } from 'vitest';
import { createLogRing } from '../runtimes/log-ring.ts';
import { createLogbook, type Logging } from './logbook.ts';

const NONE = '0-0';

/** A run whose ring keeps three lines. */
function run(startedAt: number): Logging & { write(text: string): void } {
  const ring = createLogRing([], { lines: 3, lineLength: 100 });
  return {
    startedAt,
    logs: ring.lines,
    linesWritten: ring.written,
    write: text => ring.add(Buffer.from(text)),
  };
}

function texts(page: { runs: { lines: string[] }[] }): string[][] {
  return page.runs.map(({ lines }) => lines);
}

it('gives everything, then only what is new', () => {
  const book = createLogbook();
  expect(book.page()).toEqual({ cursor: NONE, runs: [] });
  const first = run(1_000);
  book.begin(first);
  first.write('a\nb\nunfinished');
  const page = book.page();
  expect(page).toEqual({ cursor: '1000-2', runs: [{ startedAt: '1970-01-01T00:00:01.000Z', lines: ['a', 'b'] }] });
  expect(book.page(page.cursor)).toEqual({ cursor: '1000-2', runs: [] });
  first.write('\nc\n');
  expect(texts(book.page(page.cursor))).toEqual([['unfinished', 'c']]);
});

it('gives no line twice when more was written than is kept', () => {
  const book = createLogbook();
  const first = run(1_000);
  book.begin(first);
  first.write('1\n');
  const { cursor } = book.page();
  first.write('2\n3\n4\n5\n6\n');
  expect(texts(book.page(cursor))).toEqual([['4', '5', '6']]);
});

it('keeps the last words of the run before, and follows into the next one', () => {
  const book = createLogbook();
  const [first, second, third] = [run(1_000), run(2_000), run(3_000)];
  book.begin(first);
  first.write('one\n');
  const { cursor } = book.page();
  first.write('last words\n');
  book.begin(second);
  second.write('two\n');
  expect(texts(book.page(cursor))).toEqual([['last words'], ['two']]);
  expect(texts(book.page())).toEqual([['one', 'last words'], ['two']]);
  book.begin(third);
  expect(texts(book.page(cursor))).toEqual([['two']]);
});

it.each(['', 'rubbish', '1-1-1', '-5'])('takes the cursor `%s` for none', cursor => {
  const book = createLogbook();
  const first = run(1_000);
  book.begin(first);
  first.write('a\n');
  expect(texts(book.page(cursor))).toEqual([['a']]);
});
