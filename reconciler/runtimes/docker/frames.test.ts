import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { splitFrames } from './frames.ts';

function frame(kind: number, text: string): Buffer {
  const header = Buffer.from([kind, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

const both = Buffer.concat([frame(1, 'one'), frame(2, 'oops'), frame(1, ''), frame(1, 'two')]);

it.each([
  ['whole', [both]],
  ['byte by byte', [...both].map(byte => Buffer.from([byte]))],
  ['cut within a header', [both.subarray(0, 14), both.subarray(14)]],
])('parts stdout from stderr: %s', async (_situation, chunks) => {
  const stream = new PassThrough();
  let stderr = '';
  const stdout = splitFrames(stream, chunk => {
    stderr += String(chunk);
  });
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  const seen: string[] = [];
  for await (const chunk of stdout) seen.push(String(chunk));
  expect(seen.join('')).toBe('onetwo');
  expect(stderr).toBe('oops');
});

it('reads little of what nobody asked for', async () => {
  const stream = new PassThrough();
  const stdout = splitFrames(stream, () => undefined);
  for (let n = 0; n < 100; n++) stream.write(frame(1, 'x'.repeat(65_536)));
  await new Promise(resolve => setImmediate(resolve));
  expect(stdout.readableLength).toBeLessThan(500_000);
});
