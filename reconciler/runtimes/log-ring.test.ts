import { expect, it } from 'vitest';
import { createLogRing } from './log-ring.ts';

const small = { lines: 3, lineLength: 10 };

function ringOf(chunks: (string | Buffer)[], secrets: string[] = [], limits = small): string[] {
  const ring = createLogRing(secrets, limits);
  for (const chunk of chunks) ring.add(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  ring.end();
  return ring.lines();
}

it.each([
  ['whole lines', ['a\nb\n'], [], ['a', 'b']],
  ['a line in pieces', ['a', 'b', 'c\nd'], [], ['abc', 'd']],
  ['a character in pieces of bytes is whole again', [Buffer.from([0xc3]), Buffer.from([0xa9, 0x0a])], [], ['é']],
  ['Windows line ends', ['a\r\nb\r\n'], [], ['a', 'b']],
  ['only the newest lines', ['1\n2\n3\n4\n5\n'], [], ['3', '4', '5']],
  ['empty lines count', ['\n\na\n'], [], ['', '', 'a']],
  ['a long line is cut', ['0123456789abc\n'], [], ['012345678…']],
  ['a long line in many pieces is cut', ['01234', '56789', 'abc', '\n'], [], ['012345678…']],
  ['colours', ['\u001b[1mred\n'], [], ['red']],
  ['a secret', ['x s3cret y\n'], ['s3cret'], ['x *** y']],
  ['a secret across pieces', ['x s3c', 'ret\n'], ['s3cret'], ['x ***']],
  ['a secret where the line is cut', ['12345678s3cret-and-more\n'], ['s3cret'], ['12345678*…']],
  ['secrets that shrink leave no room for half a one', [`${'s3cret'.repeat(9)}s3c`], ['s3cret'], ['…']],
  ['one line of a secret of several', ['-- line-two --\n'], ['line-one\nline-two'], ['-- *** --']],
])('%s', (_situation, chunks, secrets, expected) => {
  expect(ringOf(chunks, secrets)).toEqual(expected);
});

it('never shows a part of a secret, wherever the line is cut', () => {
  const secret = 'abcdefgh';
  for (let before = 0; before < 40; before++) {
    const [line = ''] = ringOf(
      [`${'-'.repeat(before)}${secret.repeat(before % 5)}${secret}${'+'.repeat(30)}\n`],
      [secret],
    );
    expect(line).not.toMatch(/[a-h]/);
  }
});

it('keeps little of a line of 100 MB', () => {
  const ring = createLogRing([]);
  const chunk = Buffer.alloc(1_000_000, 'x');
  const before = process.memoryUsage();
  for (let i = 0; i < 100; i++) ring.add(chunk);
  const after = process.memoryUsage();
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(5_000_000);
  expect(after.heapUsed - before.heapUsed).toBeLessThan(20_000_000);
  ring.add(Buffer.from('\nlast\n'));
  expect(ring.lines().map(line => line.length)).toEqual([2_048, 4]);
});
