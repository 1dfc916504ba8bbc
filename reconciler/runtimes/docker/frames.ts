import { type Duplex, Readable } from 'node:stream';

const HEADER_BYTES = 8;
const STDERR = 2;

/**
 * Docker sends stdout and stderr over one stream, in frames: one byte for which of the two, three of nothing, four for
 * the length. Nothing is read as long as nobody reads stdout, and no frame is collected before it is passed on.
 * @param onStderr told of each piece of stderr
 * @returns stdout; it ends when the stream does
 */
export function splitFrames(stream: Duplex, onStderr: (chunk: Buffer) => void): Readable {
  let header = Buffer.alloc(0);
  let left = 0;
  let isStderr = false;
  const stdout = new Readable({
    read: () => void stream.resume(),
    destroy(_error, done) {
      stream.destroy();
      done(null);
    },
  });

  function take(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (left === 0) {
        const missing = HEADER_BYTES - header.length;
        header = Buffer.concat([header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < HEADER_BYTES) return;
        isStderr = header[0] === STDERR;
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const piece = rest.subarray(0, left);
      rest = rest.subarray(piece.length);
      left -= piece.length;
      if (isStderr) onStderr(piece);
      else if (!stdout.push(piece)) stream.pause();
    }
  }

  stream.on('data', take);
  stream.on('error', () => undefined);
  stream.once('close', () => stdout.push(null));
  stream.once('end', () => stdout.push(null));
  stdout.on('error', () => undefined);
  return stdout;
}
