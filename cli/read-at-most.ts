import { createReadStream } from 'node:fs';

/**
 * Read to the end, as far as that is no more than so many bytes. What a device or a pipe holds cannot be asked beforehand,
 * and it may never end.
 * @param source a path, or standard input
 * @returns undefined when there is more
 * @throws what the system says of a path that cannot be read
 */
export async function readAtMost(
  source: string | AsyncIterable<Uint8Array | string>,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of typeof source === 'string' ? createReadStream(source) : source) {
    const bytes = Buffer.from(piece);
    length += bytes.length;
    if (length > maxBytes) return undefined;
    pieces.push(bytes);
  }
  return Buffer.concat(pieces);
}
